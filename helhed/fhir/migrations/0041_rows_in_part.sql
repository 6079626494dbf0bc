-- Phase: pre. A row that somebody may see in part (trust 0055). What is left of it is a row of its own beside it: under its id, 1024
-- buckets above, of ownership 4, with the row's labels and an index of its own, so that whoever sees no more searches, sorts and reads by
-- no more. The decision says who sees which. Older code reads and writes whole rows as before: a row that it changes loses its part, and
-- is hidden from whom the part was for until it is masked anew or changed by this release.

create function fhir.part_bucket(id uuid) returns smallint language sql immutable parallel safe
return (fhir.bucket(id) + 1024)::smallint;

-- --- what the trust package says (0055) -------------------------------------------------------------------------------------

-- The basis for what is left of a row; null for whom it is not for.
create function fhir.part_basis(asker fhir.ask, citizen_key bigint, origin_key bigint, type_number smallint, row_id uuid, authors bigint[],
                                contents uuid[], lo timestamptz, hi timestamptz)
returns smallint language sql stable as $$ select null::smallint where asker.kind = 1 and false $$;
-- Which elements of these rows are masked from somebody now or later.
create function fhir.masked_elements(ids uuid[], moment timestamptz) returns table (id uuid, elements text[]) language sql stable
as $$ select null::uuid, null::text[] where false $$;
-- The attachments that stand behind masked elements of a row; null: it is not known which, so all of them.
create function fhir.note_carried(row_id uuid, attachments uuid[]) returns void language sql as $$ select $$;

-- --- parts are written, and go where their rows go --------------------------------------------------------------------------

-- The same for the application, when it stores something: nobody else learns which rows are masked.
create function fhir.to_be_masked(ids uuid[], moment timestamptz) returns table (id uuid, elements text[])
language sql stable security definer set search_path = fhir, pg_temp as $$
  select m.id, m.elements from fhir.masked_elements(ids, moment) m where session_user <> 'helhed_app' or foundation.proven(array['store'])
$$;

-- Holds a row until the transaction ends; answers its version.
create function fhir.hold_row(type_number smallint, resource_id uuid) returns int
language sql security definer set search_path = fhir, pg_temp as $$
  select r.version from fhir.resource r
  where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and not r.deleted for update
$$;

-- The part of a row goes, in every version or only as it stands.
create function fhir.drop_part(resource_id uuid, with_past boolean) returns void
language sql security definer set search_path = fhir, pg_temp as $$
  delete from fhir.version v where with_past and v.bucket = fhir.part_bucket(resource_id) and v.id = resource_id;
  delete from fhir.resource_string s where s.bucket = fhir.part_bucket(resource_id) and s.id = resource_id;
  delete from fhir.resource_date d where d.bucket = fhir.part_bucket(resource_id) and d.id = resource_id;
  delete from fhir.resource r where r.bucket = fhir.part_bucket(resource_id) and r.id = resource_id;
$$;

-- What is left of a version that stands. Its labels are the row's: a block or a mask reaches both.
create function fhir.put_part(type_number smallint, resource_id uuid, expected_version int, part_code bigint, lo timestamptz, hi timestamptz,
                              part_tokens bigint[], part_digest bytea, part_body bytea, part_numbers float8[], string_parameters smallint[],
                              string_values text[], string_written text[], date_parameters smallint[], date_lo timestamptz[], date_hi timestamptz[],
                              attachments uuid[])
returns void language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  perform fhir.drop_part(resource_id, false);
  insert into fhir.resource (bucket, type, ownership, deleted, version, id, citizen, origin, code, date_lo, date_hi, updated, tokens, digest, body,
                             numbers, authors, contents, concerns, clinical_lo, clinical_hi)
    select fhir.part_bucket(r.id), r.type, 4, false, r.version, r.id, r.citizen, r.origin, part_code, lo, hi, r.updated, part_tokens, part_digest,
           part_body, part_numbers, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)
    from fhir.resource r
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version
      and not r.deleted and r.citizen is not null;
  if not found then
    raise exception 'version moved' using errcode = '40001';
  end if;
  insert into fhir.resource_string (bucket, type, parameter, id, value, written)
    select fhir.part_bucket(resource_id), type_number, s.parameter, resource_id, s.value, s.written
    from unnest(string_parameters, string_values, string_written) as s(parameter, value, written);
  insert into fhir.resource_date (bucket, type, parameter, id, lo, hi)
    select fhir.part_bucket(resource_id), type_number, d.parameter, resource_id, d.lo, d.hi
    from unnest(date_parameters, date_lo, date_hi) as d(parameter, lo, hi);
  perform fhir.note_carried(resource_id, attachments);
end $$;

-- What is left of versions that were replaced. A deletion shows nothing, and so stays what it is.
create function fhir.put_past_parts(type_number smallint, resource_id uuid, versions int[], digests bytea[], bodies bytea[]) returns void
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if session_user = 'helhed_app' and not foundation.proven(array['store']) then
    raise exception 'no proof that this was asked for' using errcode = '42501';
  end if;
  insert into fhir.version (bucket, type, ownership, deleted, version, id, citizen, origin, updated, digest, body, authors, contents, concerns,
                            clinical_lo, clinical_hi)
    select fhir.part_bucket(v.id), v.type, 4, v.deleted, v.version, v.id, v.citizen, v.origin, v.updated, p.digest, p.body, v.authors, v.contents,
           v.concerns, v.clinical_lo, v.clinical_hi
    from unnest(versions, digests, bodies) as p(version, digest, body)
    join fhir.version v on v.bucket = fhir.bucket(resource_id) and v.id = resource_id and v.type = type_number and v.version = p.version
    where v.citizen is not null and v.deleted = (p.body = '')
    on conflict (bucket, id, version) do update set digest = excluded.digest, body = excluded.body;
end $$;

-- A row takes its next version: what was left of the one before goes where versions are, and nothing is left of the new one until it is
-- said what. Of a deleted one it is known that nothing is. Labels that change, change for both.
create function fhir.part_follows() returns trigger language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if old.version = new.version then
    update fhir.resource p set citizen = new.citizen, origin = new.origin, authors = new.authors, contents = new.contents, concerns = new.concerns,
        clinical_lo = coalesce(new.clinical_lo, new.date_lo), clinical_hi = coalesce(new.clinical_hi, new.date_hi)
      where p.bucket = fhir.part_bucket(new.id) and p.id = new.id;
    return null;
  end if;
  insert into fhir.version (bucket, type, ownership, deleted, version, id, citizen, origin, updated, digest, body, authors, contents, concerns,
                            clinical_lo, clinical_hi)
    select p.bucket, p.type, p.ownership, p.deleted, p.version, p.id, p.citizen, p.origin, p.updated, p.digest, p.body, p.authors, p.contents, p.concerns,
           p.clinical_lo, p.clinical_hi
    from fhir.resource p where p.bucket = fhir.part_bucket(new.id) and p.id = new.id;
  if not found then
    return null;
  end if;
  perform fhir.drop_part(new.id, false);
  perform fhir.note_carried(new.id, null);
  if new.deleted then
    insert into fhir.resource (bucket, type, ownership, deleted, version, id, citizen, origin, updated, tokens, digest, body, numbers, authors, contents,
                               concerns, clinical_lo, clinical_hi)
      values (fhir.part_bucket(new.id), new.type, 4, true, new.version, new.id, new.citizen, new.origin, new.updated, '{}', '', '', '{}', new.authors,
              new.contents, new.concerns, new.clinical_lo, new.clinical_hi);
  end if;
  return null;
end $$;
create trigger resource_part after update on fhir.resource for each row
  when (new.bucket < 1024 and new.citizen is not null) execute function fhir.part_follows();

create function fhir.part_goes() returns trigger language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  perform fhir.drop_part(old.id, true);
  return null;
end $$;
create trigger resource_part_gone after delete on fhir.resource for each row
  when (old.bucket < 1024 and old.citizen is not null) execute function fhir.part_goes();

-- --- reading ------------------------------------------------------------------------------------------------------------------

-- Many reads by id. outcome: 0 nothing you can see, 1 here it is, 2 deleted. Who does not see the row may see what is left of it.

create or replace function fhir.read_many(asks fhir.ask[], types smallint[], ids uuid[])
returns table (n bigint, outcome smallint, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if not exists (select from unnest(asks) a where a.kind = 1) then  -- nobody whom a mask is for: nothing is looked for but rows
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
    return;
  end if;
  return query
  with asked as materialized (
    select row(q.kind, q.actor, q.organisation, q.role, q.purpose, q.client, q.read_types, q.write_types, q.at, q.trace)::fhir.ask as asker,
           q.type_number, q.resource_id, q.n
    from unnest(asks, types, ids) with ordinality
      as q(kind, actor, organisation, role, purpose, client, read_types, write_types, at, trace, type_number, resource_id, n)
  ), seen as materialized (
    select a.asker, a.type_number, a.resource_id, a.n, r.citizen,
           coalesce(part.concerns, r.concerns) as concerns, coalesce(part.version, r.version) as version, coalesce(part.updated, r.updated) as updated,
           coalesce(part.deleted, r.deleted) as deleted, coalesce(part.body, r.body) as body,
           coalesce(case when r.id is not null then b.basis end, part.basis) as basis
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
    left join lateral (
      select p.citizen, p.concerns, p.version, p.updated, p.deleted, p.body, fhir.part_basis(
        a.asker, p.citizen, p.origin, p.type, p.id, p.authors, p.contents, p.clinical_lo, p.clinical_hi) as basis
      from fhir.resource p
      where (a.asker).kind = 1 and b.basis is null and p.bucket = fhir.part_bucket(a.resource_id) and p.id = a.resource_id and p.type = a.type_number
      offset 0  -- so that it is asked first whether a part is wanted
    ) part on true
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

-- Whether the asker sees the row as it stands, whole or in part, deleted or not.

create or replace function fhir.stands_before(asker fhir.ask, stand fhir.footing, type_number smallint, resource_id uuid) returns boolean
language sql stable as $$
  select exists (
    select from fhir.resource r
    cross join lateral fhir.basis(asker, stand, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns,
                                  coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where r.bucket in (fhir.bucket(resource_id), fhir.part_bucket(resource_id)) and r.id = resource_id and r.type = type_number)
$$;

-- Every stored version of one resource, whole and in part, with the labels that each had.

create or replace function fhir.past_of(type_number smallint, resource_id uuid)
returns table (citizen bigint, origin bigint, ownership smallint, id uuid, authors bigint[], contents uuid[], concerns bigint[],
               lo timestamptz, hi timestamptz, version int, updated timestamptz, deleted boolean, body bytea)
language sql stable as $$
  select r.citizen, r.origin, r.ownership, r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo),
         coalesce(r.clinical_hi, r.date_hi), r.version, r.updated, r.deleted, r.body
  from fhir.resource r
  where r.bucket in (fhir.bucket(resource_id), fhir.part_bucket(resource_id)) and r.id = resource_id and r.type = type_number
  union all
  select v.citizen, v.origin, v.ownership, v.id, v.authors, v.contents, v.concerns, coalesce(v.clinical_lo, '-infinity'),
         coalesce(v.clinical_hi, '-infinity'), v.version, v.updated, v.deleted, v.body
  from fhir.version v
  where v.bucket in (fhir.bucket(resource_id), fhir.part_bucket(resource_id)) and v.id = resource_id and v.type = type_number
$$;

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
    order by b.basis is null, r.ownership limit 1
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

-- Where a row stands before it is changed. Locks it for those only who may change it, which takes seeing all of it.
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
            when b.basis is not null or (asker.kind = 1 and fhir.stands_before(asker, s, type_number, resource_id)) then 2
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

-- --- records, includes, searches -------------------------------------------------------------------------------------------

-- Everything about one patient or one encounter (see 0017, 0021 and 0027).
create or replace function fhir.everything_of(asker fhir.ask, patient_type smallint, root_type smallint, root_id uuid, wanted smallint[],
                                              any_tokens bigint[], since timestamptz, lo timestamptz, hi timestamptz, after_type smallint,
                                              after_id uuid, row_count int)
returns table (n bigint, type smallint, id uuid, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with root as materialized (
    select r.citizen, r.version, r.deleted, b.basis, fhir.told_apart(r.citizen) as apart,
           coalesce((select k.keys from fhir.key_set k where k.key = r.citizen), array[r.citizen]) as keys
    from fhir.footing_of(asker) s
    left join fhir.resource r on r.bucket in (fhir.bucket(root_id), fhir.part_bucket(root_id)) and r.id = root_id and r.type = root_type
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b on r.id is not null
    order by b.basis is null, r.bucket limit 1
  ), rows as materialized (
    select r.bucket, case when r.type = patient_type then 0::smallint else r.type end as place, r.type, r.id, r.version, r.updated,
           r.citizen, r.origin, r.ownership, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo) as lo,
           coalesce(r.clinical_hi, r.date_hi) as hi,
           case when root.apart or r.concerns is not null then r.id end as alone
    from root cross join lateral (
      select x.* from fhir.resource x where x.citizen = any(root.keys) and not x.deleted offset 0
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
           9, root.basis is not null, root.basis, one.citizen, root_type, coalesce(p.resources,
             case when root_id is null or one.citizen is distinct from root.citizen then '{}' else array[root_id] end),
           coalesce(p.versions, '{}'), asker.trace,
           (select array_agg(distinct k) from page x cross join unnest(x.concerns) k
            where x.n <= row_count and x.citizen is not distinct from one.citizen)
    from root cross join lateral unnest(root.keys) as one(citizen)
    cross join lateral (
      select array_agg(x.id order by x.n) as resources, array_agg(x.version order by x.n) as versions
      from page x where x.n <= row_count and x.citizen is not distinct from one.citizen
    ) p
    where p.resources is not null or one.citizen is not distinct from root.citizen
  )
  select 0::bigint, root_type, root_id, (case when root.basis is null then 0 when root.deleted then 2 else 1 end),
         null::timestamptz, null::bytea
  from root
  union all
  select p.n, p.type, p.id, p.version, p.updated,
         case when p.n <= row_count then (select x.body from fhir.resource x where x.bucket = p.bucket and x.id = p.id) end
  from page p order by 1;
end $$;

-- What those rows refer to, each decided: about nobody, or about the same citizen. What is about the citizen is a look.
create or replace function fhir.referenced(asker fhir.ask, citizen_key bigint, types smallint[], ids uuid[])
returns table (type smallint, id uuid, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.type, r.id, r.version, r.updated, r.citizen, r.concerns, r.body, b.basis
    from fhir.footing_of(asker) s
    left join fhir.key_set own on own.key = citizen_key
    cross join (select distinct q.type, q.id from unnest(types, ids) as q(type, id)) w
    join fhir.resource r on r.bucket in (fhir.bucket(w.id), fhir.part_bucket(w.id)) and r.id = w.id and r.type = w.type and not r.deleted
      and (r.citizen is null or r.citizen = citizen_key or r.citizen = any(own.keys))
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 9, true, min(x.basis),
           x.citizen, null, array_agg(x.id), array_agg(x.version), asker.trace,
           (select array_agg(distinct k) from seen y cross join unnest(y.concerns) k where y.citizen is not distinct from x.citizen)
    from seen x where x.citizen is not null or x.concerns is not null group by x.citizen
  )
  select x.type, x.id, x.version, x.updated, x.body from seen x order by x.type, x.id;
end $$;

-- Rows that those of a source refer to, or that refer to them, each decided like any other. What refers by a
-- parameter beside R4's own ("p") left its references in resource_string: of a part, its own.
create or replace function fhir.included_sql(includes jsonb, source text, earlier text[]) returns text
language plpgsql stable as $$
declare
  parts text[];
  seen text := fhir.decided_sql('fhir.basis', 't') || ' b where not t.deleted';
  before text;
begin
  foreach before in array earlier loop
    seen := seen || format(' and not exists (select from %I x where x.id = t.id)', before);
  end loop;
  select array_agg(case
    when (i ->> 'reverse')::boolean then format(
      'select t.*, b.basis from %1$I m join (select e.key::smallint as type, e.value::bigint as salt from jsonb_each_text(%2$L::jsonb) e) named '
      'on named.type = m.type join fhir.resource t on t.tokens @> array[fhir.key(m.id) # named.salt] and t.type = %3$s %4$s',
      source, (i -> 'salts')::text, (i ->> 't')::smallint, seen)
      || case when (i ->> 'own')::boolean then format(
        ' union all select t.*, b.basis from %1$I m join fhir.resource t on t.citizen = m.citizen and m.type = %2$s and t.type = %3$s %4$s',
        source, (i ->> 'patient')::smallint, (i ->> 't')::smallint, seen) else '' end
    when i ? 'p' then format(
      'select t.*, b.basis from %1$I m join fhir.resource_string ref on m.type = %2$s and ref.bucket = m.bucket and ref.id = m.id '
      'and ref.type = m.type and ref.parameter = %3$s '
      'cross join lateral (select regexp_match(ref.written, ''^([A-Za-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})'') as part) text '
      'cross join lateral (select text.part[1] as type_name, text.part[2]::uuid as id) named '
      'join fhir.resource t on t.bucket in (fhir.bucket(named.id), fhir.part_bucket(named.id)) and t.id = named.id and t.type = (%4$L::jsonb ->> named.type_name)::smallint %5$s',
      source, (i ->> 't')::smallint, (i ->> 'p')::smallint, (i -> 'names')::text, seen)
    else format(
      'select t.*, b.basis from %1$I m cross join unnest(%2$L::text[]) p cross join lateral '
      'jsonb_path_query(convert_from(m.body, ''UTF8'')::jsonb, p::jsonpath) ref '
      'cross join lateral (select regexp_match(ref #>> ''{}'', ''^([A-Za-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})'') as part) text '
      'cross join lateral (select text.part[1] as type_name, text.part[2]::uuid as id) named '
      'join fhir.resource t on m.type = %3$s and t.bucket in (fhir.bucket(named.id), fhir.part_bucket(named.id)) and t.id = named.id '
      'and t.type = (%4$L::jsonb ->> named.type_name)::smallint %5$s',
      source, fhir.texts(i -> 'paths'), (i ->> 't')::smallint, (i -> 'names')::text, seen)
    end) into parts from jsonb_array_elements(includes) i;
  return format('select distinct on (u.id) u.bucket, u.citizen, u.concerns, u.id, u.type, u.version, u.updated, u.body, u.basis from (%s) u limit 1001',
                coalesce(array_to_string(parts, ' union all '),
                         'select t.*, null::smallint as basis from fhir.resource t where false'));
end $$;

create or replace function fhir.where_id(condition jsonb, alias text, depth int) returns text language sql stable
return format('%1$s.id = any(%2$L::uuid[]) and %1$s.bucket = any(array(select fhir.bucket(u) + above from unnest(%2$L::uuid[]) u, unnest(array[0, 1024]) above)::smallint[])',
              alias, fhir.array_text(condition -> 'ids'));

-- A text beside a code, of a few citizens under all of their keys.
create or replace function fhir.where_coded_text(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  '(%1$s.type = %2$s and %3$s case when %1$s.deleted then false else exists (select from unnest(%4$L::text[]) p cross join lateral '
  'jsonb_path_query(convert_from(%1$s.body, ''UTF8'')::jsonb, p::jsonpath) w where jsonb_typeof(w) = ''string'' and (%5$s)) end)',
  alias, (condition ->> 't')::smallint,
  case when condition ? 'citizens' then format('%s.citizen = any(%L::bigint[]) and', alias, fhir.keys_text(condition -> 'citizens')) else '' end,
  fhir.texts(condition -> 'paths'),
  (select string_agg(format('fhir.folded(w #>> ''{}'') like %L', fhir.like_text(v) || '%'), ' or ')
   from jsonb_array_elements_text(condition -> 'values') v));

-- The rows that present these, and the rows that these present, in any version, and are not among them. Parts go with their rows.
create or replace function fhir.connected_with(citizen_key bigint, ids uuid[]) returns setof fhir.resource language sql stable as $$
  select r.* from fhir.resource r
  where r.ownership <> 4 and (r.citizen = citizen_key or r.concerns @> array[citizen_key]) and fhir.key(r.id) <> r.citizen  -- but for a Patient
    and r.id <> all(ids)
    and (r.contents && ids
      or exists (select from fhir.version v where v.bucket = r.bucket and v.id = r.id and v.contents && ids)
      or r.id in (
        select c.id from unnest(ids) u(id) join fhir.resource x on x.bucket = fhir.bucket(u.id) and x.id = u.id cross join unnest(x.contents) c(id)
        union all
        select c.id from unnest(ids) u(id) join fhir.version x on x.bucket = fhir.bucket(u.id) and x.id = u.id cross join unnest(x.contents) c(id)))
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in (
      'part_bucket', 'part_basis', 'masked_elements', 'note_carried', 'to_be_masked', 'hold_row', 'drop_part', 'put_part', 'put_past_parts', 'part_follows', 'part_goes')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
grant execute on function fhir.part_bucket(uuid),
  fhir.part_basis(fhir.ask, bigint, bigint, smallint, uuid, bigint[], uuid[], timestamptz, timestamptz) to helhed_trust, helhed_registries;
grant execute on function fhir.hold_row(smallint, uuid), fhir.drop_part(uuid, boolean) to helhed_trust;
grant execute on function foundation.proven(text[]) to helhed_fhir;
grant execute on function fhir.to_be_masked(uuid[], timestamptz), fhir.put_past_parts(smallint, uuid, int[], bytea[], bytea[]),
  fhir.put_part(smallint, uuid, int, bigint, timestamptz, timestamptz, bigint[], bytea, bytea, float8[], smallint[], text[], text[], smallint[],
                timestamptz[], timestamptz[], uuid[]) to helhed_app;
