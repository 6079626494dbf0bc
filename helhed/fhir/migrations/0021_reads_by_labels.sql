-- Phase: pre. Functions restated under their old signatures: every row that is read is decided by its labels, and those whom it
-- concerns beside its citizen stand in the log. Older code gets the widened answers.

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
    select a.asker, a.type_number, a.resource_id, a.n, r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body, b.basis
    from asked a
    cross join lateral fhir.footing_of(a.asker) s
    left join fhir.resource r
      on r.bucket = fhir.bucket(a.resource_id) and r.id = a.resource_id and r.type = a.type_number
    left join lateral fhir.basis(a.asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b on r.id is not null
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

-- Every stored version of one resource, the current one among them, with the labels that each had.
create function fhir.past_of(type_number smallint, resource_id uuid)
returns table (citizen bigint, origin bigint, ownership smallint, id uuid, authors bigint[], contents uuid[], concerns bigint[],
               lo timestamptz, hi timestamptz, version int, updated timestamptz, deleted boolean, body bytea)
language sql stable as $$
  select r.citizen, r.origin, r.ownership, r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo),
         coalesce(r.clinical_hi, r.date_hi), r.version, r.updated, r.deleted, r.body
  from fhir.resource r
  where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
  union all
  select v.citizen, v.origin, v.ownership, v.id, v.authors, v.contents, v.concerns, coalesce(v.clinical_lo, '-infinity'),
         coalesce(v.clinical_hi, '-infinity'), v.version, v.updated, v.deleted, v.body
  from fhir.version v
  where v.bucket = fhir.bucket(resource_id) and v.id = resource_id and v.type = type_number
$$;

-- One version of one resource; outcome as above.
create or replace function fhir.read_version(asker fhir.ask, type_number smallint, resource_id uuid, wanted int)
returns table (outcome smallint, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body, b.basis
    from (select 1) one
    cross join lateral fhir.footing_of(asker) s
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

-- The versions the asker may see, newest first, older than before_version; one more than count tells there is more.
create or replace function fhir.history_of(asker fhir.ask, type_number smallint, resource_id uuid, before_version int, row_count int)
returns table (n bigint, total bigint, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body, b.basis, count(b.basis) over () as total
    from fhir.footing_of(asker) s
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

-- The same within a stretch of time. The first row, n = 0, tells how many there are in it, and in version how many there are at all.
create or replace function fhir.history_between(asker fhir.ask, type_number smallint, resource_id uuid, since timestamptz, at_lo timestamptz,
                                                at_hi timestamptz, before_version int, row_count int)
returns table (n bigint, total bigint, version int, updated timestamptz, deleted boolean, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.citizen, r.concerns, r.version, r.updated, r.deleted, r.body, b.basis,
           lead(r.updated) over (order by r.version) as replaced
    from fhir.footing_of(asker) s
    cross join fhir.past_of(type_number, resource_id) r
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b on true
  ), wanted as materialized (
    select s.* from seen s
    where s.basis is not null and (since is null or s.updated >= since) and (at_hi is null or s.updated <= at_hi)
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

-- Everything the asker may see of one citizen, of the given types, newest first: one look, one log row. The limit holds for
-- the dated rows of each type, and again for its undated ones, so that many measurements never push out an allergy.
create or replace function fhir.citizen_rows(asker fhir.ask, citizen_key bigint, types smallint[], row_limit int)
returns table (type smallint, id uuid, version int, updated timestamptz, origin bigint, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select f.type, f.id, f.version, f.updated, f.origin, f.body, f.date_lo, f.concerns, f.basis
    from fhir.footing_of(asker) s
    cross join unnest(types) as wanted(type)
    cross join lateral (
      (select r.type, r.id, r.version, r.updated, r.origin, r.body, r.date_lo, r.concerns, b.basis
       from (select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi from fhir.resource x
             where x.citizen = citizen_key and x.type = wanted.type and not x.deleted and x.date_lo > '-infinity'
             order by x.date_lo desc, x.id offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
       limit row_limit)
      union all
      (select r.type, r.id, r.version, r.updated, r.origin, r.body, r.date_lo, r.concerns, b.basis
       from (select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi from fhir.resource x
             where x.citizen = citizen_key and x.type = wanted.type and not x.deleted and x.date_lo = '-infinity'
             order by x.id offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
       limit row_limit)
    ) f
  ), whole as (
    select b.basis from fhir.footing_of(asker) s
    cross join lateral fhir.whole_basis(asker, s, citizen_key, types[1]) b
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           9, exists (select from seen) or exists (select from whole),
           coalesce((select min(x.basis) from seen x), (select w.basis from whole w)), citizen_key, null,
           coalesce((select array_agg(x.id) from seen x), '{}'), coalesce((select array_agg(x.version) from seen x), '{}'),
           asker.trace, (select array_agg(distinct k) from seen x cross join unnest(x.concerns) k)
  )
  select x.type, x.id, x.version, x.updated, x.origin, x.body from seen x order by x.date_lo desc, x.id;
end $$;

-- Where a row stands before it is changed. outcome: 0 nothing you can see, 1 yours to change, 2 seen but not yours,
-- 3 deleted. Locks the row until the transaction ends, for those only who may change it: a stranger makes nobody wait.
create or replace function fhir.claim(asker fhir.ask, type_number smallint, resource_id uuid)
returns table (outcome smallint, version int, citizen bigint, ownership smallint, basis smallint)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if exists (
    select from fhir.footing_of(asker) s
    join fhir.resource r on r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
    cross join lateral fhir.write_basis(asker, s, r.citizen, r.origin, r.type, r.ownership)
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

-- May the asker create rows of these types for these citizens (null: no citizen)? One verdict a pair; the citizen must
-- exist, or be created in the same transaction.
create or replace function fhir.admit(asker fhir.ask, patient_type smallint, citizens bigint[], types smallint[], owned smallint[])
returns table (n bigint, present boolean, basis smallint)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  select q.n, q.citizen is null or exists (
           select from fhir.resource p where p.citizen = q.citizen and p.type = patient_type and not p.deleted), b.basis
  from fhir.footing_of(asker) s
  cross join unnest(citizens, types, owned) with ordinality as q(citizen, type, owned, n)
  left join lateral fhir.write_basis(asker, s, q.citizen, asker.organisation, q.type, q.owned) b on true;
end $$;

-- What was written of these types, newest first, as far as the asker may see it.
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
               and (at_lo is null or exists (select from fhir.versions_of(x.type, x.id) later
                                             where later.version = x.version + 1 and later.updated > at_lo))
             order by x.updated desc, x.id desc, x.version desc offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
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
    select null, 6, '{}', '{}', null where not exists (select from page p where p.n <= row_count and p.citizen is not null)
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

-- Everything about one patient or one encounter (see 0017). The rows of one citizen share a handful of labels (type, owner,
-- origin); one decision is made for each of those, unless something tells rows of equal labels apart: then, and for a row
-- that concerns other citizens, one for each row.
create or replace function fhir.everything_of(asker fhir.ask, patient_type smallint, root_type smallint, root_id uuid, wanted smallint[],
                                              any_tokens bigint[], since timestamptz, lo timestamptz, hi timestamptz, after_type smallint,
                                              after_id uuid, row_count int)
returns table (n bigint, type smallint, id uuid, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with root as materialized (
    select r.citizen, r.version, r.deleted, b.basis, fhir.told_apart(r.citizen) as apart
    from fhir.footing_of(asker) s
    left join fhir.resource r on r.bucket = fhir.bucket(root_id) and r.id = root_id and r.type = root_type
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b on r.id is not null
  ), rows as materialized (
    select r.bucket, case when r.type = patient_type then 0::smallint else r.type end as place, r.type, r.id, r.version, r.updated,
           r.origin, r.ownership, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo) as lo,
           coalesce(r.clinical_hi, r.date_hi) as hi,
           case when root.apart or r.concerns is not null then r.id end as alone
    from root cross join lateral (
      select x.* from fhir.resource x where x.citizen = root.citizen and not x.deleted offset 0
    ) r
    where root.basis is not null and not root.deleted and (wanted is null or r.type = any(wanted))
      and (any_tokens is null or r.id = root_id or r.type = patient_type or r.tokens && any_tokens)
      and (since is null or r.updated >= since)
      and (r.type = patient_type or r.date_lo = '-infinity' or ((lo is null or r.date_hi >= lo) and (hi is null or r.date_lo <= hi)))
  ), decided as materialized (
    select l.origin, l.type, l.ownership, l.alone, b.basis
    from (select distinct on (r.origin, r.type, r.ownership, r.alone) r.* from rows r) l
    cross join fhir.footing_of(asker) s cross join root
    cross join lateral fhir.basis(asker, s, root.citizen, l.origin, l.type, l.ownership, l.id, l.authors, l.contents, l.concerns, l.lo, l.hi) b
  ), page as materialized (
    select row_number() over (order by r.place, r.id) as n, r.*, d.basis
    from rows r join decided d on d.origin = r.origin and d.type = r.type and d.ownership = r.ownership
      and d.alone is not distinct from r.alone
    where (r.place, r.id) > (after_type, after_id) order by r.place, r.id limit row_count + 1
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           9, root.basis is not null, root.basis, root.citizen, root_type,
           coalesce((select array_agg(p.id order by p.n) from page p where p.n <= row_count),
                    case when root_id is null then '{}' else array[root_id] end),
           coalesce((select array_agg(p.version order by p.n) from page p where p.n <= row_count), '{}'), asker.trace,
           (select array_agg(distinct k) from page p cross join unnest(p.concerns) k where p.n <= row_count)
    from root
  )
  select 0::bigint, root_type, root_id, (case when root.basis is null then 0 when root.deleted then 2 else 1 end),
         null::timestamptz, null::bytea
  from root
  union all
  select p.n, p.type, p.id, p.version, p.updated,
         case when p.n <= row_count then (select x.body from fhir.resource x where x.bucket = p.bucket and x.id = p.id) end
  from page p order by 1;
end $$;

-- Which of these rows the asker sees: what a new row of theirs may claim to present. Nothing of them is returned.
create function fhir.seen_of(asker fhir.ask, ids uuid[]) returns uuid[] language sql stable security definer set search_path = fhir, pg_temp as $$
  select coalesce(array_agg(r.id), '{}')
  from fhir.footing_of(asker) s
  cross join unnest(ids) u(id)
  join fhir.resource r on r.bucket = fhir.bucket(u.id) and r.id = u.id
  cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns,
                                coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
$$;

-- What those rows refer to, each decided: about nobody, or about the same citizen. What is about the citizen is a look.
create or replace function fhir.referenced(asker fhir.ask, citizen_key bigint, types smallint[], ids uuid[])
returns table (type smallint, id uuid, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.type, r.id, r.version, r.updated, r.citizen, r.concerns, r.body, b.basis
    from fhir.footing_of(asker) s
    cross join (select distinct q.type, q.id from unnest(types, ids) as q(type, id)) w
    join fhir.resource r on r.bucket = fhir.bucket(w.id) and r.id = w.id and r.type = w.type and not r.deleted
      and (r.citizen is null or r.citizen = citizen_key)
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 9, true, min(x.basis),
           citizen_key, null, array_agg(x.id), array_agg(x.version), asker.trace,
           (select array_agg(distinct k) from seen y cross join unnest(y.concerns) k)
    from seen x where x.citizen is not null having count(*) > 0
  )
  select x.type, x.id, x.version, x.updated, x.body from seen x order by x.type, x.id;
end $$;

alter function fhir.past_of(smallint, uuid) owner to helhed_fhir;
alter function fhir.seen_of(fhir.ask, uuid[]) owner to helhed_fhir;
grant execute on function fhir.seen_of(fhir.ask, uuid[]) to helhed_app;
