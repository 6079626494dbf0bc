-- Phase: pre. Addresses of citizens whose name and address are protected are taken out of what is stored, past versions too. New functions; older
-- code calls none of them, and goes on storing what it is sent.

-- A resource without addresses anywhere in it, and without a narrative, which may tell one. Everything else keeps its bytes.
create function fhir.without_addresses(part json, whole boolean) returns text language plpgsql immutable as $$
begin
  return case json_typeof(part)
    when 'object' then '{' || coalesce((
      select string_agg(to_json(e.key)::text || ':' || fhir.without_addresses(e.value, false), ',' order by e.n)
      from json_each(part) with ordinality e(key, value, n)
      where e.key not in ('address', '_address', 'valueAddress') and not (whole and e.key = 'text')), '') || '}'
    when 'array' then '[' || coalesce((
      select string_agg(fhir.without_addresses(e.value, false), ',' order by e.n) from json_array_elements(part) with ordinality e(value, n)), '') || ']'
    else part::text end;
end $$;
alter function fhir.without_addresses(json, boolean) owner to helhed_fhir;

-- The rows of these types of a citizen, past versions too, keep no address. Answers how many versions were changed. The table asks for the proof.
create function fhir.conceal_addresses(citizen_key bigint, types smallint[], address_parameters smallint[]) returns bigint
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  now_changed bigint;
  past_changed bigint;
begin
  update fhir.resource r set body = convert_to(fhir.without_addresses(convert_from(r.body, 'UTF8')::json, true), 'UTF8')
  where r.citizen = citizen_key and r.type = any(types) and not r.deleted and position('ddress"'::bytea in r.body) > 0
    and convert_from(r.body, 'UTF8')::json #>> '{address,0,extension,0,valueCode}' is distinct from 'masked';
  get diagnostics now_changed = row_count;
  update fhir.version v set body = convert_to(fhir.without_addresses(convert_from(v.body, 'UTF8')::json, true), 'UTF8')
  where v.citizen = citizen_key and v.type = any(types) and not v.deleted and position('ddress"'::bytea in v.body) > 0
    and convert_from(v.body, 'UTF8')::json #>> '{address,0,extension,0,valueCode}' is distinct from 'masked';
  get diagnostics past_changed = row_count;
  delete from fhir.live_row l where l.citizen = citizen_key and l.type = any(types);  -- the source is asked again
  delete from fhir.resource_string s using fhir.resource r
  where r.citizen = citizen_key and r.type = any(types) and s.bucket = r.bucket and s.id = r.id and s.parameter = any(address_parameters)
    and convert_from(r.body, 'UTF8')::json #>> '{address,0,extension,0,valueCode}' is distinct from 'masked';
  return now_changed + past_changed;
end $$;
alter function fhir.conceal_addresses(bigint, smallint[], smallint[]) owner to helhed_fhir;
revoke execute on function fhir.without_addresses(json, boolean), fhir.conceal_addresses(bigint, smallint[], smallint[]) from public;
grant execute on function fhir.conceal_addresses(bigint, smallint[], smallint[]) to helhed_app;
