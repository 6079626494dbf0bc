-- Phase: pre. Functions replaced under their old signatures: older code gets the better order.

-- By name: every part of the name starts like a wanted word; who has the wanted words as whole names comes first, so that
-- Jens is found among all the Jensens. Each citizen returned is logged.
create or replace function registries.find_by_name(asker fhir.ask, words text[], row_limit int)
returns setof registries.citizen language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  if asker.kind <> 2 or not coalesce((select s.active from fhir.stand(asker) s), false) or cardinality(words) = 0 then
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, resources, versions, trace)
    values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8, false,
            '{}', '{}', asker.trace);
    return;
  end if;
  return query
  with seen as materialized (
    select c.* from registries.citizen c
    where not exists (select from unnest(words) w where position(' ' || w in ' ' || c.sort_name) = 0)
    order by (select count(*) from unnest(words) w where position(' ' || w || ' ' in ' ' || c.sort_name || ' ') > 0) desc,
             c.sort_name, c.key
    limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 8,
           true, 8, s.key, null, array[s.patient], '{}', asker.trace
    from seen s
  )
  select s.* from seen s;
end $$;

-- The same order on the demo's log-in page. Nothing unless this installation was loaded as a demo of synthetic people.
create or replace function registries.demo_citizens(wanted_name text, wanted_number text, row_limit int)
returns setof registries.citizen language sql stable security definer set search_path = registries, pg_temp as $$
  select c.* from registries.citizen c
  where exists (select from registries.demo d where d.enabled)
    and ((wanted_name <> '' and c.sort_name like '%' || replace(replace(replace(wanted_name, '\', '\\'), '%', '\%'), '_', '\_') || '%')
         or (length(wanted_number) >= 4 and c.cpr like replace(replace(replace(wanted_number, '\', '\\'), '%', '\%'), '_', '\_') || '%'))
  order by position(' ' || wanted_name || ' ' in ' ' || c.sort_name || ' ') = 0, c.sort_name, c.key limit row_limit
$$;
