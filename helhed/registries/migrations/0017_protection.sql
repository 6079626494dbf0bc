-- Phase: pre. Whose name and address are protected, as the Patient that CPR keeps says (security label R). A new table and functions; older code
-- stores Patients without noting it here: it is taken from what is stored the next time one is written.
create table registries.protected_citizen (citizen bigint primary key);
alter table registries.protected_citizen owner to helhed_registries;

create function registries.put_protected(citizens bigint[], protected boolean[]) returns void
language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  delete from registries.protected_citizen p using unnest(citizens, protected) q(citizen, held) where p.citizen = q.citizen and not q.held;
  insert into registries.protected_citizen select q.citizen from unnest(citizens, protected) q(citizen, held) where q.held on conflict do nothing;
end $$;

-- Which of these are protected, by key or by a number that is theirs: for who stores rows about them, and proves it.
create function registries.protected_of(citizens bigint[], numbers text[]) returns setof bigint
language plpgsql stable security definer set search_path = registries, pg_temp as $$
begin
  if session_user = 'helhed_app' and not foundation.proven(array['store']) then
    raise exception 'no proof that this was asked for: protection' using errcode = '42501';
  end if;
  return query
  select p.citizen from registries.protected_citizen p where p.citizen = any(citizens)
  union
  select p.citizen from registries.citizen_identifier i join registries.protected_citizen p on p.citizen = i.citizen
  where i.value = any(numbers) and i.system in ('urn:oid:1.2.208.176.1.2', 'urn:oid:1.2.208.176.1.6.1.1');
end $$;
grant execute on function foundation.proven(text[]) to helhed_registries;

do $$
declare signature regprocedure;
begin
  execute 'create trigger only_proven before insert or update or delete on registries.protected_citizen for each statement execute function foundation.only_proven(''store'')';
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'registries'::regnamespace and p.proname in ('put_protected', 'protected_of') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;

-- What every Patient (type 103) that is stored says; and no address of theirs is kept: of Patient 103, RelatedPerson 114 and Person 106, by the
-- parameters of addresses (22 to 27).
insert into registries.protected_citizen (citizen)
select distinct r.citizen from fhir.resource r
where r.type = 103 and not r.deleted and r.citizen is not null and position('security'::bytea in r.body) > 0
  and convert_from(r.body, 'UTF8')::jsonb @? '$.meta.security[*].code ? (@ == "R")'
on conflict do nothing;
select fhir.conceal_addresses(p.citizen, array[103, 114, 106]::smallint[], array[22, 23, 24, 25, 26, 27]::smallint[]) from registries.protected_citizen p;
