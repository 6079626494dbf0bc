-- Phase: pre. What is known of organisational units in two times. Older code stores Organizations without it: what they say now is
-- asserted the next time one is written.

-- One statement: in a period (days, half open) the unit was so; and from when to when we held that to be true. Nothing is ever
-- changed but `known_to`, once: what we knew on any day can be told for ever. `said` null: the unit does not exist in the period.
create table registries.unit_fact (
  id bigint generated always as identity primary key,
  unit bigint not null,             -- key of its Organization
  valid_from date not null,
  valid_to date not null,           -- 'infinity' until something else is known
  known_from timestamptz not null,
  known_to timestamptz not null default 'infinity',
  said jsonb,
  parent bigint,                    -- key of the Organization above, as `said` has it
  name text,                        -- as `said` has it, folded for searching
  asserted_by bigint,               -- the organisation whose system or clerk said it; null: taken from a stored Organization
  check (valid_from < valid_to and known_from < known_to)
);
create index unit_fact_unit on registries.unit_fact (unit, valid_from) where known_to = 'infinity';
create index unit_fact_past on registries.unit_fact (unit, known_from);
create index unit_fact_parent on registries.unit_fact (parent) where known_to = 'infinity';
create index unit_fact_later on registries.unit_fact (valid_from) where known_to = 'infinity';

-- Say how a unit is in a period. What was held true of the days of the period is no longer, from now on; what was held true of the
-- days around it still is. Statements about one unit wait for each other, and each is known a moment after the one before it.
create function registries.assert_unit(unit_key bigint, from_day date, to_day date, what jsonb, above bigint, folded text,
                                       asserting bigint, moment timestamptz)
returns timestamptz language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  known timestamptz;
begin
  if from_day >= to_day then
    raise exception 'a period has days' using errcode = '22023';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('unit ' || unit_key, 0));
  select greatest(moment, max(f.known_from) + interval '1 microsecond') into known from registries.unit_fact f where f.unit = unit_key;
  with outdated as (
    update registries.unit_fact f set known_to = known
    where f.unit = unit_key and f.known_to = 'infinity' and f.valid_from < to_day and f.valid_to > from_day
    returning f.*
  )
  insert into registries.unit_fact (unit, valid_from, valid_to, known_from, said, parent, name, asserted_by)
  select o.unit, o.valid_from, from_day, known, o.said, o.parent, o.name, o.asserted_by from outdated o where o.valid_from < from_day
  union all
  select o.unit, to_day, o.valid_to, known, o.said, o.parent, o.name, o.asserted_by from outdated o where o.valid_to > to_day
  union all
  select unit_key, from_day, to_day, known, what, above, folded, asserting;
  return known;
end $$;

-- How units were on a day, as it was known at a moment. Public: organisations are nobody's secret.
create function registries.units_as_of(units bigint[], on_day date, as_known timestamptz)
returns table (unit bigint, valid_from date, valid_to date, known_from timestamptz, said jsonb, parent bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  select f.unit, f.valid_from, f.valid_to, f.known_from, f.said, f.parent from registries.unit_fact f
  where f.unit = any(units) and f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
    and f.said is not null
$$;

-- All that was ever said of a unit, as it was said.
create function registries.unit_history(unit_key bigint) returns setof registries.unit_fact
language sql stable security definer set search_path = registries, pg_temp as $$
  select * from registries.unit_fact f where f.unit = unit_key order by f.known_from, f.valid_from
$$;

-- The units beneath one on a day, as known at a moment; itself first, and how deep each stands.
create function registries.units_beneath(top bigint, on_day date, as_known timestamptz)
returns table (unit bigint, depth int, valid_from date, valid_to date, known_from timestamptz, said jsonb, parent bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  with recursive tree as (
    select f as fact, 0 as depth, array[f.unit] as above from registries.unit_fact f
    where f.unit = top and f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
      and f.said is not null
    union all
    select f, t.depth + 1, t.above || f.unit from tree t join registries.unit_fact f on f.parent = (t.fact).unit
    where f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to
      and f.said is not null and f.unit <> all(t.above) and t.depth < 32
  )
  select (t.fact).unit, t.depth, (t.fact).valid_from, (t.fact).valid_to, (t.fact).known_from, (t.fact).said, (t.fact).parent from tree t
$$;

do $$
declare signature regprocedure;
begin
  alter table registries.unit_fact owner to helhed_registries;
  foreach signature in array array[
    'registries.assert_unit(bigint, date, date, jsonb, bigint, text, bigint, timestamptz)', 'registries.units_as_of(bigint[], date, timestamptz)',
    'registries.unit_history(bigint)', 'registries.units_beneath(bigint, date, timestamptz)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
