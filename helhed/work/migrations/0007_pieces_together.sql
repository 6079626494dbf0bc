-- Phase: pre. Tasks that are written in one transaction are taken up together: the rules are those of put_piece, which older code goes on calling
-- and which calls this one; what they write is written at once.

-- Take up Tasks that are being written, none of them twice, each by its own ask. said: what each says, as helhed/work/projecting.py reads it.
-- Answers for each in its order who handed it on and has it still (holder), for the Task to say so; or, last, why one may not be written so
-- (problem, and the status it stands at): then nothing is.
create function work.put_pieces(askers fhir.ask[], said jsonb[]) returns table (place int, problem text, stands text, holder uuid)
language plpgsql security definer set search_path = work, pg_temp as $$
declare
  asker fhir.ask;
  one jsonb;
  old work.piece;
  new work.piece;
  deadline interval;
  same boolean;
  pieces work.piece[];
  moves work.move[];
begin
  update work.piece set step = step where false;  -- nobody learns how a piece stands without a proof
  for n in 1 .. cardinality(said) loop
    place := n;
    holder := null;
    asker := askers[n];
    one := said[n];
    new := null;
    deadline := make_interval(secs => (one ->> 'accept_seconds')::float8);
    select * into old from work.piece p where p.task = (one ->> 'task')::uuid for update;
    new.task := (one ->> 'task')::uuid;
    new.citizen := (one ->> 'citizen')::bigint;
    new.kind := one ->> 'kind';
    new.status := one ->> 'status';
    new.origin := coalesce(old.origin, asker.organisation);
    new.requester := coalesce((one ->> 'requester')::bigint, work.place_of(asker, (one ->> 'requester_job')::uuid, (one ->> 'requester_person')::bigint), new.origin);
    new.owner := coalesce((one ->> 'owner')::bigint, work.place_of(asker, (one ->> 'owner_job')::uuid, (one ->> 'owner_person')::bigint));
    new.owner_citizen := (one ->> 'owner_citizen')::bigint;
    new.assignee := coalesce((one ->> 'assignee')::bigint, (one ->> 'owner_person')::bigint);
    new.urgent := (one ->> 'urgent')::boolean;
    new.authored_at := work.told(coalesce((one ->> 'authored')::timestamptz, old.authored_at, asker.at));
    new.due_at := work.told(coalesce((one ->> 'due')::timestamptz, new.authored_at + make_interval(secs => (one ->> 'act_seconds')::float8)));
    new.content := decode(one ->> 'content', 'hex');
    new.over := new.status in ('completed', 'failed', 'cancelled', 'entered-in-error');
    problem := work.objection(asker, old, new, array(select jsonb_array_elements_text(one -> 'edges')));
    stands := old.status;
    if problem is not null then
      return next;
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
    if new.asked_citizen is not null and new.asked_citizen is distinct from old.asked_citizen and new.asked_citizen = new.citizen then
      perform trust.tell(new.asked_citizen, asker.at, 'work-asks-you', new.task, null, new.requester);
    end if;
    pieces := array_append(pieces, new);
    moves := array_append(moves, row(
      null, new.task, asker.at, work.said(old, new), asker.organisation, asker.kind, asker.actor,
      case when old.task is null or (old.owner, old.status) is distinct from (new.owner, new.status) then new.owner end,
      case when new.assignee is distinct from old.assignee then new.assignee end)::work.move);
    return next;
  end loop;
  insert into work.piece (task, citizen, kind, status, origin, requester, owner, owner_citizen, holder, holder_citizen, asked, asked_citizen, assignee,
                          urgent, authored_at, asked_at, moved_at, due_at, deadline_at, next_at, step, escalated_to, content, over)
  select p.task, p.citizen, p.kind, p.status, p.origin, p.requester, p.owner, p.owner_citizen, p.holder, p.holder_citizen, p.asked, p.asked_citizen,
         p.assignee, p.urgent, p.authored_at, p.asked_at, p.moved_at, p.due_at, p.deadline_at, p.next_at, coalesce(p.step, 0), p.escalated_to,
         p.content, p.over
  from unnest(pieces) p
  on conflict (task) do update set citizen = excluded.citizen, kind = excluded.kind, status = excluded.status, requester = excluded.requester,
    owner = excluded.owner, owner_citizen = excluded.owner_citizen, holder = excluded.holder, holder_citizen = excluded.holder_citizen,
    asked = excluded.asked, asked_citizen = excluded.asked_citizen, assignee = excluded.assignee, urgent = excluded.urgent,
    authored_at = excluded.authored_at, asked_at = excluded.asked_at, moved_at = excluded.moved_at, due_at = excluded.due_at,
    deadline_at = excluded.deadline_at, next_at = excluded.next_at, step = excluded.step, escalated_to = excluded.escalated_to, content = excluded.content, over = excluded.over;
  insert into work.move (task, at, what, unit, kind, actor, to_unit, to_person)
  select m.task, m.at, m.what, m.unit, m.kind, m.actor, m.to_unit, m.to_person from unnest(moves) with ordinality m(id, task, at, what, unit, kind, actor, to_unit, to_person, n)
  order by m.n;
end $$;
alter function work.put_pieces(fhir.ask[], jsonb[]) owner to helhed_work;
revoke execute on function work.put_pieces(fhir.ask[], jsonb[]) from public;
grant execute on function work.put_pieces(fhir.ask[], jsonb[]) to helhed_app;

create or replace function work.put_piece(asker fhir.ask, said jsonb, out problem text, out stands text, out holder uuid)
language plpgsql security definer set search_path = work, pg_temp as $$
begin
  select p.problem, p.stands, p.holder into problem, stands, holder from work.put_pieces(array[asker], array[said]) p;
end $$;
