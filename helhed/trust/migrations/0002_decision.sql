-- Phase: first. The decision in SQL. trust/reference.py says the same in Python, for reading; generated cases make the
-- two agree. All three are plain SQL functions of one statement, so that they become part of the statement that reads.

create or replace function fhir.stand(asker fhir.ask) returns setof fhir.standing language sql stable
as $$
  select e.active, o.places, r.read_types, r.write_types
  from (select 1) one
  left join registries.organisation o on o.key = asker.organisation
  left join trust.role r on r.role = asker.role and asker.kind = 2
  left join lateral (
    select true as active where asker.kind = 2 and r.role is not null and exists (  -- a role nobody defined allows nothing
      select from trust.employment x
      where x.professional = asker.actor and x.organisation = asker.organisation and x.role = asker.role
        and x.valid_from <= asker.at and asker.at < x.valid_to)
    union all
    select true where asker.kind = 3 and exists (
      select from trust.system_client c
      where c.organisation = asker.organisation and c.organisation = asker.actor
        and c.registered_at <= asker.at and asker.at < c.ended_at)
  ) e on true
$$;

create or replace function fhir.basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.read_types is not null and not type_number = any(asker.read_types) then null
      when owned = 3 then 6
      when asker.kind = 1 then case when owned = 1 and asker.actor = citizen_key then 1 end
      when asker.kind = 2 and stand.active and (stand.read_types is null or type_number = any(stand.read_types)) then case
        when owned = 2 then case when origin_key = any(stand.places) then 7 end
        when not exists (
          select from trust.block b
          where b.citizen = citizen_key and b.valid_from <= asker.at and asker.at < b.valid_to
            and (b.who_organisation is null or b.who_organisation = any(stand.places))
            and (b.what_organisation is null or exists (
              select from registries.organisation x where x.key = origin_key and b.what_organisation = any(x.places))))
        then (
          select min(t.class) from trust.relation t
          where t.citizen = citizen_key and t.organisation = any(stand.places)
            and (t.professional is null or t.professional = asker.actor)
            and t.valid_from <= asker.at and asker.at < t.valid_to)
        end
    end::smallint as basis offset 0
  ) decided where decided.basis is not null
$$;

create or replace function fhir.write_basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select decided.basis from (
    select case
      when asker.write_types is not null and not type_number = any(asker.write_types) then null
      when not coalesce(stand.active, false) then null
      when asker.kind = 3 then case when exists (
          select from registries.organisation x where x.key = origin_key and asker.organisation = any(x.places))
          or origin_key = asker.organisation then 5 end
      when asker.kind = 2 and origin_key = asker.organisation
        and (stand.write_types is null or type_number = any(stand.write_types)) then case
        when owned = 2 then 7
        when owned = 1 and not exists (
          select from trust.block b
          where b.citizen = citizen_key and b.valid_from <= asker.at and asker.at < b.valid_to
            and (b.who_organisation is null or b.who_organisation = any(stand.places))
            and (b.what_organisation is null or exists (
              select from registries.organisation x where x.key = origin_key and b.what_organisation = any(x.places))))
        then (
          select min(t.class) from trust.relation t
          where t.citizen = citizen_key and t.organisation = any(stand.places)
            and (t.professional is null or t.professional = asker.actor)
            and t.valid_from <= asker.at and asker.at < t.valid_to)
        end
    end::smallint as basis offset 0
  ) decided where decided.basis is not null
$$;
grant select on registries.organisation to helhed_fhir;
