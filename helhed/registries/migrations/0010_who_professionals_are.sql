-- Phase: pre. By what professionals are known elsewhere (authorisation, local user ids), so that who vouches for one can name them.
-- Older code stores Practitioners without these: they are taken from what is stored the next time one is written.
create table registries.professional_identifier (
  system text not null,
  value text not null,
  professional bigint not null,
  primary key (system, value, professional)
);
create index professional_identifier_professional on registries.professional_identifier (professional);
alter table registries.professional_identifier owner to helhed_registries;
grant select on registries.professional_identifier to helhed_trust;

create function registries.put_professional_identifiers(professionals bigint[], systems text[], numbers text[], holders bigint[]) returns void
language sql security definer set search_path = registries, pg_temp as $$
  delete from registries.professional_identifier i where i.professional = any(professionals);
  insert into registries.professional_identifier select * from unnest(systems, numbers, holders) on conflict do nothing
$$;

-- The citizen behind a number that somebody else vouches for: by whom they are known today, alive, and only when it is one.
create function registries.citizen_known_as(wanted_system text, wanted_value text) returns bigint
language sql stable security definer set search_path = registries, pg_temp as $$
  select min(found.key) from (
    select distinct coalesce(l.kept, i.citizen) as key
    from registries.citizen_identifier i
    left join registries.citizen_link l on l.replaced = i.citizen and l.unlinked_at is null
    where i.system = wanted_system and i.value = wanted_value) found
  join registries.citizen c on c.key = found.key and not c.deceased
  having count(*) = 1
$$;

-- Of citizens and professionals of the demo, what they are known by: for its identity provider, and empty everywhere else.
create function registries.demo_identifiers(people bigint[]) returns table (person bigint, system text, value text)
language sql stable security definer set search_path = registries, pg_temp as $$
  select i.citizen, i.system, i.value from registries.citizen_identifier i
    where i.citizen = any(people) and exists (select from registries.demo d where d.enabled)
  union all
  select i.professional, i.system, i.value from registries.professional_identifier i
    where i.professional = any(people) and exists (select from registries.demo d where d.enabled)
$$;

do $$
declare signature text;
begin
  foreach signature in array array['registries.put_professional_identifiers(bigint[], text[], text[], bigint[])',
                                   'registries.citizen_known_as(text, text)', 'registries.demo_identifiers(bigint[])'] loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;

-- What every Practitioner (type 108) that is stored says.
insert into registries.professional_identifier (system, value, professional)
select distinct i.one->>'system', i.one->>'value', fhir.key(r.id)
from fhir.resource r
cross join lateral jsonb_array_elements(case when r.type = 108 and not r.deleted
  then coalesce(convert_from(r.body, 'UTF8')::jsonb->'identifier', '[]') else '[]' end) i (one)
where r.type = 108 and not r.deleted and i.one->>'system' <> '' and i.one->>'value' <> ''
on conflict do nothing;
