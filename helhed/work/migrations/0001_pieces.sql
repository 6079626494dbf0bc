-- Phase: first. Pieces of work: whose move each Task is, projected in the transaction that writes it. A schema of its own: older code knows
-- nothing of it, and a Task that it writes is taken up when it is written next.
do $$ begin
  perform pg_advisory_xact_lock(hashtext('helhed roles'));
  if not exists (select from pg_roles where rolname = 'helhed_work') then
    create role helhed_work nologin;
  end if;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    grant helhed_work to current_user with set true, inherit true;
  end if;
end $$;
create schema work authorization helhed_work;
grant usage on schema work to helhed_app, helhed_fhir, helhed_trust;
grant insert on foundation.access_log to helhed_work;
grant usage on schema foundation, fhir, registries, trust to helhed_work;
grant select on trust.employment, trust.mask to helhed_work;
grant select on registries.organisation to helhed_work;
grant execute on function fhir.key(uuid), fhir.bucket(uuid), trust.is_within(bigint, bigint), trust.tell(bigint, timestamptz, text, uuid, bigint, bigint) to helhed_work;

-- A Task as a piece of work. No words of it: those stand in the Task alone.
create table work.piece (
  task uuid primary key,
  citizen bigint,                   -- whom it is about; null: about nobody
  kind text not null,               -- helhed/work/data/kinds.json
  status text not null,             -- Task.status
  origin bigint not null,           -- the organisation that wrote it first
  requester bigint not null,        -- the unit that asked; the origin where the Task names none
  owner bigint,                     -- the unit that was asked
  owner_citizen bigint,             -- or the citizen
  holder bigint,                    -- the unit that answers for it now
  holder_citizen bigint,            -- or the citizen
  asked bigint,                     -- the unit that has to move now: the holder, or whoever was asked to accept
  asked_citizen bigint,
  assignee bigint,                  -- who in the owner's unit does it
  urgent boolean not null,
  authored_at timestamptz not null,
  asked_at timestamptz not null,    -- since when it waits for this move
  moved_at timestamptz not null,    -- when somebody last did something
  due_at timestamptz not null,      -- when it has to be done
  deadline_at timestamptz not null, -- when this move has to be made
  next_at timestamptz,              -- when it escalates (next); null: it is over
  step smallint not null default 0, -- how often it has escalated since it waits for this move
  escalated_to bigint,              -- the unit that was told last
  content bytea,                    -- SHA-256 of what only its sender changes
  over boolean not null check (over = (status in ('completed', 'failed', 'cancelled', 'entered-in-error'))),
  -- each open piece is with exactly one, and waits for exactly one, at a moment; what is over is with nobody
  constraint one_holder check (num_nonnulls(holder, holder_citizen) = case when over then 0 else 1 end),
  constraint one_asked check (num_nonnulls(asked, asked_citizen) = case when over then 0 else 1 end),
  constraint never_forgotten check ((next_at is null) = over)
);
create index piece_asked on work.piece (asked, deadline_at, task) where not over;
create index piece_holder on work.piece (holder, deadline_at, task) where not over;
create index piece_escalated on work.piece (escalated_to, deadline_at, task) where not over;
create index piece_next on work.piece (next_at) where not over;
create index piece_requester on work.piece (requester, moved_at desc, task);
create index piece_owner on work.piece (owner, moved_at desc, task) where over;
create index piece_citizen on work.piece (citizen, over, deadline_at);

-- What was done with a piece, when and by whom: what receipts are read from. Never changed; gone with its Task.
create table work.move (
  id bigint generated always as identity primary key,
  task uuid not null,
  at timestamptz not null,
  what text not null,               -- asked, seen, received, accepted, declined, handed-on, assigned, changed, started, waiting, completed, failed, cancelled, mistaken, escalated
  unit bigint,                      -- that did it; null: the network itself
  kind smallint,                    -- foundation.ask.ActorKind
  actor bigint,
  to_unit bigint,                   -- whom it went to, or was escalated to
  to_person bigint
);
create index move_task on work.move (task, id);
create unique index move_seen on work.move (task, unit) where what = 'seen';
alter table work.piece owner to helhed_work;
alter table work.move owner to helhed_work;
create trigger only_proven before insert or update or delete on work.piece for each statement execute function foundation.only_proven('store', 'person');
create trigger only_proven before insert or update or delete on work.move for each statement execute function foundation.only_proven('store', 'person');

-- Whether the asker works in the unit or beneath it, or is the system of the unit or of one above it.
create function work.of_unit(asker fhir.ask, unit bigint) returns boolean language sql stable as $$
  select unit is not null and asker.organisation is not null
    and (trust.is_within(asker.organisation, unit) or asker.kind = 3 and trust.is_within(unit, asker.organisation))
$$;

-- Where somebody works whom a Task names: by their job, or by themselves (in the asker's place, if they work there).
create function work.place_of(asker fhir.ask, job uuid, professional bigint) returns bigint language sql stable as $$
  select e.organisation from trust.employment e
  where (e.source = place_of.job or e.professional = place_of.professional) and e.valid_from <= asker.at and asker.at < e.valid_to
  order by e.source = place_of.job desc, e.organisation = asker.organisation desc, e.organisation limit 1
$$;

create function work.works_in(person bigint, unit bigint, moment timestamptz) returns boolean language sql stable as $$
  select exists (select from trust.employment e
                 where e.professional = person and e.valid_from <= moment and moment < e.valid_to and trust.is_within(e.organisation, unit))
$$;

-- Why a piece may not be moved so; null when it may. old is null where it is new. See docs/explanation/whose-move-it-is.md.
create function work.objection(asker fhir.ask, old work.piece, new work.piece, edges text[]) returns text language plpgsql stable as $$
declare
  begun boolean := new.status in ('accepted', 'ready', 'in-progress', 'on-hold');
  ours boolean := old.holder_citizen is null and work.of_unit(asker, old.holder);
  sent boolean := work.of_unit(asker, old.requester) or work.of_unit(asker, old.origin);
  theirs boolean := work.of_unit(asker, old.owner) or old.owner_citizen is not null and (sent or ours);
  passed boolean := (old.owner, old.owner_citizen) is distinct from (new.owner, new.owner_citizen);
begin
  if new.assignee is not null and new.assignee is distinct from old.assignee
     and not (new.owner is not null and work.works_in(new.assignee, new.owner, asker.at)) then
    return 'assignee';
  end if;
  if old.task is null then
    if not new.over and new.requester <> new.origin and not work.of_unit(asker, new.requester) then
      return 'sender';
    end if;
    return case when begun and not work.of_unit(asker, new.owner) then 'accepted-for-others' end;
  end if;
  if new.requester <> old.requester then
    return 'requester';
  elsif new.status <> old.status and not (old.status = any(edges))
        or not passed and new.status in ('draft', 'requested') and old.status in ('accepted', 'ready', 'in-progress', 'on-hold') then
    return 'edge';  -- what was accepted is asked for again of somebody else only
  elsif new.content is distinct from old.content and not sent then
    return 'content';
  elsif new.due_at <> old.due_at and not sent then
    return 'deadline';
  elsif passed then  -- whoever has it asks somebody else, or takes it back
    return case when not ours then 'not-yours'
                when begun and not (new.owner is not distinct from old.holder) then 'accepted-for-others'
                when new.status not in ('draft', 'requested', 'cancelled', 'entered-in-error') and not begun then 'asked-again' end;
  elsif new.status = old.status then
    return case when new.assignee is distinct from old.assignee and not theirs then 'not-asked' end;
  end if;
  return case
    when new.status in ('cancelled', 'entered-in-error') then case when not (ours or sent) then 'not-yours' end
    when new.status in ('received', 'accepted', 'rejected') or begun and old.status in ('draft', 'requested', 'received') then
      case when not theirs then 'not-asked' end
    when not ours and not (old.owner_citizen is not null and sent) then 'not-yours' end;
end $$;

-- What was done, in a word.
create function work.said(old work.piece, new work.piece) returns text language sql immutable as $$
  select case
    when old.task is null then 'asked'
    when (old.owner, old.owner_citizen) is distinct from (new.owner, new.owner_citizen) then 'handed-on'
    when new.status = old.status then case when new.assignee is distinct from old.assignee then 'assigned' else 'changed' end
    else (jsonb_build_object('draft', 'changed', 'requested', 'asked', 'received', 'received', 'accepted', 'accepted', 'ready', 'accepted',
      'rejected', 'declined', 'in-progress', 'started', 'on-hold', 'waiting', 'completed', 'completed', 'failed', 'failed',
      'cancelled', 'cancelled', 'entered-in-error', 'mistaken')) ->> new.status end
$$;

-- A moment that can be counted on from, and told in every time zone: a Task may name the ends of time, and stands in a queue with others.
create function work.told(moment timestamptz) returns timestamptz language sql immutable as $$
  select least(greatest(moment, '1800-01-01 00:00:00Z'), '9000-01-01 00:00:00Z')
$$;

-- Take up a Task that is being written. said: what it says, as helhed/work/projecting.py reads it. Answers why not (problem, and the status
-- it stands at), or who handed it on and has it still (holder), for the Task to say so.
create function work.put_piece(asker fhir.ask, said jsonb, out problem text, out stands text, out holder uuid)
language plpgsql security definer set search_path = work, pg_temp as $$
declare
  old work.piece;
  new work.piece;
  deadline interval := make_interval(secs => (said ->> 'accept_seconds')::float8);
  same boolean;
begin
  update work.piece set step = step where false;  -- nobody learns how a piece stands without a proof
  select * into old from work.piece p where p.task = (said ->> 'task')::uuid for update;
  new.task := (said ->> 'task')::uuid;
  new.citizen := (said ->> 'citizen')::bigint;
  new.kind := said ->> 'kind';
  new.status := said ->> 'status';
  new.origin := coalesce(old.origin, asker.organisation);
  new.requester := coalesce((said ->> 'requester')::bigint, work.place_of(asker, (said ->> 'requester_job')::uuid, (said ->> 'requester_person')::bigint), new.origin);
  new.owner := coalesce((said ->> 'owner')::bigint, work.place_of(asker, (said ->> 'owner_job')::uuid, (said ->> 'owner_person')::bigint));
  new.owner_citizen := (said ->> 'owner_citizen')::bigint;
  new.assignee := coalesce((said ->> 'assignee')::bigint, (said ->> 'owner_person')::bigint);
  new.urgent := (said ->> 'urgent')::boolean;
  new.authored_at := work.told(coalesce((said ->> 'authored')::timestamptz, old.authored_at, asker.at));
  new.due_at := work.told(coalesce((said ->> 'due')::timestamptz, new.authored_at + make_interval(secs => (said ->> 'act_seconds')::float8)));
  new.content := decode(said ->> 'content', 'hex');
  new.over := new.status in ('completed', 'failed', 'cancelled', 'entered-in-error');
  problem := work.objection(asker, old, new, array(select jsonb_array_elements_text(said -> 'edges')));
  stands := old.status;
  if problem is not null then
    return;
  end if;
  new.moved_at := asker.at;
  if not new.over then
    if new.status in ('accepted', 'ready', 'in-progress', 'on-hold') then
      new.holder := coalesce(new.owner, case when new.owner_citizen is null then new.requester end);
      new.holder_citizen := new.owner_citizen;
    else  -- it stays with whoever has it; after it was with a citizen, or was over, with who asked
      new.holder := coalesce(old.holder, new.requester);
    end if;
    if new.status in ('requested', 'received') and (new.owner is not null or new.owner_citizen is not null) then
      new.asked := new.owner;
      new.asked_citizen := case when new.owner is null then new.owner_citizen end;
    else
      new.asked := new.holder;
      new.asked_citizen := new.holder_citizen;
    end if;
    same := old.task is not null and not old.over and (old.asked, old.asked_citizen, old.holder, old.holder_citizen)
      is not distinct from (new.asked, new.asked_citizen, new.holder, new.holder_citizen) and (old.status = 'rejected') = (new.status = 'rejected');
    new.asked_at := case when same then old.asked_at else asker.at end;
    new.deadline_at := case when new.status in ('accepted', 'ready', 'in-progress', 'on-hold') then new.due_at
                            else least(new.due_at, new.asked_at + deadline) end;
    if same and new.deadline_at = old.deadline_at then
      new.step := old.step;
      new.escalated_to := old.escalated_to;
      new.next_at := old.next_at;
    else
      new.step := 0;
      new.next_at := new.deadline_at;
    end if;
    if new.holder is not null and new.holder not in (new.requester, coalesce(new.owner, 0)) then
      holder := (select o.id from registries.organisation o where o.key = new.holder);
    end if;
  else
    new.step := coalesce(old.step, 0);
    new.escalated_to := old.escalated_to;
    new.asked_at := coalesce(old.asked_at, asker.at);
    new.deadline_at := coalesce(old.deadline_at, new.due_at);
  end if;
  insert into work.piece (task, citizen, kind, status, origin, requester, owner, owner_citizen, holder, holder_citizen, asked, asked_citizen, assignee,
                          urgent, authored_at, asked_at, moved_at, due_at, deadline_at, next_at, step, escalated_to, content, over)
  values (new.task, new.citizen, new.kind, new.status, new.origin, new.requester, new.owner, new.owner_citizen, new.holder, new.holder_citizen,
          new.asked, new.asked_citizen, new.assignee, new.urgent, new.authored_at, new.asked_at, new.moved_at, new.due_at, new.deadline_at,
          new.next_at, coalesce(new.step, 0), new.escalated_to, new.content, new.over)
  on conflict (task) do update set citizen = excluded.citizen, kind = excluded.kind, status = excluded.status, requester = excluded.requester,
    owner = excluded.owner, owner_citizen = excluded.owner_citizen, holder = excluded.holder, holder_citizen = excluded.holder_citizen,
    asked = excluded.asked, asked_citizen = excluded.asked_citizen, assignee = excluded.assignee, urgent = excluded.urgent,
    authored_at = excluded.authored_at, asked_at = excluded.asked_at, moved_at = excluded.moved_at, due_at = excluded.due_at,
    deadline_at = excluded.deadline_at, next_at = excluded.next_at, step = excluded.step, escalated_to = excluded.escalated_to, content = excluded.content, over = excluded.over;
  if new.asked_citizen is not null and new.asked_citizen is distinct from old.asked_citizen and new.asked_citizen = new.citizen then
    perform trust.tell(new.asked_citizen, asker.at, 'work-asks-you', new.task, null, new.requester);
  end if;
  insert into work.move (task, at, what, unit, kind, actor, to_unit, to_person)
  values (new.task, asker.at, work.said(old, new), asker.organisation, asker.kind, asker.actor,
          case when old.task is null or (old.owner, old.status) is distinct from (new.owner, new.status) then new.owner end,
          case when new.assignee is distinct from old.assignee then new.assignee end);
end $$;

-- A Task that was deleted is no piece any more.
create function work.forget_pieces(tasks uuid[]) returns void language sql security definer set search_path = work, pg_temp as $$
  delete from work.move m where m.task = any(tasks);
  delete from work.piece p where p.task = any(tasks)
$$;

-- Who was asked, who asked and who has it take part in it: they may change the Task, as far as work.objection lets them.
create function work.takes_part(asker fhir.ask, row_id uuid) returns boolean language sql stable security definer set search_path = work, pg_temp as $$
  select exists (select from work.piece p where p.task = row_id
    and (work.of_unit(asker, p.owner) or work.of_unit(asker, p.holder) or work.of_unit(asker, p.requester)))
$$;

-- Pieces whose move was not made in time: the next unit is told. First whom the kind names (policy: kind -> {to, seconds}): who asked, or
-- the unit above whoever it waits for; then, step by step, the unit above the one that was told last. Where there is none above, that one is
-- told again. Every worker may, at the same time: a piece is taken once. Answers how many.
create function work.escalate(moment timestamptz, policy jsonb, at_once int) returns int
language plpgsql security definer set search_path = work, pg_temp as $$
declare
  late work.piece;
  target bigint;
  rule jsonb;
  done int := 0;
begin
  for late in select * from work.piece p where not p.over and p.next_at <= moment order by p.next_at limit at_once for update skip locked loop
    rule := coalesce(policy -> late.kind, policy -> 'other');
    target := case when late.step = 0 and rule ->> 'to' = 'sender' and late.requester is distinct from late.asked then late.requester
      else coalesce((select o.parent from registries.organisation o
                     where o.key = coalesce(late.escalated_to, late.asked, late.holder, late.requester)), late.escalated_to, late.requester) end;
    update work.piece p set step = least(p.step + 1, 32000), escalated_to = target,
      next_at = moment + make_interval(secs => (rule ->> 'seconds')::float8) where p.task = late.task;
    insert into work.move (task, at, what, to_unit) values (late.task, moment, 'escalated', target);
    -- the citizen is told once, and not of what a clinician has hidden
    if late.citizen is not null and not exists (select from trust.mask k where k.resource = late.task) then
      perform trust.tell(late.citizen, moment, 'work-overdue', late.task, null, coalesce(late.asked, late.holder));
    end if;
    done := done + 1;
  end loop;
  return done;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'work'::regnamespace loop
    execute format('alter function %s owner to helhed_work', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
end $$;
grant execute on function work.put_piece(fhir.ask, jsonb), work.forget_pieces(uuid[]), work.escalate(timestamptz, jsonb, int) to helhed_app;
grant execute on function work.takes_part(fhir.ask, uuid) to helhed_fhir;
grant execute on function work.forget_pieces(uuid[]) to helhed_trust, helhed_fhir;
create or replace function fhir.takes_part(asker fhir.ask, row_id uuid) returns boolean language sql stable as $$ select work.takes_part(asker, row_id) $$;
create or replace function fhir.forget_facts(ids uuid[]) returns void language sql as $$ select trust.forget_rows(ids); select work.forget_pieces(ids) $$;
