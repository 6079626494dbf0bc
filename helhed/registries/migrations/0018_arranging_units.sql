-- Phase: pre. People whose role it is arrange units too; a plan is stored by whoever registered the unit, and of several plans each can be
-- taken back by itself. Older code plans and applies as before, through the same functions.
alter table registries.unit_plan
  add column number bigint generated always as identity,  -- the order in which plans were made
  add column above bigint,          -- key of the Organization above it from then on, where `changes` says so
  add column actor bigint;          -- who planned it, when that was a person
update registries.unit_plan p set above = o.key from registries.organisation o
where p.changes -> 'partOf' ->> 'reference' = 'Organization/' || o.id;

-- Whether somebody may arrange a unit: the system of an organisation above it or of a keeper of the directory, or somebody whom such an
-- organisation employs to arrange its units.
create or replace function registries.may_arrange(asker fhir.ask, unit_key bigint) returns boolean
language plpgsql stable security definer set search_path = registries, pg_temp as $$
begin
  return ((asker.kind = 3 and coalesce((select s.active from fhir.stand(asker) s), false)) or trust.has_duty(asker, 'arrange'))
    and exists (select from registries.organisation o where o.key = unit_key
                  and (asker.organisation = any(o.places) or exists (select from registries.keeper k where k.organisation = asker.organisation)));
end $$;

-- The log row of an act on a unit: it names no citizen.
create function registries.note_arranged(asker fhir.ask, action smallint, done boolean, unit_key bigint) returns void
language sql security definer set search_path = registries, pg_temp as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, resources, versions, trace)
  select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action, done,
         array(select o.id from registries.organisation o where o.key = unit_key), '{}', asker.trace
$$;

-- By the system of which organisation a unit's Organization is changed: the one that registered it. Null when that has no system here.
create function registries.storer_of(asker fhir.ask, unit_key bigint) returns bigint
language sql stable security definer set search_path = registries, pg_temp as $$
  select o.registered_by from registries.organisation o
  where o.key = unit_key and (
    select s.active from fhir.stand(row(3, o.registered_by, o.registered_by, 'system', 3, 'helhed', null, null, asker.at, asker.trace)::fhir.ask) s)
$$;

-- Say again how a unit is from a day on: as it was the day before, and then each open plan in its turn. What ends it stays.
create function registries.replay_unit_plans(unit_key bigint, from_day date, begins_so registries.unit_fact, asserting bigint) returns void
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  so jsonb := begins_so.said;
  stands_under bigint := begins_so.parent;
  said_by bigint := asserting;
  ends date;
  one record;
  plan registries.unit_plan;
begin
  select coalesce(min(f.valid_from), 'infinity') into ends from registries.unit_fact f
  where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from > from_day and f.said is null;
  for one in
    select d.day, coalesce(lead(d.day) over (order by d.day), ends) as upto
    from (select from_day as day union select p.day from registries.unit_plan p
          where p.unit = unit_key and p.applied_at is null and p.withdrawn_at is null and p.day >= from_day and p.day < ends) d
    order by d.day
  loop
    for plan in select p.* from registries.unit_plan p
                where p.unit = unit_key and p.applied_at is null and p.withdrawn_at is null and p.day = one.day
                order by p.number loop
      so := jsonb_strip_nulls(so || plan.changes);
      stands_under := case when plan.changes ? 'partOf' then plan.above else stands_under end;
      said_by := plan.planned_by;
    end loop;
    if not exists (select from registries.unit_fact f where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from = one.day
                     and f.valid_to = one.upto and f.said = so and f.parent is not distinct from stands_under) then
      perform registries.assert_unit(unit_key, one.day, one.upto, so, stands_under, registries.folded(so ->> 'name'), said_by);
    end if;
  end loop;
end $$;

-- How a unit is on a day without the plans of that very day.
create function registries.unit_before_plans(unit_key bigint, on_day date) returns registries.unit_fact
language sql stable security definer set search_path = registries, pg_temp as $$
  select f.* from registries.unit_fact f
  where f.unit = unit_key and f.said is not null and (
    (f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to
       and (f.asserted_by is null or f.valid_from < on_day or not exists (
         select from registries.unit_plan p where p.unit = unit_key and p.day = on_day and p.applied_at is null)))
    or (f.known_to = 'infinity' and f.valid_to = on_day)
    or (f.asserted_by is null and f.valid_from <= on_day and on_day < f.valid_to))
  order by f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to desc, f.known_to = 'infinity' desc, f.known_from desc
  limit 1
$$;

-- Plan a change of a unit. Answers what stands in the way, beside what it answered before: 'stranger' (who registered the unit has no system
-- here, so nobody can store it), 'not-theirs' (whoever registered it may not place it there), 'many'; null when it is planned.
create or replace function registries.plan_unit(asker fhir.ask, plan uuid, unit_key bigint, on_day date, of_kind text, what jsonb, above bigint,
                                                folded text, followers bigint[], today date)
returns text language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  most_open constant int := 50;  -- of one unit: nobody arranges further ahead, and each is replayed with every change
  unit registries.organisation;
  then_is registries.unit_fact;
  place registries.organisation;
begin
  select o.* into unit from registries.organisation o where o.key = unit_key;
  if unit.key is null then
    return 'unknown';
  elsif not registries.may_arrange(asker, unit_key) then
    return 'forbidden';
  elsif on_day < today then
    return 'past';
  elsif registries.storer_of(asker, unit_key) is null then
    return 'stranger';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('unit ' || unit_key, 0));
  if (select count(*) from registries.unit_plan p where p.unit = unit_key and p.applied_at is null and p.withdrawn_at is null) >= most_open then
    return 'many';
  end if;
  select f.* into then_is from registries.unit_fact f
  where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to;
  if then_is.said is null or then_is.said -> 'active' = 'false' then
    return 'closed';
  end if;
  if of_kind = 'close' and exists (
       select from registries.unit_fact f where f.parent = unit_key and f.known_to = 'infinity' and f.valid_to > on_day
         and f.said is not null and f.said -> 'active' is distinct from 'false') then
    return 'beneath';
  end if;
  if exists (select from unnest(followers) follower where follower = unit_key or not exists (
       select from registries.unit_fact f where f.unit = follower and f.known_to = 'infinity' and f.valid_from <= on_day
         and on_day < f.valid_to and f.said is not null and f.said -> 'active' is distinct from 'false')) then
    return 'successor';
  end if;
  if what ? 'partOf' and above is null and then_is.parent is not null
     and not exists (select from registries.keeper k where k.organisation = asker.organisation) then
    return 'elsewhere';  -- beneath nobody, or beneath what is written so that nobody here is meant
  elsif above is not null then
    if exists (select from registries.units_beneath(unit_key, on_day, clock_timestamp() + interval '1 day') b where b.unit = above) then
      return 'circle';
    elsif not registries.may_arrange(asker, above) then
      return 'elsewhere';
    end if;
    select o.* into place from registries.organisation o where o.key = above;  -- as put_organisation asks when it is stored
    if above is distinct from unit.parent and not unit.registered_by = any(place.places)
       and (unit.registered_by = any(unit.places) or place.registered_by <> unit.registered_by)
       and not exists (select from registries.keeper k where k.organisation = unit.registered_by) then
      return 'not-theirs';
    end if;
  end if;
  then_is := registries.unit_before_plans(unit_key, on_day);
  insert into registries.unit_plan (id, unit, day, kind, changes, successors, planned_by, planned_at, above, actor)
  values (plan, unit_key, on_day, of_kind, what, followers, asker.organisation, asker.at, above, case when asker.kind = 2 then asker.actor end);
  perform registries.replay_unit_plans(unit_key, on_day, then_is, asker.organisation);
  perform registries.note_arranged(asker, 165::smallint, true, unit_key);
  return null;
end $$;

-- Take a plan back before its day: the unit goes on as it would be the day before, with what else is planned. Answers 'unknown',
-- 'forbidden' or 'done'.
create or replace function registries.withdraw_unit_plan(asker fhir.ask, plan uuid, today date)
returns text language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  planned registries.unit_plan;
begin
  select p.* into planned from registries.unit_plan p where p.id = plan for update;
  if planned.id is null then
    return 'unknown';
  elsif not registries.may_arrange(asker, planned.unit) then
    return 'forbidden';
  elsif planned.applied_at is not null or planned.withdrawn_at is not null or (planned.day <= today and planned.problem is null) then
    return 'done';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('unit ' || planned.unit, 0));
  declare
    before registries.unit_fact := registries.unit_before_plans(planned.unit, planned.day);
  begin
    update registries.unit_plan p set withdrawn_at = asker.at where p.id = plan;
    if planned.day > today then
      perform registries.replay_unit_plans(planned.unit, planned.day, before, asker.organisation);
    end if;
  end;
  perform registries.note_arranged(asker, 166::smallint, true, planned.unit);
  return null;
end $$;

-- As before, and what is planned after that follows from what is stored now.
create or replace function registries.state_units(keys bigint[], firsts date[], lasts date[], news boolean[], saids jsonb[], parents bigint[],
                                                  folded text[])
returns void language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  today date := (clock_timestamp() at time zone 'Europe/Copenhagen')::date;
  one record;
  begins date;
  planned date;
begin
  for one in select * from unnest(keys, firsts, lasts, news, saids, parents, folded) u(key, first, last, new, said, parent, name) loop
    begins := case when one.new then coalesce(one.first, today) else today end;
    select min(f.valid_from) into planned from registries.unit_fact f
    where f.unit = one.key and f.known_to = 'infinity' and f.valid_from > begins and f.asserted_by is not null;
    if not exists (select from registries.unit_fact f where f.unit = one.key and f.known_to = 'infinity' and f.valid_from <= begins
                     and f.valid_to >= coalesce(planned, 'infinity') and f.said = one.said) then
      perform registries.assert_unit(one.key, begins, coalesce(planned, 'infinity'), one.said, one.parent, one.name, null);
      if one.said is not null and exists (select from registries.unit_plan p where p.unit = one.key and p.day = planned
                                            and p.applied_at is null and p.withdrawn_at is null) then
        perform registries.replay_unit_plans(one.key, planned, registries.unit_before_plans(one.key, planned), null);
      end if;
    end if;
    if one.last is not null and one.said is not null and one.last + 1 > begins then
      perform registries.assert_unit(one.key, one.last + 1, 'infinity', null, null, null, null);
    end if;
  end loop;
end $$;

-- Plans whose day has come, as before; by whose system each is stored, and whether its planner still stands above the unit.
create function registries.due_plans(today date, row_limit int, chosen uuid[])
returns table (id uuid, unit bigint, organisation uuid, changes jsonb, planned_by bigint, storer bigint, stands boolean)
language sql security definer set search_path = registries, pg_temp as $$
  select p.id, p.unit, o.id, p.changes, p.planned_by, o.registered_by,
         p.planned_by = any(o.places) or exists (select from registries.keeper k where k.organisation = p.planned_by)
  from registries.unit_plan p join registries.organisation o on o.key = p.unit
  where p.day <= today and p.applied_at is null and p.withdrawn_at is null and (chosen is null or p.id = any(chosen))
  order by (select max(q.tried_at) from registries.unit_plan q where q.unit = p.unit and q.applied_at is null and q.withdrawn_at is null) nulls first,
    p.day, p.number limit row_limit for update of p skip locked
$$;

-- Whether somebody may register a unit beneath another: null, or 'unknown', 'forbidden', or 'stranger' (the organisation they act from has no
-- system here by which it would be stored). An act, and logged as one.
create function registries.admit_unit(asker fhir.ask, above bigint) returns text
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  problem text := case
    when not exists (select from registries.organisation o where o.key = above) then 'unknown'
    when not registries.may_arrange(asker, above) then 'forbidden'
    when not coalesce((select s.active from fhir.stand(
           row(3, asker.organisation, asker.organisation, 'system', 3, 'helhed', null, null, asker.at, asker.trace)::fhir.ask) s), false) then 'stranger' end;
begin
  perform registries.note_arranged(asker, 167::smallint, problem is null, above);
  return problem;
end $$;

-- Whether somebody may arrange a unit, for pages: what they offer, and never what they do.
create function registries.arranges(asker fhir.ask, unit_key bigint) returns boolean
language sql stable security definer set search_path = registries, pg_temp as $$
  select registries.may_arrange(asker, unit_key)
$$;

do $$
declare signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('note_arranged', 'storer_of', 'replay_unit_plans', 'unit_before_plans', 'due_plans', 'admit_unit', 'arranges') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
  grant execute on function registries.due_plans(date, int, uuid[]), registries.admit_unit(fhir.ask, bigint), registries.arranges(fhir.ask, bigint) to helhed_app;
end $$;
