-- Phase: pre. History of a type and of the system, and of an instance between two moments. New functions and two indexes: older
-- code calls none of them. Building the indexes holds writes up for as long as it takes, about a second for 500,000 rows.
create index resource_past on fhir.resource (type, updated, id);
create index version_past on fhir.version (type, updated, id, version);

-- The versions of one resource that the asker may see, newest first, older than before_version, of those stored at or after
-- since, and current at some time between at_lo and at_hi (each may be null). The first row, n = 0, tells in total how many
-- there are of these, and in version how many can be seen of any age.
create function fhir.history_between(asker fhir.ask, type_number smallint, resource_id uuid, since timestamptz, at_lo timestamptz,
                                     at_hi timestamptz, before_version int, row_count int)
returns table (n bigint, total bigint, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.version, r.updated, r.deleted, r.body, b.basis,
           lead(r.updated) over (order by r.version) as replaced
    from fhir.stand(asker) s
    cross join fhir.versions_of(type_number, resource_id) r
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership) b on true
  ), wanted as materialized (
    select s.* from seen s
    where s.basis is not null and (since is null or s.updated >= since) and (at_hi is null or s.updated <= at_hi)
      and (at_lo is null or s.replaced is null or s.replaced > at_lo)
  ), page as materialized (
    select row_number() over (order by w.version desc) as n, w.* from wanted w
    where w.version < before_version order by w.version desc limit row_count + 1
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           3, exists (select from seen s where s.basis is not null), (select min(s.basis) from seen s),
           (select min(s.citizen) from seen s), type_number, case when resource_id is null then '{}' else array[resource_id] end,
           coalesce((select array_agg(p.version) from page p where p.n <= row_count), '{}'), asker.trace
  )
  select 0::bigint, (select count(*) from wanted), (select count(*) from seen s where s.basis is not null)::int, null::timestamptz,
         false, null::bytea
  union all
  select p.n, null, p.version, p.updated, p.deleted, case when p.n <= row_count and not p.deleted then p.body end
  from page p order by 1;
end $$;

-- The versions of all resources of these types that the asker may see, newest first, after a place in that order; one more
-- than row_count tells that there is more. Each row is decided; each citizen of whom something is returned has a log row.
create function fhir.history_of_types(asker fhir.ask, wanted_types smallint[], since timestamptz, at_lo timestamptz, at_hi timestamptz,
                                      before_updated timestamptz, before_id uuid, before_version int, row_count int)
returns table (n bigint, type smallint, id uuid, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select f.* from fhir.stand(asker) s
    cross join unnest(wanted_types) as w(type)
    cross join lateral (
      (select r.bucket, r.type, r.id, r.version, r.updated, r.deleted, r.citizen, b.basis
       from (select x.bucket, x.type, x.ownership, x.id, x.version, x.updated, x.deleted, x.citizen, x.origin from fhir.resource x
             where x.type = w.type and (x.updated, x.id) <= (before_updated, before_id)
               and (x.updated, x.id, x.version) < (before_updated, before_id, before_version)
               and (since is null or x.updated >= since) and (at_hi is null or x.updated <= at_hi)
             order by x.updated desc, x.id desc offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b
       limit row_count + 1)
      union all
      (select r.bucket, r.type, r.id, r.version, r.updated, r.deleted, r.citizen, b.basis
       from (select x.bucket, x.type, x.ownership, x.id, x.version, x.updated, x.deleted, x.citizen, x.origin from fhir.version x
             where x.type = w.type and (x.updated, x.id, x.version) < (before_updated, before_id, before_version)
               and (since is null or x.updated >= since) and (at_hi is null or x.updated <= at_hi)
               and (at_lo is null or exists (select from fhir.versions_of(x.type, x.id) later
                                             where later.version = x.version + 1 and later.updated > at_lo))
             order by x.updated desc, x.id desc, x.version desc offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b
       limit row_count + 1)
    ) f
  ), page as materialized (
    select row_number() over (order by x.updated desc, x.id desc, x.version desc) as n, x.*
    from seen x order by x.updated desc, x.id desc, x.version desc limit row_count + 1
  ), looked as (
    select p.citizen, min(p.basis) as basis, array_agg(p.id) as resources, array_agg(p.version) as versions
    from page p where p.n <= row_count and p.citizen is not null group by p.citizen
    union all
    select null, 6, '{}', '{}' where not exists (select from page p where p.n <= row_count and p.citizen is not null)
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           3, true, l.basis, l.citizen, case when cardinality(wanted_types) = 1 then wanted_types[1] end, l.resources, l.versions,
           asker.trace
    from looked l
  )
  select p.n, p.type, p.id, p.version, p.updated, p.deleted, case when p.n <= row_count and not p.deleted then coalesce(
           (select x.body from fhir.resource x where x.bucket = p.bucket and x.id = p.id and x.version = p.version),
           (select x.body from fhir.version x where x.bucket = p.bucket and x.id = p.id and x.version = p.version)) end
  from page p order by p.n;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('history_between', 'history_of_types')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
