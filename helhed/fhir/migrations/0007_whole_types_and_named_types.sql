-- Phase: pre. Functions replaced under their old signatures: older code gets the mended answers.

-- Everything the asker may see of one citizen, of the given types, newest first: one look, one log row. The limit holds for
-- the dated rows of each type, and again for its undated ones, so that many measurements never push out an allergy.
create or replace function fhir.citizen_rows(asker fhir.ask, citizen_key bigint, types smallint[], row_limit int)
returns table (type smallint, id uuid, version int, updated timestamptz, origin bigint, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select f.type, f.id, f.version, f.updated, f.origin, f.body, f.date_lo, f.basis
    from fhir.stand(asker) s
    cross join unnest(types) as wanted(type)
    cross join lateral (
      (select r.type, r.id, r.version, r.updated, r.origin, r.body, r.date_lo, b.basis
       from (select x.* from fhir.resource x
             where x.citizen = citizen_key and x.type = wanted.type and not x.deleted and x.date_lo > '-infinity'
             order by x.date_lo desc, x.id offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b
       limit row_limit)
      union all
      (select r.type, r.id, r.version, r.updated, r.origin, r.body, r.date_lo, b.basis
       from (select x.* from fhir.resource x
             where x.citizen = citizen_key and x.type = wanted.type and not x.deleted and x.date_lo = '-infinity'
             order by x.id offset 0) r
       cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b
       limit row_limit)
    ) f
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
  select x.type, x.id, x.version, x.updated, x.origin, x.body from seen x order by x.date_lo desc, x.id;
end $$;

-- Where a row stands before it is changed. outcome: 0 nothing you can see, 1 yours to change, 2 seen but not yours,
-- 3 deleted. Locks the row until the transaction ends, for those only who may change it: a stranger makes nobody wait.
create or replace function fhir.claim(asker fhir.ask, type_number smallint, resource_id uuid)
returns table (outcome smallint, version int, citizen bigint, ownership smallint, basis smallint)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if exists (
    select from fhir.stand(asker) s
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
  from fhir.stand(asker) s
  left join fhir.resource r
    on r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
  left join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b on r.id is not null
  left join lateral fhir.write_basis(asker, s, r.citizen, r.origin, r.type, r.ownership) w on r.id is not null;
end $$;

-- For conditions of a write: what the asker may see, and, for custodians only, what is its own to maintain.
create or replace function fhir.match_basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.basis(asker, stand, citizen_key, origin_key, type_number, owned) b
  union all
  select w.basis from fhir.write_basis(asker, stand, citizen_key, origin_key, type_number, owned) w where asker.kind = 3
  limit 1
$$;

-- Rows that the matched ones refer to, or that refer to them, each decided like any other. A reference names a type and an
-- id (plan: names, type name -> number): a row of another type under that id is not what it refers to.
create or replace function fhir.includes_sql(includes jsonb) returns text language plpgsql stable as $$
declare
  parts text[];
  seen text := 'cross join lateral fhir.basis($1, $2, t.citizen, t.origin, t.type, t.ownership) b '
               'where not t.deleted and not exists (select from matched x where x.id = t.id)';
begin
  select array_agg(case
    when (i ->> 'reverse')::boolean and (i ->> 'own')::boolean then format(
      'select t.*, b.basis from matched m join fhir.resource t on t.citizen = fhir.key(m.id) and t.type = %s %s',
      (i ->> 't')::smallint, seen)
    when (i ->> 'reverse')::boolean then format(
      'select t.*, b.basis from matched m join fhir.resource t on t.tokens @> array[fhir.key(m.id) # %L::bigint] and t.type = %s %s',
      (i ->> 'salt')::bigint, (i ->> 't')::smallint, seen)
    else format(
      'select t.*, b.basis from matched m cross join unnest(%1$L::text[]) p cross join lateral '
      'jsonb_path_query(convert_from(m.body, ''UTF8'')::jsonb, p::jsonpath) ref '
      'cross join lateral (select regexp_match(ref #>> ''{}'', ''^([A-Za-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})'') as part) text '
      'cross join lateral (select text.part[1] as type_name, text.part[2]::uuid as id) named '
      'join fhir.resource t on t.bucket = fhir.bucket(named.id) and t.id = named.id and (%2$L::smallint[] is null or t.type = any(%2$L::smallint[])) '
      'and (%4$L::jsonb is null or t.type = (%4$L::jsonb ->> named.type_name)::smallint) %3$s',
      (select array_agg(v)::text from jsonb_array_elements_text(i -> 'paths') v),
      case when i -> 'types' = 'null'::jsonb then null else fhir.array_text(i -> 'types') end, seen, (i -> 'names')::text)
    end) into parts from jsonb_array_elements(includes) i;
  return format('select distinct on (u.id) u.citizen, u.id, u.type, u.version, u.updated, u.body, u.basis from (%s) u',
                coalesce(array_to_string(parts, ' union all '),
                         'select t.*, null::smallint as basis from fhir.resource t where false'));
end $$;
