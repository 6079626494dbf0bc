-- Phase: first. Queues of many pieces: who stands for a unit is asked once for a page, and what waits for others is walked by an index of its
-- own. Older code calls the same functions.
create index piece_waits on work.piece (holder, deadline_at, task) where not over and asked is distinct from holder;

-- Who stands for a unit when it is asked whether somebody there would see something: one person of each role there or beneath, with what holds for
-- them. Nobody's look is made.
create function work.stands_for(unit bigint, moment timestamptz) returns table (ask fhir.ask, stand fhir.footing) language sql stable as $$
  with recursive beneath(key) as (
    select unit union select o.key from beneath b join registries.organisation o on o.parent = b.key where unit = any(o.places)
  ), one_of_each as (
    select distinct on (e.role) e.professional, e.organisation, e.role
    from beneath b join trust.employment e on e.organisation = b.key
    where e.valid_from <= moment and moment < e.valid_to order by e.role, e.organisation = unit desc, e.source
  )
  select a.ask, s from one_of_each e
  cross join lateral (select row(2, e.professional, e.organisation, e.role, 1, 'helhed', null, null, moment, '00000000-0000-0000-0000-000000000000')::fhir.ask as ask) a
  cross join lateral fhir.footing_of(a.ask) s
  where s.active
$$;
alter function work.stands_for(bigint, timestamptz) owner to helhed_work;
revoke execute on function work.stands_for(bigint, timestamptz) from public;

-- Whether somebody in a unit would see a Task now. What stands in the way (no relation, a block) is not told.
create or replace function work.seen_by_unit(unit bigint, row_id uuid, moment timestamptz) returns boolean language sql stable as $$
  select exists (
    select from work.stands_for(unit, moment) w
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and not r.deleted
    cross join lateral fhir.basis(w.ask, w.stand, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b)
$$;

-- Which pieces are on a page (see 0002).
create or replace function work.page_of(asker fhir.ask, stand fhir.footing, unit bigint, view text, of_kind text, of_status text, of_assignee bigint,
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
    where x.holder = unit and x.asked is distinct from x.holder and not x.over and (x.deadline_at, x.task) > (after_moment, after_task)
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

-- A page of a unit's queue (see 0002).
create or replace function work.queue(asker fhir.ask, unit bigint, view text, of_kind text, of_status text, of_assignee bigint, after_moment timestamptz,
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
  ), others as materialized (  -- who stands for each unit that is waited for: asked once for a page, not once for a piece
    select u.place, w.ask, w.stand
    from (select distinct g.asked as place from page g where view <> 'ours' and g.asked is distinct from unit and g.asked is not null) u
    cross join lateral work.stands_for(u.place, asker.at) w
  ), reached as materialized (
    select g.task from page g
    cross join lateral (select x.* from fhir.resource x where x.bucket = fhir.bucket(g.task) and x.id = g.task and not x.deleted offset 0) r
    where exists (
      select from others w cross join lateral fhir.basis(w.ask, w.stand, r.citizen, r.origin, r.type, r.ownership,
        r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
      where w.place = g.asked)
  )
  select g.task, g.version, g.body, g.kind, g.status, q.name, coalesce(o.name, oc.name), g.owner, coalesce(h.name, hc.name), coalesce(a.name, ac.name), g.asked is not distinct from unit,
         w.name, g.urgent, g.asked_at, g.moved_at, g.due_at, g.deadline_at, g.step, e.name, g.over, c.patient, c.name, c.cpr, c.birth_date,
         view <> 'ours' and g.asked is distinct from unit and g.asked is not null and not exists (select from reached x where x.task = g.task)
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
