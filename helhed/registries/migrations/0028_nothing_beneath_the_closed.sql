-- Phase: pre. No unit is moved or registered beneath one that is closed on the day. Older code asks the same functions; it tells the new refusal as a
-- change that could not be saved.

-- Whether a unit is open on a day, as it is known now. One of which nothing is told by days is.
create function registries.open_on(unit_key bigint, on_day date) returns boolean
language sql stable security definer set search_path = registries, pg_temp as $$
  select coalesce((select f.said is not null and f.said -> 'active' is distinct from 'false' from registries.unit_fact f
                   where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to),
                  not exists (select from registries.unit_fact f where f.unit = unit_key))
$$;

-- Plan a change of a unit. Answers what stands in the way, beside what it answered before: 'above' (the unit it would stand beneath is closed
-- on that day, or not there yet).
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
    if not registries.open_on(above, on_day) then
      return 'above';
    elsif exists (select from registries.units_beneath(unit_key, on_day, clock_timestamp() + interval '1 day') b where b.unit = above) then
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

-- Whether somebody may register a unit beneath another: null, or 'unknown', 'forbidden', 'above' (it is closed), or 'stranger' (the organisation they act from has no
-- system here by which it would be stored). An act, and logged as one.
create or replace function registries.admit_unit(asker fhir.ask, above bigint) returns text
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  problem text := case
    when not exists (select from registries.organisation o where o.key = above) then 'unknown'
    when not registries.may_arrange(asker, above) then 'forbidden'
    when not registries.open_on(above, (asker.at at time zone 'Europe/Copenhagen')::date) then 'above'
    when not coalesce((select s.active from fhir.stand(
           row(3, asker.organisation, asker.organisation, 'system', 3, 'helhed', null, null, asker.at, asker.trace)::fhir.ask) s), false) then 'stranger' end;
begin
  perform registries.note_arranged(asker, 167::smallint, problem is null, above);
  return problem;
end $$;

alter function registries.open_on(bigint, date) owner to helhed_registries;
revoke execute on function registries.open_on(bigint, date) from public;
