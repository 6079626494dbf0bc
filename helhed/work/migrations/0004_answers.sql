-- Phase: first. Citizens answer the pieces of work that are theirs. Older code writes no such answer, and reads the moves that say so as they are:
-- the functions that are restated keep their shapes.

grant select on registries.protected_citizen to helhed_work;  -- a parent who lives elsewhere answers nothing for a protected child

-- Whether a piece that waits for a citizen is the asker's to answer: their own, or that of the one whom it is about, for whom they act.
-- That they do is the decision of the Task itself.
create function work.answers(asker fhir.ask, about bigint, asked bigint) returns boolean language sql stable as $$
  select coalesce(asker.kind = 1 and (asked = any(trust.keys_of(array[about])) or asked = any(trust.keys_of(array[asker.actor]))), false)
$$;

-- A piece that a citizen is about to answer: decided by the whole row, and logged with the answer. Nothing for who may not see it; theirs
-- says whether it is for them to answer.
create function work.answerable(asker fhir.ask, row_id uuid)
returns table (version int, body bytea, status text, kind text, origin bigint, citizen bigint, basis smallint, theirs boolean)
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with seen as materialized (
    select r.citizen, r.version, r.body, r.type, r.origin, r.concerns, p.status, p.kind, b.basis,
           work.answers(asker, p.citizen, p.asked_citizen) and (asker.write_types is null or r.type = any(asker.write_types)) as theirs
    from fhir.footing_of(asker) s
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and not r.deleted
    join work.piece p on p.task = r.id
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where asker.kind = 1
  ), logged as (
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 230, coalesce(x.theirs, false),
           case when x.theirs then x.basis end, coalesce(x.citizen, (select p.citizen from work.piece p where p.task = row_id)), x.type, array[row_id],
           array[coalesce(x.version, 0)], asker.trace, x.concerns
    from (select 1) one left join seen x on true
  )
  select x.version, case when x.theirs then x.body end, x.status, x.kind, x.origin, x.citizen, x.basis, x.theirs from seen x;
end $$;

-- The answer that was just written by the system of the place that keeps the Task was the citizen's, or of who acts for them. What is given
-- back waits for its place from now on, with the time that the kind gives to answer in, whatever was late before.
create function work.note_answer(asker fhir.ask, row_id uuid, said text, seconds float8) returns void
language plpgsql security definer set search_path = work, pg_temp as $$
declare
  one work.piece;
begin
  select * into one from work.piece p where p.task = row_id for update;
  if not work.answers(asker, one.citizen, one.owner_citizen) or said not in ('citizen-completed', 'citizen-declined', 'citizen-help') then
    raise insufficient_privilege;
  end if;
  update work.move m set what = said, unit = null, kind = asker.kind, actor = asker.actor, to_unit = null
  where m.id = (select max(x.id) from work.move x where x.task = row_id) and m.at = asker.at;
  update work.piece p set deadline_at = asker.at + make_interval(secs => seconds), next_at = asker.at + make_interval(secs => seconds),
    step = 0, escalated_to = null where p.task = row_id and p.status = 'rejected';
end $$;

-- Why a piece may not be moved so; null when it may. old is null where it is new. See docs/explanation/whose-move-it-is.md.
create or replace function work.objection(asker fhir.ask, old work.piece, new work.piece, edges text[]) returns text language plpgsql stable as $$
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
  elsif (new.status = 'completed' and old.status in ('requested', 'received')
         or new.status = 'rejected' and old.status in ('accepted', 'ready', 'in-progress', 'on-hold')) and (old.owner_citizen is null or passed) then
    return 'edge';  -- a citizen answers in one step, and gives back what they cannot do; a unit accepts first, and hands on
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

-- A citizen's pieces of work, the open ones first: for the citizen, and for whoever acts for them, as far as they see each Task.
create or replace function work.of_citizen(asker fhir.ask, patient bigint, row_limit int)
returns table (task uuid, version int, body bytea, kind text, status text, requester text, owner text, holder text, asked text, asks_citizen boolean, urgent boolean,
               asked_at timestamptz, moved_at timestamptz, due_at timestamptz, deadline_at timestamptz, step smallint, escalated_to text, over boolean)
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with own as materialized (select unnest(trust.keys_of(array[patient])) as citizen), page as materialized (
    select p.*, r.version, r.body, r.concerns, b.basis
    from fhir.footing_of(asker) s cross join own
    join work.piece p on p.citizen = own.citizen
    join fhir.resource r on r.bucket = fhir.bucket(p.task) and r.id = p.task and not r.deleted
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where asker.kind = 1 and p.status <> 'entered-in-error'
    order by p.over, case when p.over then null else p.deadline_at end, p.moved_at desc limit row_limit
  ), logged as (
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 181, exists (select from page), (select min(g.basis) from page g),
           own.citizen, coalesce((select array_agg(g.task) from page g where g.citizen = own.citizen), '{}'),
           coalesce((select array_agg(g.version) from page g where g.citizen = own.citizen), '{}'), asker.trace,
           (select array_agg(distinct k) from page x cross join unnest(x.concerns) k where x.citizen = own.citizen)
    from own where own.citizen = patient or exists (select from page g where g.citizen = own.citizen)
  )
  select g.task, g.version, g.body, g.kind, g.status, q.name, coalesce(o.name, ''), coalesce(h.name, ''), coalesce(a.name, ''), work.answers(asker, g.citizen, g.asked_citizen), g.urgent,
         g.asked_at, g.moved_at, g.due_at, g.deadline_at, g.step, e.name, g.over
  from page g
  left join registries.organisation q on q.key = g.requester left join registries.organisation o on o.key = g.owner
  left join registries.organisation h on h.key = g.holder left join registries.organisation a on a.key = g.asked
  left join registries.organisation e on e.key = g.escalated_to
  order by g.over, case when g.over then null else g.deadline_at end, g.moved_at desc, g.task;
end $$;

-- The piece, who the patient is and its receipts, as one look; nothing for who may not see the Task (see 0003). Who answered for a citizen is named.
create or replace function work.one_piece(asker fhir.ask, row_id uuid)
returns table (task uuid, version int, body bytea, kind text, status text, requester text, owner text, holder text, asked text, asked_us boolean,
               assignee text, urgent boolean, asked_at timestamptz, moved_at timestamptz, due_at timestamptz, deadline_at timestamptz, step smallint,
               escalated_to text, over boolean, patient uuid, patient_name text, patient_cpr text, patient_born date, unseen boolean,
               owner_key bigint, ours boolean, sent boolean, has boolean, moves jsonb)
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with seen as materialized (
    select p.*, r.version, r.body, r.concerns, b.basis from fhir.footing_of(asker) s
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and not r.deleted
    join work.piece p on p.task = r.id
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where asker.kind = 2
  ), logged as (
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 182, x.task is not null, x.basis,
           coalesce(x.citizen, (select p.citizen from work.piece p where p.task = row_id)), array[row_id], array[coalesce(x.version, 0)], asker.trace, x.concerns
    from (select 1) one left join seen x on true
  )
  select g.task, g.version, g.body, g.kind, g.status, q.name, coalesce(o.name, ''), coalesce(h.name, ''), coalesce(a.name, ''), work.of_unit(asker, g.asked),
         w.name, g.urgent, g.asked_at, g.moved_at, g.due_at, g.deadline_at, g.step, e.name, g.over, c.patient, c.name, c.cpr, c.birth_date,
         g.asked is distinct from g.holder and g.asked is not null and not work.seen_by_unit(g.asked, g.task, asker.at),
         g.owner, work.of_unit(asker, g.owner), work.of_unit(asker, g.requester) or work.of_unit(asker, g.origin), work.of_unit(asker, g.holder),
         (select coalesce(jsonb_agg(jsonb_build_object('what', m.what, 'at', m.at, 'unit', u.name, 'to_unit', t.name, 'person', coalesce(n.name, k.name)) order by m.id), '[]')
          from work.move m left join registries.organisation u on u.key = m.unit left join registries.organisation t on t.key = m.to_unit
          left join registries.professional n on n.key = m.to_person
          left join registries.citizen k on m.kind = 1 and k.key = m.actor and not k.key = any(trust.keys_of(array[g.citizen])) where m.task = g.task)
  from seen g
  left join registries.citizen c on c.key = g.citizen
  left join registries.organisation q on q.key = g.requester left join registries.organisation o on o.key = g.owner
  left join registries.organisation h on h.key = g.holder left join registries.organisation a on a.key = g.asked
  left join registries.organisation e on e.key = g.escalated_to left join registries.professional w on w.key = g.assignee;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'work'::regnamespace and p.proname in ('answers', 'answerable', 'note_answer') loop
    execute format('alter function %s owner to helhed_work', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
end $$;
grant execute on function work.answerable(fhir.ask, uuid), work.note_answer(fhir.ask, uuid, text, float8) to helhed_app;
