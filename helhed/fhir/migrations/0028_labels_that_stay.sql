-- Phase: pre. Labels that no later version takes away, and a past that is hidden with its row. Functions restated under their
-- old signatures, and new ones beside them: older code gets the mended answers.

-- Whether the asker sees the row as it stands, deleted or not.
create function fhir.stands_before(asker fhir.ask, stand fhir.footing, type_number smallint, resource_id uuid) returns boolean
language sql stable as $$
  select exists (
    select from fhir.resource r
    cross join lateral fhir.basis(asker, stand, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns,
                                  coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number)
$$;

-- Whether a version had given way, at a moment, to a later one that the asker sees: others tell nothing.
create function fhir.was_replaced(asker fhir.ask, stand fhir.footing, type_number smallint, resource_id uuid, old_version int, moment timestamptz)
returns boolean language sql stable as $$
  select exists (
    select from fhir.past_of(type_number, resource_id) r
    cross join lateral fhir.basis(asker, stand, r.citizen, r.origin, type_number, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
    where r.version > old_version and r.updated <= moment)
$$;

-- A row takes its next version. Whoever recorded an earlier one stays among its authors: nobody steps out of a block by a change.
create or replace function fhir.put_version(type_number smallint, resource_id uuid, expected_version int, at timestamptz, new_code bigint,
                                 new_lo timestamptz, new_hi timestamptz, new_tokens bigint[], new_digest bytea, new_body bytea,
                                 new_numbers float8[], new_authors bigint[], new_contents uuid[], new_concerns bigint[],
                                 new_clinical_lo timestamptz, new_clinical_hi timestamptz)
returns void language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  insert into fhir.version (bucket, type, ownership, deleted, version, id, citizen, origin, updated, digest, body,
                            authors, contents, concerns, clinical_lo, clinical_hi)
    select r.bucket, r.type, r.ownership, r.deleted, r.version, r.id, r.citizen, r.origin, r.updated, r.digest, r.body,
           r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)
    from fhir.resource r
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  update fhir.resource r set
      version = r.version + 1, updated = at, deleted = new_body is null, code = new_code, date_lo = new_lo, date_hi = new_hi,
      tokens = new_tokens, digest = new_digest, body = coalesce(new_body, ''), numbers = new_numbers,
      authors = case when new_body is null then r.authors
                     when r.authors is not null and new_authors is not null  -- what is not known of one is not known of both
                     then array(select distinct a from unnest(r.authors || new_authors) a order by a) end,
      contents = case when new_body is null then r.contents else new_contents end,
      concerns = case when new_body is null then r.concerns else new_concerns end,
      clinical_lo = case when new_body is null then coalesce(r.clinical_lo, r.date_lo) else coalesce(
        new_clinical_lo, case when new_lo = '-infinity' then coalesce(r.clinical_lo, nullif(r.date_lo, '-infinity'), r.updated) end) end,
      clinical_hi = case when new_body is null then coalesce(r.clinical_hi, r.date_hi) else coalesce(
        new_clinical_hi, case when new_lo = '-infinity' then coalesce(r.clinical_hi, nullif(r.date_hi, '-infinity'), r.updated) end) end
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  if not found then
    raise exception 'version moved' using errcode = '40001';
  end if;
  delete from fhir.resource_string s where s.bucket = fhir.bucket(resource_id) and s.id = resource_id;
  delete from fhir.resource_date d where d.bucket = fhir.bucket(resource_id) and d.id = resource_id;
end $$;

-- What was lost of it by changes until now.
update fhir.resource r set authors = array(select distinct a from unnest(r.authors || v.authors) a order by a)
from (select x.bucket, x.id, array_agg(distinct a) as authors from fhir.version x cross join unnest(x.authors) a group by x.bucket, x.id) v
where r.bucket = v.bucket and r.id = v.id and r.authors is not null and not r.authors @> v.authors;

-- Addresses that this release reads and the one before did not: rows are labelled again by `helhed reindex`.
update fhir.index_work set done_at = null, bucket = -1 where name = 'labels' and exists (select from fhir.resource);

-- As before; and what rows that are about to be changed present already, they may go on presenting.
create function fhir.seen_of(asker fhir.ask, ids uuid[], changed uuid[]) returns uuid[]
language sql stable security definer set search_path = fhir, pg_temp as $$
  select array(
    select unnest(fhir.seen_of(asker, ids))
    union
    select c from fhir.footing_of(asker) s cross join unnest(changed) u(id)
    join fhir.resource r on r.bucket = fhir.bucket(u.id) and r.id = u.id cross join unnest(r.contents) c
    where c = any(ids) and fhir.stands_before(asker, s, r.type, r.id))
$$;
grant execute on function fhir.seen_of(fhir.ask, uuid[], uuid[]) to helhed_app;

-- One version of one resource. Of a row that is hidden as it stands, the past is hidden with it.
create or replace function fhir.read_version(asker fhir.ask, type_number smallint, resource_id uuid, wanted int)
returns table (outcome smallint, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body, case when now.seen then b.basis end as basis
    from (select 1) one
    cross join lateral fhir.footing_of(asker) s
    cross join lateral (select fhir.stands_before(asker, s, type_number, resource_id) as seen) now
    left join fhir.past_of(type_number, resource_id) r on r.version = wanted
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
      on r.version is not null
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           2, s.basis is not null, s.basis, s.citizen, type_number, array[resource_id],
           case when s.version is null then '{}' else array[s.version] end, asker.trace,
           case when s.basis is not null then s.concerns end
    from seen s
  )
  select (case when s.basis is null then 0 when s.deleted then 2 else 1 end)::smallint,
         case when s.basis is not null then s.version end, case when s.basis is not null then s.updated end,
         case when s.basis is not null and not s.deleted then s.body end
  from seen s;
end $$;

create or replace function fhir.history_of(asker fhir.ask, type_number smallint, resource_id uuid, before_version int, row_count int)
returns table (n bigint, total bigint, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body, case when now.seen then b.basis end as basis,
           count(case when now.seen then b.basis end) over () as total
    from fhir.footing_of(asker) s
    cross join lateral (select fhir.stands_before(asker, s, type_number, resource_id) as seen) now
    cross join fhir.past_of(type_number, resource_id) r
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b on true
  ), page as materialized (
    select row_number() over (order by s.version desc) as n, s.* from seen s
    where s.basis is not null and s.version < before_version order by s.version desc limit row_count + 1
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           3, exists (select from page), (select min(p.basis) from page p), (select min(s.citizen) from seen s), type_number,
           case when resource_id is null then '{}' else array[resource_id] end,
           coalesce((select array_agg(p.version) from page p where p.n <= row_count), '{}'), asker.trace,
           (select array_agg(distinct k) from page p cross join unnest(p.concerns) k where p.n <= row_count)
  )
  select p.n, p.total, p.version, p.updated, p.deleted, case when p.n <= row_count and not p.deleted then p.body end
  from page p order by p.n;
end $$;

create or replace function fhir.history_between(asker fhir.ask, type_number smallint, resource_id uuid, since timestamptz, at_lo timestamptz,
                                                at_hi timestamptz, before_version int, row_count int)
returns table (n bigint, total bigint, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body, case when now.seen then b.basis end as basis
    from fhir.footing_of(asker) s
    cross join lateral (select fhir.stands_before(asker, s, type_number, resource_id) as seen) now
    cross join fhir.past_of(type_number, resource_id) r
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b on true
  ), wanted as materialized (
    select s.* from (
      select v.*, lead(v.updated) over (order by v.version) as replaced from seen v where v.basis is not null
    ) s
    where (since is null or s.updated >= since) and (at_hi is null or s.updated <= at_hi)
      and (at_lo is null or s.replaced is null or s.replaced > at_lo)
  ), page as materialized (
    select row_number() over (order by w.version desc) as n, w.* from wanted w
    where w.version < before_version order by w.version desc limit row_count + 1
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           3, exists (select from seen s where s.basis is not null), (select min(s.basis) from seen s),
           (select min(s.citizen) from seen s), type_number, case when resource_id is null then '{}' else array[resource_id] end,
           coalesce((select array_agg(p.version) from page p where p.n <= row_count), '{}'), asker.trace,
           (select array_agg(distinct k) from page p cross join unnest(p.concerns) k where p.n <= row_count)
  )
  select 0::bigint, (select count(*) from wanted), (select count(*) from seen s where s.basis is not null)::int, null::timestamptz,
         false, null::bytea
  union all
  select p.n, null, p.version, p.updated, p.deleted, case when p.n <= row_count and not p.deleted then p.body end
  from page p order by 1;
end $$;

create or replace function fhir.history_of_types(asker fhir.ask, wanted_types smallint[], since timestamptz, at_lo timestamptz, at_hi timestamptz,
                                                 before_updated timestamptz, before_id uuid, before_version int, row_count int)
returns table (n bigint, type smallint, id uuid, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select f.* from fhir.footing_of(asker) s
    cross join unnest(wanted_types) as w(type)
    cross join lateral (
      (select r.bucket, r.type, r.id, r.version, r.updated, r.deleted, r.citizen, r.concerns, b.basis
       from (select x.bucket, x.type, x.ownership, x.id, x.version, x.updated, x.deleted, x.citizen, x.origin, x.authors, x.contents, x.concerns,
                    coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi from fhir.resource x
             where x.type = w.type and (x.updated, x.id) <= (before_updated, before_id)
               and (x.updated, x.id, x.version) < (before_updated, before_id, before_version)
               and (since is null or x.updated >= since) and (at_hi is null or x.updated <= at_hi)
             order by x.updated desc, x.id desc offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
       limit row_count + 1)
      union all
      (select r.bucket, r.type, r.id, r.version, r.updated, r.deleted, r.citizen, r.concerns, b.basis
       from (select x.bucket, x.type, x.ownership, x.id, x.version, x.updated, x.deleted, x.citizen, x.origin, x.authors, x.contents, x.concerns,
                    coalesce(x.clinical_lo, '-infinity') as lo, coalesce(x.clinical_hi, '-infinity') as hi from fhir.version x
             where x.type = w.type and (x.updated, x.id, x.version) < (before_updated, before_id, before_version)
               and (since is null or x.updated >= since) and (at_hi is null or x.updated <= at_hi)
             order by x.updated desc, x.id desc, x.version desc offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
       where fhir.stands_before(asker, s, r.type, r.id) and (at_lo is null or not fhir.was_replaced(asker, s, r.type, r.id, r.version, at_lo))
       limit row_count + 1)
    ) f
  ), page as materialized (
    select row_number() over (order by x.updated desc, x.id desc, x.version desc) as n, x.*
    from seen x order by x.updated desc, x.id desc, x.version desc limit row_count + 1
  ), looked as (
    select p.citizen, min(p.basis) as basis, array_agg(p.id) as resources, array_agg(p.version) as versions,
           (select array_agg(distinct k) from page x cross join unnest(x.concerns) k where x.n <= row_count and x.citizen = p.citizen) as concerned
    from page p where p.n <= row_count and p.citizen is not null group by p.citizen
    union all
    select null, min(p.basis), array_agg(p.id), array_agg(p.version),
           (select array_agg(distinct k) from page x cross join unnest(x.concerns) k where x.n <= row_count and x.citizen is null)
    from page p where p.n <= row_count and p.citizen is null and p.concerns is not null having count(*) > 0
    union all
    select null, 6, '{}', '{}', null
    where not exists (select from page p where p.n <= row_count and (p.citizen is not null or p.concerns is not null))
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           3, true, l.basis, l.citizen, case when cardinality(wanted_types) = 1 then wanted_types[1] end, l.resources, l.versions,
           asker.trace, l.concerned
    from looked l
  )
  select p.n, p.type, p.id, p.version, p.updated, p.deleted, case when p.n <= row_count and not p.deleted then coalesce(
           (select x.body from fhir.resource x where x.bucket = p.bucket and x.id = p.id and x.version = p.version),
           (select x.body from fhir.version x where x.bucket = p.bucket and x.id = p.id and x.version = p.version)) end
  from page p order by p.n;
end $$;

-- Where a row stands before it is changed. Locks it for those only who may change it, which takes seeing it.
create or replace function fhir.claim(asker fhir.ask, type_number smallint, resource_id uuid)
returns table (outcome smallint, version int, citizen bigint, ownership smallint, basis smallint)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if exists (
    select from fhir.footing_of(asker) s
    join fhir.resource r on r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
    cross join lateral fhir.write_basis(asker, s, r.citizen, r.origin, r.type, r.ownership)
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
  left join lateral fhir.write_basis(asker, s, r.citizen, r.origin, r.type, r.ownership) w on r.id is not null;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('stands_before', 'was_replaced', 'seen_of')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
