-- Phase: pre. Citizens with several keys: somebody was registered twice, and later found to be one person. Rows stay where they
-- are; what looks for a citizen's rows looks under all of the citizen's keys. New table and functions under their old
-- signatures: older code gets the widened answers. A citizen with one key, as nearly all have, is not in the table.

-- Who decides on the links and keeps this is the registries' business.
create table fhir.key_set (
  key bigint primary key,
  keys bigint[] not null,           -- all keys of the citizen, this one among them
  head bigint not null              -- the one by which the citizen is known
);
alter table fhir.key_set owner to helhed_fhir;
grant select on fhir.key_set to helhed_registries, helhed_trust;
grant insert, delete on fhir.key_set to helhed_registries;

-- A legal hold on one of the keys holds what stands under all of them.
create or replace function fhir.is_held(citizen_key bigint, origin_key bigint, moment timestamptz) returns boolean language sql stable as $$
  select exists (select from fhir.hold h
                 where h.citizen in (select citizen_key union all select unnest(s.keys) from fhir.key_set s where s.key = citizen_key)
                   and (h.origin is null or h.origin = origin_key) and h.valid_from <= moment and moment < h.valid_to)
$$;

-- --- searches that name citizens ----------------------------------------------------------------------------------------------

-- These citizens, under all of their keys, as the text of an array.
create function fhir.keys_text(citizens jsonb) returns text language sql stable as $$
  select coalesce(array_agg(distinct k.key), '{}')::text
  from jsonb_array_elements_text(citizens) c
  cross join lateral (select c::bigint as key union all select unnest(s.keys) from fhir.key_set s where s.key = c::bigint) k
$$;

create or replace function fhir.where_citizen(condition jsonb, alias text, depth int) returns text language sql stable
return format('(%1$s.citizen = any(%2$L::bigint[]) or %1$s.tokens && %3$L::bigint[])', alias,
              fhir.keys_text(condition -> 'citizens'), fhir.array_text(condition -> 'tokens'));

create or replace function fhir.where_only_citizen(condition jsonb, alias text, depth int) returns text language sql stable
return format('%1$s.citizen = any(%2$L::bigint[])', alias, fhir.keys_text(condition -> 'citizens'));

create or replace function fhir.where_text(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  '(%1$s.citizen = any(%2$L::bigint[]) and fhir.has_words(regexp_replace(convert_from(%1$s.body, ''UTF8'')::jsonb #>> ''{text,div}'', ''<[^>]*>'', '' '', ''g''), %3$L::text[]))',
  alias, fhir.keys_text(condition -> 'citizens'), fhir.texts(condition -> 'words'));

create or replace function fhir.where_content(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  '(%1$s.citizen = any(%2$L::bigint[]) and fhir.has_words((select string_agg(w #>> ''{}'', '' '') from '
  'jsonb_path_query(convert_from(%1$s.body, ''UTF8'')::jsonb, ''$.** ? (@.type() == "string")'') w), %3$L::text[]))',
  alias, fhir.keys_text(condition -> 'citizens'), fhir.texts(condition -> 'words'));
alter function fhir.keys_text(jsonb) owner to helhed_fhir;

-- Searches inside one citizen's record, many in one statement. Whoever has several keys is asked for under all of them. The
-- rows of each key have a log row of their own: should it be two people after all, each has the looks at their rows.
create or replace function fhir.search_record_many(asks fhir.ask[], wishes fhir.wish[])
returns table (n bigint, rank int, id uuid, version int, updated timestamptz, dated text, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with asked as materialized (
    select row(q.kind, q.actor, q.organisation, q.role, q.purpose, q.client, q.read_types, q.write_types, q.at, q.trace)::fhir.ask as asker,
           row(q.citizen, q.type, q.code, q.all_tokens, q.any_tokens, q.more_tokens, q.no_tokens, q.date_prefix, q.lo, q.hi,
               q.after_date, q.after_id, q.row_count)::fhir.wish as wish, q.n
    from unnest(asks, wishes) with ordinality
      as q(kind, actor, organisation, role, purpose, client, read_types, write_types, at, trace,
           citizen, type, code, all_tokens, any_tokens, more_tokens, no_tokens, date_prefix, lo, hi, after_date, after_id, row_count, n)
  ), stood as materialized (
    select a.*, s as stand, case when (select exists (select from fhir.key_set)) then (
             select k.keys from fhir.key_set k where k.key = (a.wish).citizen) end as keys
    from asked a cross join lateral fhir.footing_of(a.asker) s
  ), seen as materialized (
    select a.n, row_number() over (partition by a.n order by r.date_lo desc, r.id desc)::int as rank,
           r.id, r.version, r.updated, r.date_lo, r.body, r.basis, r.concerns, r.citizen
    from stood a cross join lateral (
      select found.*, b.basis from (
        (select x.* from fhir.resource x
         where a.keys is null and (a.wish).code is not null and x.citizen = (a.wish).citizen and x.type = (a.wish).type
           and x.code in ((a.wish).code, 0) and fhir.meets(x.deleted, x.tokens, x.date_lo, x.date_hi, x.id, a.wish)
         order by x.date_lo desc, x.id desc offset 0)
        union all
        (select x.* from fhir.resource x
         where a.keys is null and (a.wish).code is null and x.citizen = (a.wish).citizen and x.type = (a.wish).type
           and fhir.meets(x.deleted, x.tokens, x.date_lo, x.date_hi, x.id, a.wish)
         order by x.date_lo desc, x.id desc offset 0)
        union all
        (select x.* from fhir.resource x
         where a.keys is not null and x.citizen = any(a.keys) and x.type = (a.wish).type
           and ((a.wish).code is null or x.code in ((a.wish).code, 0))
           and fhir.meets(x.deleted, x.tokens, x.date_lo, x.date_hi, x.id, a.wish)
         order by x.date_lo desc, x.id desc offset 0)
      ) found cross join lateral fhir.basis(
        a.asker, a.stand, found.citizen, found.origin, found.type, found.ownership, found.id, found.authors, found.contents, found.concerns,
        coalesce(found.clinical_lo, found.date_lo), coalesce(found.clinical_hi, found.date_hi)) b
      limit (a.wish).row_count + 1
    ) r
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select (a.asker).at, (a.asker).kind, (a.asker).actor, (a.asker).organisation, (a.asker).role, (a.asker).client,
           (a.asker).purpose, 4, b.basis is not null or v.resources is not null, coalesce(v.basis, b.basis), (a.wish).citizen,
           (a.wish).type, coalesce(v.resources, '{}'), coalesce(v.versions, '{}'), (a.asker).trace,
           (select array_agg(distinct k) from seen s cross join unnest(s.concerns) k where s.n = a.n and s.rank <= (a.wish).row_count)
    from stood a
    left join lateral (
      select array_agg(s.id) as resources, array_agg(s.version) as versions, min(s.basis) as basis
      from seen s where s.n = a.n and s.rank <= (a.wish).row_count and (a.keys is null or s.citizen = (a.wish).citizen)
    ) v on true
    left join lateral fhir.whole_basis(a.asker, a.stand, (a.wish).citizen, (a.wish).type) b on true
    union all
    select (a.asker).at, (a.asker).kind, (a.asker).actor, (a.asker).organisation, (a.asker).role, (a.asker).client,
           (a.asker).purpose, 4, true, min(s.basis), s.citizen, (a.wish).type, array_agg(s.id), array_agg(s.version), (a.asker).trace, null
    from stood a join seen s on s.n = a.n and s.rank <= (a.wish).row_count and s.citizen <> (a.wish).citizen
    where (select exists (select from fhir.key_set)) and a.keys is not null group by a.n, a.asker, a.wish, s.citizen
  )
  select s.n, s.rank, s.id, s.version, s.updated, s.date_lo::text, s.body from seen s order by s.n, s.rank;
end $$;

-- --- whole records -------------------------------------------------------------------------------------------------------------

-- Everything the asker may see of one citizen, of the given types, newest first: one look, one log row for each key whose rows
-- were seen. The limit
-- holds for the dated rows of each type and key, and again for its undated ones.
create or replace function fhir.citizen_rows(asker fhir.ask, citizen_key bigint, types smallint[], row_limit int)
returns table (type smallint, id uuid, version int, updated timestamptz, origin bigint, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with own as materialized (
    select unnest(coalesce((select k.keys from fhir.key_set k where k.key = citizen_key), array[citizen_key])) as citizen
  ), seen as materialized (
    select f.type, f.id, f.version, f.updated, f.origin, f.body, f.date_lo, f.concerns, f.basis, own.citizen
    from fhir.footing_of(asker) s
    cross join own
    cross join unnest(types) as wanted(type)
    cross join lateral (
      (select r.type, r.id, r.version, r.updated, r.origin, r.body, r.date_lo, r.concerns, b.basis
       from (select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi from fhir.resource x
             where x.citizen = own.citizen and x.type = wanted.type and not x.deleted and x.date_lo > '-infinity'
             order by x.date_lo desc, x.id offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
       limit row_limit)
      union all
      (select r.type, r.id, r.version, r.updated, r.origin, r.body, r.date_lo, r.concerns, b.basis
       from (select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi from fhir.resource x
             where x.citizen = own.citizen and x.type = wanted.type and not x.deleted and x.date_lo = '-infinity'
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
           coalesce((select min(x.basis) from seen x), (select w.basis from whole w)), own.citizen, null,
           coalesce((select array_agg(x.id) from seen x where x.citizen is not distinct from own.citizen), '{}'),
           coalesce((select array_agg(x.version) from seen x where x.citizen is not distinct from own.citizen), '{}'), asker.trace,
           (select array_agg(distinct k) from seen x cross join unnest(x.concerns) k where x.citizen is not distinct from own.citizen)
    from own where own.citizen is not distinct from citizen_key or own.citizen in (select x.citizen from seen x)
  )
  select x.type, x.id, x.version, x.updated, x.origin, x.body from seen x order by x.date_lo desc, x.id;
end $$;

-- Everything about one patient or one encounter (see 0017 and 0021).
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
    left join fhir.resource r on r.bucket = fhir.bucket(root_id) and r.id = root_id and r.type = root_type
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b on r.id is not null
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
    join fhir.resource r on r.bucket = fhir.bucket(w.id) and r.id = w.id and r.type = w.type and not r.deleted
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
