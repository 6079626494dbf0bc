-- Phase: first. Decided reads: each function decides and logs in the statement that reads.

-- Many reads by id. outcome: 0 nothing you can see, 1 here it is, 2 deleted.
create function fhir.read_many(asks fhir.ask[], types smallint[], ids uuid[])
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
    select a.asker, a.type_number, a.resource_id, a.n, r.citizen, r.version, r.updated, r.deleted, r.body, b.basis
    from asked a
    cross join lateral fhir.stand(a.asker) s
    left join fhir.resource r
      on r.bucket = fhir.bucket(a.resource_id) and r.id = a.resource_id and r.type = a.type_number
    left join lateral fhir.basis(a.asker, s, r.citizen, r.origin, r.type, r.ownership) b on r.id is not null
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select (asker).at, (asker).kind, (asker).actor, (asker).organisation, (asker).role, (asker).client, (asker).purpose,
           1, s.basis is not null, s.basis, s.citizen, s.type_number,
           case when s.resource_id is null then '{}' else array[s.resource_id] end,
           case when s.version is null then '{}' else array[s.version] end, (asker).trace
    from seen s
  )
  select s.n, (case when s.basis is null then 0 when s.deleted then 2 else 1 end)::smallint,
         case when s.basis is not null then s.version end, case when s.basis is not null then s.updated end,
         case when s.basis is not null and not s.deleted then s.body end
  from seen s;
end $$;

-- One version of one resource; outcome as above.
create function fhir.read_version(asker fhir.ask, type_number smallint, resource_id uuid, wanted int)
returns table (outcome smallint, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.version, r.updated, r.deleted, r.body, b.basis
    from (select 1) one
    cross join lateral fhir.stand(asker) s
    left join fhir.versions_of(type_number, resource_id) r on r.version = wanted
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership) b on r.version is not null
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           2, s.basis is not null, s.basis, s.citizen, type_number, array[resource_id],
           case when s.version is null then '{}' else array[s.version] end, asker.trace
    from seen s
  )
  select (case when s.basis is null then 0 when s.deleted then 2 else 1 end)::smallint,
         case when s.basis is not null then s.version end, case when s.basis is not null then s.updated end,
         case when s.basis is not null and not s.deleted then s.body end
  from seen s;
end $$;

-- Every stored version of one resource, the current one among them.
create function fhir.versions_of(type_number smallint, resource_id uuid)
returns table (citizen bigint, origin bigint, ownership smallint, version int, updated timestamptz, deleted boolean, body bytea)
language sql stable as $$
  select r.citizen, r.origin, r.ownership, r.version, r.updated, r.deleted, r.body
  from fhir.resource r
  where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
  union all
  select v.citizen, v.origin, v.ownership, v.version, v.updated, v.deleted, v.body
  from fhir.version v
  where v.bucket = fhir.bucket(resource_id) and v.id = resource_id and v.type = type_number
$$;

-- The versions the asker may see, newest first, older than before_version; one more than count tells there is more.
create function fhir.history_of(asker fhir.ask, type_number smallint, resource_id uuid, before_version int, row_count int)
returns table (n bigint, total bigint, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.version, r.updated, r.deleted, r.body, b.basis, count(b.basis) over () as total
    from fhir.stand(asker) s
    cross join fhir.versions_of(type_number, resource_id) r
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership) b on true
  ), page as materialized (
    select row_number() over (order by s.version desc) as n, s.* from seen s
    where s.basis is not null and s.version < before_version order by s.version desc limit row_count + 1
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           3, exists (select from page), (select min(p.basis) from page p), (select min(s.citizen) from seen s), type_number,
           case when resource_id is null then '{}' else array[resource_id] end,
           coalesce((select array_agg(p.version) from page p where p.n <= row_count), '{}'), asker.trace
  )
  select p.n, p.total, p.version, p.updated, p.deleted, case when p.n <= row_count and not p.deleted then p.body end
  from page p order by p.n;
end $$;

-- Everything the asker may see of one citizen, of the given types, newest first: one look, one log row.
create function fhir.citizen_rows(asker fhir.ask, citizen_key bigint, types smallint[], row_limit int)
returns table (type smallint, id uuid, version int, updated timestamptz, origin bigint, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.type, r.id, r.version, r.updated, r.origin, r.body, b.basis
    from fhir.stand(asker) s
    cross join lateral (
      select x.* from fhir.resource x
      where x.citizen = citizen_key and x.type = any(types) and not x.deleted order by x.date_lo desc, x.id offset 0
    ) r
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b
    limit row_limit
  ), whole as (
    select b.basis from fhir.stand(asker) s
    cross join lateral fhir.basis(asker, s, citizen_key, null, types[1], 1::smallint) b
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           9, exists (select from seen) or exists (select from whole),
           coalesce((select min(x.basis) from seen x), (select w.basis from whole w)), citizen_key, null,
           coalesce((select array_agg(x.id) from seen x), '{}'), coalesce((select array_agg(x.version) from seen x), '{}'),
           asker.trace
  )
  select x.type, x.id, x.version, x.updated, x.origin, x.body from seen x;
end $$;

do $$
declare signature regprocedure;
begin
  foreach signature in array array[
    'fhir.read_many(fhir.ask[], smallint[], uuid[])', 'fhir.read_version(fhir.ask, smallint, uuid, int)',
    'fhir.history_of(fhir.ask, smallint, uuid, int, int)', 'fhir.citizen_rows(fhir.ask, bigint, smallint[], int)',
    'fhir.versions_of(smallint, uuid)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_fhir', signature);
    if signature <> 'fhir.versions_of(smallint, uuid)'::regprocedure then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
