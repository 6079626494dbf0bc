-- Phase: pre. Missing takes as long as hidden: of what is not there, the row that stands nearest is fetched and decided, and nothing
-- comes of it; where there is none, a citizen whom nobody is (key 0). Older code gets the same answers.

-- Many reads by id. outcome: 0 nothing you can see, 1 here it is, 2 deleted.
create or replace function fhir.read_many(asks fhir.ask[], types smallint[], ids uuid[])
returns table (n bigint, outcome smallint, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with asked as materialized (
    select row(q.kind, q.actor, q.organisation, q.role, q.purpose, q.client, q.read_types, q.write_types, q.at, q.trace)::fhir.ask as asker,
           q.type_number, q.resource_id, q.n
    from unnest(asks, types, ids) with ordinality
      as q(kind, actor, organisation, role, purpose, client, read_types, write_types, at, trace, type_number, resource_id, n)
  ), seen as materialized (
    select a.asker, a.type_number, a.resource_id, a.n, r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body,
           case when r.id is not null then b.basis end as basis
    from asked a
    cross join lateral fhir.footing_of(a.asker) s
    left join fhir.resource r
      on r.bucket = fhir.bucket(a.resource_id) and r.id = a.resource_id and r.type = a.type_number
    left join lateral (
      select o.citizen, o.origin from fhir.resource o
      where r.id is null and o.bucket = fhir.bucket(a.resource_id) and o.id > a.resource_id order by o.bucket, o.id limit 1) near on true
    left join lateral fhir.basis(a.asker, s, coalesce(r.citizen, near.citizen, 0), coalesce(r.origin, near.origin, 0), a.type_number,
      coalesce(r.ownership, 1::smallint), r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo),
      coalesce(r.clinical_hi, r.date_hi)) b on true
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select (asker).at, (asker).kind, (asker).actor, (asker).organisation, (asker).role, (asker).client, (asker).purpose,
           1, s.basis is not null, s.basis, s.citizen, s.type_number,
           case when s.resource_id is null then '{}' else array[s.resource_id] end,
           case when s.version is null then '{}' else array[s.version] end, (asker).trace, case when s.basis is not null then s.concerns end
    from seen s
  )
  select s.n, (case when s.basis is null then 0 when s.deleted then 2 else 1 end)::smallint,
         case when s.basis is not null then s.version end, case when s.basis is not null then s.updated end,
         case when s.basis is not null and not s.deleted then s.body end
  from seen s;
end $$;
