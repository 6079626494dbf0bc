-- Phase: pre. Search parameters beside R4's own, and orders by numbers that read the row rather than its body. Older code knows
-- nothing of the tables and makes plans as before; while it writes beside newer code, no search parameter is to be taken into
-- use, for it indexes by none.

create table fhir.search_parameter (
  number smallint generated always as identity (start with 10001 increment by 2 maxvalue 32767) primary key,  -- in rows, as the one after it; never another's
  url text not null,
  version text not null,
  code text not null,
  kind text not null,
  bases text[] not null,
  targets text[] not null,
  expression text not null,              -- FHIRPath, checked before it came here
  body bytea not null,                   -- the SearchParameter as it was when it was taken into use
  begun timestamptz not null,
  retired timestamptz
);
create unique index search_parameter_url on fhir.search_parameter (url) where retired is null;

-- Goes up with every change of the set.
create table fhir.search_parameter_edition (
  only_row boolean primary key default true check (only_row),
  version bigint not null
);
insert into fhir.search_parameter_edition (version) values (1);

do $$
declare name text;
begin
  foreach name in array array['search_parameter', 'search_parameter_edition'] loop
    execute format('alter table fhir.%I owner to helhed_fhir', name);
    execute format('grant select on fhir.%I to helhed_app', name);
  end loop;
end $$;

-- The set changes while no write is ending.
create function fhir.change_search_parameters() returns void language sql volatile
as $$ select pg_advisory_xact_lock(x'48737061'::bigint) $$;

-- The last step of a write: its rows were indexed by the set of this edition, or they are not stored.
create function fhir.hold_search_parameters(edition bigint) returns void
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(x'48737061'::bigint);
  if edition is distinct from (select e.version from fhir.search_parameter_edition e) then
    raise exception 'indexed by an earlier set of search parameters' using errcode = 'HS001';
  end if;
end $$;

-- The expression a sort key orders by; never null, so that cursors compare. Words are read from the body: no index holds
-- them, and the order is of rows that were found already. Plans of older code read amounts there too.
create or replace function fhir.sort_sql(key jsonb, alias text) returns text language sql immutable
return case key ->> 'by'
  when 'date' then alias || '.date_lo'
  when 'updated' then alias || '.updated'
  when 'id' then alias || '.id'
  when 'other_date' then format(
    'coalesce((select min(d.lo) from fhir.resource_date d where d.bucket = %1$s.bucket and d.id = %1$s.id and d.type = %1$s.type '
    'and d.parameter = %2$s), ''-infinity'')', alias, (key ->> 'p')::smallint)
  when 'string' then format(
    'coalesce((select min(s.value) from fhir.resource_string s where s.bucket = %1$s.bucket and s.id = %1$s.id and s.type = %1$s.type '
    'and s.parameter = %2$s), '''')', alias, (key ->> 'p')::smallint)
  when 'word' then format(
    'coalesce((select min(w #>> ''{}'') from unnest(%2$L::text[]) p cross join lateral '
    'jsonb_path_query(convert_from(%1$s.body, ''UTF8'')::jsonb, p::jsonpath) w), '''')', alias, fhir.texts(key -> 'paths'))
  when 'amount' then format(
    'coalesce((select min((w #>> ''{}'')::numeric) from unnest(%2$L::text[]) p cross join lateral '
    'jsonb_path_query(convert_from(%1$s.body, ''UTF8'')::jsonb, p::jsonpath) w where jsonb_typeof(w) = ''number''), ''-infinity'')',
    alias, fhir.texts(key -> 'paths'))
  when 'number' then format(
    'coalesce((select min(%1$s.numbers[i + 1]) from generate_series(1, cardinality(%1$s.numbers), 8) i where %1$s.numbers[i] = any(%2$L::float8[])), ''-infinity'')',
    alias, '{' || coalesce((select string_agg((k::float8)::text, ',') from jsonb_array_elements_text(key -> 'keys') k), '') || '}')
end;

create or replace function fhir.sort_type(key jsonb) returns text language sql immutable
return case key ->> 'by' when 'id' then 'uuid' when 'string' then 'text' when 'word' then 'text' when 'amount' then 'numeric' when 'number' then 'float8'
       else 'timestamptz' end;

-- Rows that those of a source refer to, or that refer to them, each decided like any other. What refers by a
-- parameter beside R4's own ("p") left its references in resource_string.
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
      'select t.*, b.basis from %1$I m join fhir.resource_string ref on m.type = %2$s and ref.bucket = fhir.bucket(m.id) and ref.id = m.id '
      'and ref.type = m.type and ref.parameter = %3$s '
      'cross join lateral (select regexp_match(ref.written, ''^([A-Za-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})'') as part) text '
      'cross join lateral (select text.part[1] as type_name, text.part[2]::uuid as id) named '
      'join fhir.resource t on t.bucket = fhir.bucket(named.id) and t.id = named.id and t.type = (%4$L::jsonb ->> named.type_name)::smallint %5$s',
      source, (i ->> 't')::smallint, (i ->> 'p')::smallint, (i -> 'names')::text, seen)
    else format(
      'select t.*, b.basis from %1$I m cross join unnest(%2$L::text[]) p cross join lateral '
      'jsonb_path_query(convert_from(m.body, ''UTF8'')::jsonb, p::jsonpath) ref '
      'cross join lateral (select regexp_match(ref #>> ''{}'', ''^([A-Za-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})'') as part) text '
      'cross join lateral (select text.part[1] as type_name, text.part[2]::uuid as id) named '
      'join fhir.resource t on m.type = %3$s and t.bucket = fhir.bucket(named.id) and t.id = named.id '
      'and t.type = (%4$L::jsonb ->> named.type_name)::smallint %5$s',
      source, fhir.texts(i -> 'paths'), (i ->> 't')::smallint, (i -> 'names')::text, seen)
    end) into parts from jsonb_array_elements(includes) i;
  return format('select distinct on (u.id) u.citizen, u.concerns, u.id, u.type, u.version, u.updated, u.body, u.basis from (%s) u limit 1001',
                coalesce(array_to_string(parts, ' union all '),
                         'select t.*, null::smallint as basis from fhir.resource t where false'));
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('change_search_parameters', 'hold_search_parameters')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
grant execute on function fhir.hold_search_parameters(bigint) to helhed_app;
