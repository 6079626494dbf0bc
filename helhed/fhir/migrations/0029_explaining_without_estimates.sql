-- Phase: pre. Restated under its old signature: older code gets the answer that tells less.

-- As before, without PostgreSQL's estimates, and without its plan where somebody is named: how many rows it expects of a citizen
-- with many is nearly how many there are, and the plan follows from it.
create or replace function fhir.explain_search(asker fhir.ask, plan jsonb) returns table (line text)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  sql text;
  begun record;
  kind text;
  place int := 0;
begin
  if asker.kind <> 2 or asker.role <> 'operator' or not coalesce((select s.active from fhir.footing_of(asker) s), false) then
    return;
  end if;
  begun := fhir.beginning(plan);
  line := 'begins: ' || begun.strategy;
  return next;
  for kind in select c ->> 'k' from jsonb_array_elements(plan -> 'where') c loop
    place := place + 1;
    line := format('condition %s: %s, expected rows: %s%s', place, kind, fhir.about(begun.rows[place]),
                   case when place = begun.driver then ' (seeks)' else '' end);
    return next;
  end loop;
  sql := fhir.search_sql(plan || jsonb_build_object('begun', to_jsonb(begun)));
  line := 'sql: ' || regexp_replace(fhir.without_values(sql), '\s+', ' ', 'g');
  return next;
  if plan @? '$.named[*]' or plan @? '$.named_tokens[*]' then
    line := 'plan: not told of a search that names somebody';
    return next;
    return;
  end if;
  for line in execute 'explain (costs off) ' || sql using asker, (select s from fhir.footing_of(asker) s) loop
    line := fhir.without_values(line);
    return next;
  end loop;
end $$;
