-- Phase: pre. Finding one person by what is known of them, for $match. A new function and an index: older code uses neither.
create index citizen_birth_date on registries.citizen (birth_date);

-- Letters as they are written without a Danish keyboard.
create function registries.plain_name(name text) returns text language sql immutable parallel safe
return replace(replace(replace(name, 'æ', 'ae'), 'ø', 'oe'), 'å', 'aa');

-- Who may be meant: has one of the identifiers; or was born that day and shares a beginning of a name; or has all of the names.
-- Words come as plain_name writes them. The identity minimum, by the directory basis, for professionals at work and for
-- citizens themselves; each citizen returned is logged.
create function registries.match_citizens(asker fhir.ask, systems text[], numbers text[], words text[], born date, row_limit int)
returns setof registries.citizen language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  return query
  with stood as materialized (
    select coalesce((select s.active from fhir.stand(asker) s), false) as active
  ), named as (
    select c.key, 0 as place from unnest(systems, numbers) as q(system, value)
    join registries.citizen_identifier i on i.system = q.system and i.value = q.value join registries.citizen c on c.key = i.citizen
    union all
    select c.key, 1 from registries.citizen c
    where c.birth_date = born and exists (
      select from unnest(words) w where position(' ' || w in ' ' || registries.plain_name(c.sort_name)) > 0)
    union all
    select c.key, 2 from registries.citizen c
    where cardinality(words) >= 2 and not exists (
      select from unnest(words) w where position(' ' || w || ' ' in ' ' || registries.plain_name(c.sort_name) || ' ') = 0)
  ), best as (
    select n.key, min(n.place) as place from named n group by n.key
  ), seen as materialized (
    select c.*, b.place from best b join registries.citizen c on c.key = b.key cross join stood
    where (asker.kind = 2 and stood.active) or (asker.kind = 1 and asker.actor = c.key)
    order by b.place, c.birth_date is distinct from born, c.sort_name, c.key limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           true, 8::smallint, s.key, null::smallint, array[s.patient], '{}'::int[], asker.trace
    from seen s
    union all
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           (asker.kind = 2 and stood.active) or asker.kind = 1, null, null, null, '{}', '{}', asker.trace
    from stood where not exists (select from seen)  -- finding nobody is an attempt too
  )
  select s.key, s.patient, s.name, s.sort_name, s.birth_date, s.sex, s.deceased, s.cpr, s.replacement from seen s order by s.place, s.key;
end $$;

alter function registries.plain_name(text) owner to helhed_registries;
alter function registries.match_citizens(fhir.ask, text[], text[], text[], date, int) owner to helhed_registries;
grant execute on function registries.match_citizens(fhir.ask, text[], text[], text[], date, int) to helhed_app;
