-- Phase: pre. An explanation counts in round numbers: how many rows have one rare token, an identifier for instance, tells
-- whether somebody is there.

create function fhir.about(several bigint) returns text language sql immutable
return case when several is null then 'unknown' when several <= 2000 then 'at most 2000'
            else 'about ' || (10 ^ round(log(several)))::bigint end;

create or replace function fhir.explain_search(asker fhir.ask, plan jsonb) returns table (line text)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  sql text;
  begun record;
  kind text;
  place int := 0;
begin
  if asker.kind <> 2 or asker.role <> 'operator' or not coalesce((select s.active from fhir.stand(asker) s), false) then
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
  for line in execute 'explain ' || sql using asker, (select s from fhir.stand(asker) s) loop
    line := fhir.without_values(line);
    return next;
  end loop;
end $$;

alter function fhir.about(bigint) owner to helhed_fhir;
