-- Phase: pre. Units are found by a number they have, and those directly beneath one are told. Older code asks neither.
create index unit_fact_identifiers on registries.unit_fact using gin ((said -> 'identifier') jsonb_path_ops) where known_to = 'infinity';

-- Units open on a day that have a number of whatever system, or (with a system) of that one.
create function registries.units_with_number(of_system text, number text, on_day date, row_limit int)
returns table (key bigint, id uuid, name text, sor text, above text[])
language sql stable security definer set search_path = registries, pg_temp as $$
  select o.key, o.id, o.name, o.sor, array(
    select x.name from unnest(o.places) with ordinality p(key, n) join registries.organisation x on x.key = p.key where p.n > 1 order by p.n)
  from registries.unit_fact f join registries.organisation o on o.key = f.unit
  where f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to and f.said -> 'active' is distinct from 'false'
    and f.said -> 'identifier' @> jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('system', of_system, 'value', number)))
  order by cardinality(o.places), o.name, o.key limit row_limit
$$;

-- The units directly beneath one on a day, as known at a moment, by name.
create function registries.units_directly_beneath(top bigint, on_day date, as_known timestamptz)
returns table (unit bigint, valid_from date, valid_to date, known_from timestamptz, said jsonb, parent bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  select f.unit, f.valid_from, f.valid_to, f.known_from, f.said, f.parent from registries.unit_fact f
  where f.parent = top and f.valid_from <= on_day and on_day < f.valid_to and f.known_from <= as_known and as_known < f.known_to and f.said is not null
  order by f.said -> 'active' = 'false' nulls first, f.name, f.unit
$$;

do $$
declare signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('units_with_number', 'units_directly_beneath') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
