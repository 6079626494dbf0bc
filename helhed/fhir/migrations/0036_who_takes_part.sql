-- Phase: pre. What an upper room says somebody takes part in, they may change as if their own organisation had written it. Until a room
-- says so nobody takes part in anything, and older code goes on as it did: fhir.claim keeps its shape.

-- Whether the asker's organisation takes part in a row that another one wrote: a piece of work that it was asked to do.
create function fhir.takes_part(asker fhir.ask, row_id uuid) returns boolean language sql stable as $$ select false $$;
alter function fhir.takes_part(fhir.ask, uuid) owner to helhed_fhir;

-- As before; whoever takes part in a row is taken for its writer. It still takes what any write takes: a role that covers the type, a
-- basis towards the citizen, and, for people, seeing the row.
create or replace function fhir.claim(asker fhir.ask, type_number smallint, resource_id uuid)
returns table (outcome smallint, version int, citizen bigint, ownership smallint, basis smallint)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  within boolean := fhir.takes_part(asker, resource_id);
begin
  if exists (
    select from fhir.footing_of(asker) s
    join fhir.resource r on r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
    cross join lateral fhir.write_basis(asker, s, r.citizen, case when within then asker.organisation else r.origin end, r.type, r.ownership)
    where asker.kind = 3 or fhir.stands_before(asker, s, type_number, resource_id)
  ) then
    perform 1 from fhir.resource r
      where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number for update;
  end if;
  return query
  select (case
            when w.basis is not null and (b.basis is not null or asker.kind = 3) then case when r.deleted then 3 else 1 end
            when b.basis is not null then 2
            else 0 end)::smallint,
         r.version, r.citizen, r.ownership, w.basis
  from fhir.footing_of(asker) s
  left join fhir.resource r
    on r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
  left join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
    r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b on r.id is not null
  left join lateral fhir.write_basis(asker, s, r.citizen, case when within then asker.organisation else r.origin end, r.type, r.ownership) w
    on r.id is not null;
end $$;
