-- Phase: pre. What an organisation keeps and is about one citizen is that citizen's: an implant, the list of one patient's problems.
-- The decision asks a row for its owner, so only the rows change; a row that older code writes is set right as it is written.

-- The citizen whom a row of an organisation is about (definitions/ownership.json, about_a_citizen, by the numbers of the types).
create function fhir.named_citizen(type_number smallint, body bytea) returns bigint language sql stable as $$
  select fhir.key((regexp_match(said.reference, '^Patient/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)'))[1]::uuid)
  from (select convert_from(body, 'UTF8')::jsonb as resource where length(body) > 0) r
  cross join lateral jsonb_path_query(r.resource, case type_number
    when 10 then '$.collection.source.reference' when 30 then '$.subject.reference' when 35 then '$.patient.reference'
    when 70 then '$.subject.reference' end::jsonpath) with ordinality as found(value, n)
  cross join lateral (select found.value #>> '{}' as reference) said
  where said.reference ~ '^Patient/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/|$)'
  order by found.n limit 1
$$;

create function fhir.give_to_citizen() returns trigger language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  owner_key bigint := fhir.named_citizen(new.type, new.body);
begin
  if owner_key is not null then
    update fhir.resource r set ownership = 1, citizen = owner_key, concerns = nullif(array_remove(r.concerns, owner_key), '{}')
      where r.bucket = new.bucket and r.id = new.id;
  end if;
  return null;
end $$;
create trigger resource_owner after insert or update on fhir.resource for each row
  when (new.ownership = 2 and new.type in (10, 30, 35, 70)) execute function fhir.give_to_citizen();

update fhir.resource r set ownership = 1, citizen = n.owner_key, concerns = nullif(array_remove(r.concerns, n.owner_key), '{}')
from (select x.bucket, x.id, fhir.named_citizen(x.type, x.body) as owner_key from fhir.resource x where x.type in (10, 30, 35, 70)) n
where r.bucket = n.bucket and r.id = n.id and r.ownership = 2 and n.owner_key is not null;
update fhir.version v set ownership = 1, citizen = n.owner_key, concerns = nullif(array_remove(v.concerns, n.owner_key), '{}')
from (select x.bucket, x.id, x.version, fhir.named_citizen(x.type, x.body) as owner_key from fhir.version x where x.type in (10, 30, 35, 70)) n
where v.bucket = n.bucket and v.id = n.id and v.version = n.version and v.ownership = 2 and n.owner_key is not null;

-- Rows that were deleted say nobody any more: what their last version was about, they are.
update fhir.resource r set ownership = 1, citizen = v.citizen, concerns = nullif(array_remove(r.concerns, v.citizen), '{}')
from fhir.version v
where r.deleted and r.ownership = 2 and v.bucket = r.bucket and v.id = r.id and v.version = r.version - 1 and v.ownership = 1;

alter function fhir.named_citizen(smallint, bytea) owner to helhed_fhir;
alter function fhir.give_to_citizen() owner to helhed_fhir;
