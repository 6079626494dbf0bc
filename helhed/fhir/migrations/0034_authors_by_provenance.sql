-- Phase: pre. Who recorded a row may be said by a Provenance (type 111) alone. Whom it names becomes an author of what it is about, so that
-- blocks by author hold there too, whoever writes it: older code too. An author stays one.

-- The rows that a Provenance is about, of those that its writer could see (its contents).
create function fhir.targets_of(contents uuid[], body bytea) returns uuid[] language sql stable as $$
  select array_agg(distinct t.id) from (
    select (regexp_match(found.value #>> '{}', '(?:^|/)[A-Za-z]+/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)'))[1]::uuid as id
    from jsonb_path_query(case when length(body) > 0 then convert_from(body, 'UTF8')::jsonb end, '$.target[*].reference') found(value)
  ) t where t.id = any(contents)
$$;

create function fhir.author_targets() returns trigger language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  update fhir.resource r set authors = array(select distinct a from unnest(r.authors || new.authors) a order by a)
    from unnest(fhir.targets_of(new.contents, new.body)) u(id)
    where r.bucket = fhir.bucket(u.id) and r.id = u.id and r.id <> new.id and r.citizen is not distinct from new.citizen
      and r.authors is not null and not r.authors @> new.authors;
  return null;
end $$;
create trigger resource_provenance after insert or update on fhir.resource for each row
  when (new.type = 111 and new.contents is not null and new.authors <> '{}') execute function fhir.author_targets();

update fhir.resource r set authors = array(select distinct a from unnest(r.authors || p.authors) a order by a)
from (
  select u.id, array_agg(distinct a) as authors, x.citizen from fhir.resource x
  cross join unnest(fhir.targets_of(x.contents, x.body)) u(id) cross join unnest(x.authors) a
  where x.type = 111 and not x.deleted and x.contents is not null group by u.id, x.citizen
) p
where r.bucket = fhir.bucket(p.id) and r.id = p.id and r.citizen is not distinct from p.citizen and r.type <> 111
  and r.authors is not null and not r.authors @> p.authors;

alter function fhir.targets_of(uuid[], bytea) owner to helhed_fhir;
alter function fhir.author_targets() owner to helhed_fhir;
