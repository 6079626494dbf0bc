-- Phase: first. A CPR number and a replacement number belong to one citizen each; the demo's log-in page finds people.
create unique index citizen_number on registries.citizen_identifier (system, value)
  where system in ('urn:oid:1.2.208.176.1.2', 'urn:oid:1.2.208.176.1.6.1.1');

create table registries.demo (enabled boolean not null);
alter table registries.demo owner to helhed_registries;

-- Nothing unless this installation was loaded as a demo of synthetic people.
create function registries.demo_citizens(wanted_name text, wanted_number text, row_limit int)
returns setof registries.citizen language sql stable security definer set search_path = registries, pg_temp as $$
  select c.* from registries.citizen c
  where exists (select from registries.demo d where d.enabled)
    and ((wanted_name <> '' and c.sort_name like '%' || replace(replace(replace(wanted_name, '\', '\\'), '%', '\%'), '_', '\_') || '%')
         or (length(wanted_number) >= 4 and c.cpr like replace(replace(replace(wanted_number, '\', '\\'), '%', '\%'), '_', '\_') || '%'))
  order by c.sort_name, c.key limit row_limit
$$;
alter function registries.demo_citizens(text, text, int) owner to helhed_registries;
grant execute on function registries.demo_citizens(text, text, int) to helhed_app;

create function registries.demo_citizen(wanted uuid) returns setof registries.citizen
language sql stable security definer set search_path = registries, pg_temp as $$
  select c.* from registries.citizen c
  where exists (select from registries.demo d where d.enabled) and c.key = fhir.key(wanted) and c.patient = wanted
$$;
alter function registries.demo_citizen(uuid) owner to helhed_registries;
grant execute on function registries.demo_citizen(uuid) to helhed_app;
