-- Phase: pre. Numbers and quantities stand in the row, as double precision[], eight for each value. Null means: this row
-- was written by code that did not know them, and waits for `helhed reindex`. Older code copies rows without the column.
alter table fhir.resource add column numbers double precision[];
alter table fhir.resource alter column numbers set storage main;

-- What is still to be indexed anew: search by the parameters of later releases is refused until it is done.
create table fhir.index_work (
  name text primary key,
  bucket smallint not null default -1,   -- where it has come to
  id uuid not null default '00000000-0000-0000-0000-000000000000',
  done_at timestamptz
);
alter table fhir.index_work owner to helhed_fhir;
grant select on fhir.index_work to helhed_app;
insert into fhir.index_work (name, done_at)
  select 'numbers', case when exists (select from fhir.resource) then null else clock_timestamp() end;

-- Put a new version over a claimed row: the old one moves to fhir.version. A null body deletes.
create function fhir.put_version(type_number smallint, resource_id uuid, expected_version int, at timestamptz, new_code bigint,
                                 new_lo timestamptz, new_hi timestamptz, new_tokens bigint[], new_digest bytea, new_body bytea,
                                 new_numbers double precision[])
returns void language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  insert into fhir.version (bucket, type, ownership, deleted, version, id, citizen, origin, updated, digest, body)
    select r.bucket, r.type, r.ownership, r.deleted, r.version, r.id, r.citizen, r.origin, r.updated, r.digest, r.body
    from fhir.resource r
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  update fhir.resource r set
      version = r.version + 1, updated = at, deleted = new_body is null, code = new_code, date_lo = new_lo, date_hi = new_hi,
      tokens = new_tokens, digest = new_digest, body = coalesce(new_body, ''), numbers = new_numbers
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  if not found then
    raise exception 'version moved' using errcode = '40001';
  end if;
  delete from fhir.resource_string s where s.bucket = fhir.bucket(resource_id) and s.id = resource_id;
  delete from fhir.resource_date d where d.bucket = fhir.bucket(resource_id) and d.id = resource_id;
end $$;

-- Older code replaces rows by this name. It knows no numbers, so the row waits to be indexed again.
create or replace function fhir.replace(type_number smallint, resource_id uuid, expected_version int, at timestamptz, new_code bigint,
                                        new_lo timestamptz, new_hi timestamptz, new_tokens bigint[], new_digest bytea, new_body bytea)
returns void language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  perform fhir.put_version(type_number, resource_id, expected_version, at, new_code, new_lo, new_hi, new_tokens, new_digest,
                           new_body, case when new_body is null then '{}'::double precision[] end);
  if new_body is not null then
    update fhir.index_work w set done_at = null, bucket = -1 where w.name = 'numbers' and w.done_at is not null;
  end if;
end $$;

-- One value (eight numbers from i on) meets one alternative of a condition. FHIR R4 search, sections 3.1.1.4.6 and 3.1.1.4.9:
-- eq and ne go by the range [a, b) of the precision that was written, the others by the number v itself.
create function fhir.number_sql(alternative jsonb, alias text) returns text language plpgsql immutable as $$
declare
  measure text := alternative ->> 'u';   -- any: as written; canonical; code: as written, with this unit
  lo text := format('%s.numbers[i + %s]', alias, case when measure = 'canonical' then 4 else 1 end);
  hi text := format('%s.numbers[i + %s]', alias, case when measure = 'canonical' then 5 else 2 end);
  unit text := case measure
    when 'canonical' then format('%s.numbers[i + 3] = %L::float8 and ', alias, alternative ->> 'unit')
    when 'code' then format('%L::float8 in (%2$s.numbers[i + 6], %2$s.numbers[i + 7]) and ', alternative ->> 'unit', alias)
    else '' end;
  a text := format('%L::float8', (alternative ->> 'a')::float8);
  b text := format('%L::float8', (alternative ->> 'b')::float8);
  v text := format('%L::float8', (alternative ->> 'v')::float8);
begin
  return '(' || unit || case alternative ->> 'op'
    when 'eq' then format('%s >= %s and %s < %s', lo, a, hi, b)
    when 'ne' then format('not (%s >= %s and %s < %s)', lo, a, hi, b)
    when 'gt' then format('%s > %s', hi, v)
    when 'lt' then format('%s < %s', lo, v)
    when 'ge' then format('%s >= %s', hi, v)
    when 'le' then format('%s <= %s', lo, v)
    when 'sa' then format('%s > %s', lo, v)
    when 'eb' then format('%s < %s', hi, v)
    when 'ap' then format('%s >= %s and %s <= %s', hi, a, lo, b)
  end || ')';
end $$;

create function fhir.where_number(condition jsonb, alias text, depth int) returns text language plpgsql stable as $$
declare
  keys text := (select string_agg(format('%L::float8', k::float8), ', ') from jsonb_array_elements_text(condition -> 'keys') k);
  tests text := (select string_agg(fhir.number_sql(a, alias), ' or ') from jsonb_array_elements(condition -> 'alt') a);
begin
  return format('exists (select from generate_series(1, cardinality(%1$s.numbers), 8) i where %1$s.numbers[i] in (%2$s) and (%3$s))',
                alias, keys, tests);
end $$;

-- Two numbers of one element: the first as written, the second on the other measure (composites of two numbers).
create function fhir.where_number_pair(condition jsonb, alias text, depth int) returns text language plpgsql stable as $$
begin
  return format('exists (select from generate_series(1, cardinality(%1$s.numbers), 8) i where %1$s.numbers[i] = %2$L::float8 and %3$s and %4$s)',
                alias, (condition ->> 'key')::float8, fhir.number_sql(condition -> 'first' || '{"u": "any"}', alias),
                replace(replace(fhir.number_sql(condition -> 'second' || '{"u": "any"}', alias), '[i + 1]', '[i + 4]'), '[i + 2]', '[i + 5]'));
end $$;

create function fhir.where_and(condition jsonb, alias text, depth int) returns text language sql stable
return '(' || fhir.conditions_sql(condition -> 'of', alias, depth) || ')';

create function fhir.where_or(condition jsonb, alias text, depth int) returns text language sql stable
return '(' || coalesce((select string_agg(fhir.condition_sql(c, alias, depth), ' or ') from jsonb_array_elements(condition -> 'of') c), 'false') || ')';

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace
      and p.proname in ('put_version', 'number_sql', 'where_number', 'where_number_pair', 'where_and', 'where_or')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
grant execute on function fhir.put_version(smallint, uuid, int, timestamptz, bigint, timestamptz, timestamptz, bigint[], bytea, bytea, double precision[]) to helhed_app;
