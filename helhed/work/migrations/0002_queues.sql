-- Phase: first. Queues of units, a citizen's own pieces, and receipts: decided reads, each logged in the statement that reads.

-- This room decides what it shows as the store does, by the same functions and the same facts.
grant select on fhir.resource, fhir.key_set, registries.citizen, registries.professional to helhed_work;
do $$
declare name text;
begin
  for name in select c.oid::regclass::text from pg_class c
    where c.relnamespace = 'trust'::regnamespace and c.relkind = 'r' and has_table_privilege('helhed_fhir', c.oid, 'SELECT') loop
    execute format('grant select on %s to helhed_work', name);
  end loop;
  for name in select p.oid::regprocedure::text from pg_proc p
    where p.pronamespace in ('trust'::regnamespace, 'fhir'::regnamespace) and p.prokind = 'f'
      and p.provolatile <> 'v' and has_function_privilege('helhed_fhir', p.oid, 'EXECUTE') loop
    execute format('grant execute on function %s to helhed_work', name);
  end loop;
end $$;

-- Whether somebody in a unit would see a Task now: one person of each role there is asked for, and nobody's look is made. What stands in the
-- way (no relation, a block) is not told.
create function work.seen_by_unit(unit bigint, row_id uuid, moment timestamptz) returns boolean language sql stable as $$
  select exists (
    select from (
      select distinct on (e.role) e.professional, e.organisation, e.role from trust.employment e
      where trust.is_within(e.organisation, unit) and e.valid_from <= moment and moment < e.valid_to order by e.role, e.organisation = unit desc, e.source
    ) e
    cross join lateral (select row(2, e.professional, e.organisation, e.role, 1, 'helhed', null, null, moment, '00000000-0000-0000-0000-000000000000')::fhir.ask as ask) a
    cross join lateral fhir.footing_of(a.ask) s
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and not r.deleted
    cross join lateral fhir.basis(a.ask, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where s.active)
$$;

-- Which pieces are on a page: only Tasks that the asker may see. A query for each part, so that each is walked in its own order and ends
-- with the page, however long the queue is.
create function work.page_of(asker fhir.ask, stand fhir.footing, unit bigint, view text, of_kind text, of_status text, of_assignee bigint,
                             after_moment timestamptz, after_task uuid, row_limit int)
returns table (task uuid, version int, concerns bigint[], basis smallint) language plpgsql stable as $$
#variable_conflict use_column
begin
  if view = 'ours' then
    return query select x.task, r.version, r.concerns, b.basis
    from work.piece x
    cross join lateral (select y.* from fhir.resource y where y.bucket = fhir.bucket(x.task) and y.id = x.task and not y.deleted offset 0) r
    cross join lateral fhir.basis(asker, stand, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where x.asked = unit and not x.over and (x.deadline_at, x.task) > (after_moment, after_task)
      and (of_kind is null or x.kind = of_kind) and (of_status is null or x.status = of_status)
      and (of_assignee is null or x.assignee = of_assignee or of_assignee = 0 and x.assignee is null)
    order by x.deadline_at, x.task limit row_limit;
  elsif view = 'others' then
    return query select x.task, r.version, r.concerns, b.basis
    from work.piece x
    cross join lateral (select y.* from fhir.resource y where y.bucket = fhir.bucket(x.task) and y.id = x.task and not y.deleted offset 0) r
    cross join lateral fhir.basis(asker, stand, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where x.holder = unit and x.asked is distinct from unit and not x.over and (x.deadline_at, x.task) > (after_moment, after_task)
      and (of_kind is null or x.kind = of_kind) and (of_status is null or x.status = of_status)
      and (of_assignee is null or x.assignee = of_assignee or of_assignee = 0 and x.assignee is null)
    order by x.deadline_at, x.task limit row_limit;
  elsif view = 'told' then
    return query select x.task, r.version, r.concerns, b.basis
    from work.piece x
    cross join lateral (select y.* from fhir.resource y where y.bucket = fhir.bucket(x.task) and y.id = x.task and not y.deleted offset 0) r
    cross join lateral fhir.basis(asker, stand, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where x.escalated_to = unit and not x.over and (x.deadline_at, x.task) > (after_moment, after_task)
      and (of_kind is null or x.kind = of_kind) and (of_status is null or x.status = of_status)
      and (of_assignee is null or x.assignee = of_assignee or of_assignee = 0 and x.assignee is null)
    order by x.deadline_at, x.task limit row_limit;
  else
    return query select x.task, r.version, r.concerns, b.basis
    from (
      (select p.* from work.piece p where p.requester = unit and p.over and p.moved_at < after_moment order by p.moved_at desc limit 1000)
      union
      (select p.* from work.piece p where p.owner = unit and p.over and p.moved_at < after_moment order by p.moved_at desc limit 1000)
    ) x
    cross join lateral (select y.* from fhir.resource y where y.bucket = fhir.bucket(x.task) and y.id = x.task and not y.deleted offset 0) r
    cross join lateral fhir.basis(asker, stand, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where (of_kind is null or x.kind = of_kind) and (of_status is null or x.status = of_status)
      and (of_assignee is null or x.assignee = of_assignee or of_assignee = 0 and x.assignee is null)
    order by x.moved_at desc, x.task limit row_limit;
  end if;
end $$;

-- A page of a unit's queue, by deadline: ours (its move), others (it has it, and waits for another to accept), told (what is overdue elsewhere
-- and was escalated to it); or over (what it asked for or did, the latest first). Only Tasks that the asker may see, with who the patient is.
-- after: where the page before ended. What the unit sees for the first time counts as seen.
create function work.queue(asker fhir.ask, unit bigint, view text, of_kind text, of_status text, of_assignee bigint, after_moment timestamptz,
                           after_task uuid, row_limit int)
returns table (task uuid, version int, body bytea, kind text, status text, requester text, owner text, owner_key bigint, holder text, asked text, asked_us boolean,
               assignee text, urgent boolean, asked_at timestamptz, moved_at timestamptz, due_at timestamptz, deadline_at timestamptz, step smallint,
               escalated_to text, over boolean, patient uuid, patient_name text, patient_cpr text, patient_born date, unseen boolean)
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with page as materialized (
    select p.*, r.body, c.version, c.concerns, c.basis
    from fhir.footing_of(asker) s
    cross join lateral work.page_of(asker, s, unit, view, of_kind, of_status, of_assignee, after_moment, after_task, row_limit) c
    join work.piece p on p.task = c.task
    cross join lateral (select x.body from fhir.resource x where x.bucket = fhir.bucket(c.task) and x.id = c.task offset 0) r
    where asker.kind = 2 and s.active and unit = any(s.places)
  ), logged as (
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 180, true, min(g.basis), g.citizen,
           array_agg(g.task), array_agg(g.version), asker.trace, (select array_agg(distinct k) from page x cross join unnest(x.concerns) k where x.citizen is not distinct from g.citizen)
    from page g group by g.citizen
  ), marked as (
    insert into work.move (task, at, what, unit, kind, actor)
    select g.task, asker.at, 'seen', unit, asker.kind, asker.actor from page g where g.asked = unit and g.holder is distinct from unit
    on conflict (task, unit) where what = 'seen' do nothing
  )
  select g.task, g.version, g.body, g.kind, g.status, q.name, coalesce(o.name, oc.name), g.owner, coalesce(h.name, hc.name), coalesce(a.name, ac.name), g.asked is not distinct from unit,
         w.name, g.urgent, g.asked_at, g.moved_at, g.due_at, g.deadline_at, g.step, e.name, g.over, c.patient, c.name, c.cpr, c.birth_date,
         view <> 'ours' and g.asked is distinct from unit and g.asked is not null and not work.seen_by_unit(g.asked, g.task, asker.at)
  from page g
  left join registries.citizen c on c.key = g.citizen
  left join registries.organisation q on q.key = g.requester
  left join registries.organisation o on o.key = g.owner left join registries.citizen oc on oc.key = g.owner_citizen and oc.key = g.citizen
  left join registries.organisation h on h.key = g.holder left join registries.citizen hc on hc.key = g.holder_citizen and hc.key = g.citizen
  left join registries.organisation a on a.key = g.asked left join registries.citizen ac on ac.key = g.asked_citizen and ac.key = g.citizen
  left join registries.organisation e on e.key = g.escalated_to
  left join registries.professional w on w.key = g.assignee
  order by case when view = 'over' then null else g.deadline_at end, case when view = 'over' then g.moved_at end desc, g.task;
end $$;

-- What was escalated to a unit, by who it waits for: how many and since when. Of nobody: not a patient, a kind or a Task is named, so that
-- whoever may not see a piece still knows that one waits, and whom to ask.
create function work.told_to(asker fhir.ask, unit bigint) returns table (waits_for text, asked_by text, pieces bigint, since timestamptz)
language sql stable security definer set search_path = work, pg_temp as $$
  select coalesce(a.name, '') , coalesce(q.name, ''), count(*), min(p.deadline_at)
  from fhir.footing_of(asker) s cross join work.piece p
  left join registries.organisation a on a.key = p.asked left join registries.organisation q on q.key = p.requester
  where asker.kind = 2 and s.active and unit = any(s.places) and p.escalated_to = unit and not p.over
  group by 1, 2 order by 4
$$;

-- Whom a piece may be given to in a unit: those who work there now.
create function work.colleagues(asker fhir.ask, unit bigint) returns table (professional bigint, id uuid, name text)
language sql stable security definer set search_path = work, pg_temp as $$
  select distinct p.key, p.id, p.name from fhir.footing_of(asker) s
  join trust.employment e on e.organisation = unit and e.valid_from <= asker.at and asker.at < e.valid_to
  join registries.professional p on p.key = e.professional
  where asker.kind = 2 and s.active and unit = any(s.places) order by p.name limit 500
$$;

-- A citizen's pieces of work, the open ones first: for the citizen, and for whoever acts for them, as far as they see each Task.
create function work.of_citizen(asker fhir.ask, patient bigint, row_limit int)
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
  select g.task, g.version, g.body, g.kind, g.status, q.name, coalesce(o.name, ''), coalesce(h.name, ''), coalesce(a.name, ''), g.asked_citizen is not null, g.urgent,
         g.asked_at, g.moved_at, g.due_at, g.deadline_at, g.step, e.name, g.over
  from page g
  left join registries.organisation q on q.key = g.requester left join registries.organisation o on o.key = g.owner
  left join registries.organisation h on h.key = g.holder left join registries.organisation a on a.key = g.asked
  left join registries.organisation e on e.key = g.escalated_to
  order by g.over, case when g.over then null else g.deadline_at end, g.moved_at desc, g.task;
end $$;

-- The receipts of a piece: what was done with it, when and by which unit; for whoever sees the Task. outcome: null where they do not.
-- reaches: whether somebody in the unit that was asked would see it; told to who asked and who has it, of an open piece.
create function work.receipts(asker fhir.ask, row_id uuid)
returns table (what text, at timestamptz, unit text, to_unit text, reaches boolean, status text, version int)
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with seen as materialized (
    select r.id, r.citizen, r.version, r.concerns, b.basis from fhir.footing_of(asker) s
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and not r.deleted
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where exists (select from work.piece p where p.task = r.id)
  ), logged as (
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 182, x.id is not null, x.basis,
           coalesce(x.citizen, (select p.citizen from work.piece p where p.task = row_id)), array[row_id], array[coalesce(x.version, 0)], asker.trace, x.concerns
    from (select 1) one left join seen x on true
  )
  select m.what, m.at, u.name, t.name, case
           when not p.over and p.asked is distinct from p.holder and p.asked is not null and (work.of_unit(asker, p.requester) or work.of_unit(asker, p.holder))
           then work.seen_by_unit(p.asked, row_id, asker.at) end, p.status, x.version
  from seen x join work.piece p on p.task = x.id join work.move m on m.task = x.id
  left join registries.organisation u on u.key = m.unit left join registries.organisation t on t.key = m.to_unit
  order by m.id;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'work'::regnamespace and p.proname in ('seen_by_unit', 'page_of', 'queue', 'told_to', 'colleagues', 'of_citizen', 'receipts') loop
    execute format('alter function %s owner to helhed_work', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
end $$;
grant execute on function work.queue(fhir.ask, bigint, text, text, text, bigint, timestamptz, uuid, int), work.told_to(fhir.ask, bigint),
  work.colleagues(fhir.ask, bigint), work.of_citizen(fhir.ask, bigint, int), work.receipts(fhir.ask, uuid) to helhed_app;
