-- Phase: pre. Searches of several types, includes of includes, and orders by what is coded, referred to or measured.
-- Plans of older code name one type ("t") and includes of one kind: they are read as before.

-- The types of a plan.
create function fhir.plan_types(plan jsonb) returns smallint[] language sql immutable
return coalesce((select array_agg(t::smallint) from jsonb_array_elements_text(plan -> 'types') t), array[(plan ->> 't')::smallint]);

create function fhir.types_sql(types smallint[], alias text) returns text language sql immutable
return case when cardinality(types) = 1 then format('%s.type = %s', alias, types[1])
            else format('%s.type = any(%L::smallint[])', alias, types) end;

create function fhir.texts(items jsonb) returns text[] language sql immutable
return coalesce((select array_agg(i) from jsonb_array_elements_text(items) i), '{}');

-- The expression a sort key orders by; never null, so that cursors compare. Words and amounts are read from the body: no
-- index holds them, and the order is of rows that were found already.
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
end;

create or replace function fhir.sort_type(key jsonb) returns text language sql immutable
return case key ->> 'by' when 'id' then 'uuid' when 'string' then 'text' when 'word' then 'text' when 'amount' then 'numeric'
       else 'timestamptz' end;

-- Rows that those of a source refer to, or that refer to them, each decided like any other, without those of earlier
-- sources. A reference names a type and an id: a row of another type under that id is not what it refers to.
create function fhir.included_sql(includes jsonb, source text, earlier text[]) returns text language plpgsql stable as $$
declare
  parts text[];
  seen text := 'cross join lateral fhir.basis($1, $2, t.citizen, t.origin, t.type, t.ownership) b where not t.deleted';
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
    else format(
      'select t.*, b.basis from %1$I m cross join unnest(%2$L::text[]) p cross join lateral '
      'jsonb_path_query(convert_from(m.body, ''UTF8'')::jsonb, p::jsonpath) ref '
      'cross join lateral (select regexp_match(ref #>> ''{}'', ''^([A-Za-z]+)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})'') as part) text '
      'cross join lateral (select text.part[1] as type_name, text.part[2]::uuid as id) named '
      'join fhir.resource t on m.type = %3$s and t.bucket = fhir.bucket(named.id) and t.id = named.id '
      'and t.type = (%4$L::jsonb ->> named.type_name)::smallint %5$s',
      source, fhir.texts(i -> 'paths'), (i ->> 't')::smallint, (i -> 'names')::text, seen)
    end) into parts from jsonb_array_elements(includes) i;
  return format('select distinct on (u.id) u.citizen, u.id, u.type, u.version, u.updated, u.body, u.basis from (%s) u limit 1001',
                coalesce(array_to_string(parts, ' union all '),
                         'select t.*, null::smallint as basis from fhir.resource t where false'));
end $$;

-- The rounds of includes as SQL: what matches include, and, when some include again, twice what that includes.
create function fhir.rounds_sql(includes jsonb) returns text language plpgsql stable as $$
declare
  again jsonb := (select coalesce(jsonb_agg(i), '[]') from jsonb_array_elements(includes) i where (i ->> 'again')::boolean);
  rounds text := format('included_1 as materialized (%s)', fhir.included_sql(includes, 'matched', array['matched']));
  gathered text := 'select * from included_1';
  earlier text[] := array['matched'];
begin
  if jsonb_array_length(again) > 0 then
    for round in 2 .. 4 loop
      earlier := earlier || format('included_%s', round - 1);
      rounds := rounds || format(', included_%s as materialized (%s)', round,
                                 fhir.included_sql(again, format('included_%s', round - 1), earlier));
      gathered := gathered || format(' union all select * from included_%s', round);
    end loop;
  end if;
  return rounds || format(', included as materialized (%s)', gathered);
end $$;

-- A plan of older code, which knows one type and no salts of several, as a plan of today.
create function fhir.plan_of_today(plan jsonb) returns jsonb language sql immutable
return case when plan ? 'types' then plan else plan || jsonb_build_object('include', (
  select coalesce(jsonb_agg(case
    when (i ->> 'reverse')::boolean
      then i || jsonb_build_object('salts', jsonb_build_object(plan ->> 't', i ->> 'salt'), 'patient', plan -> 't')
    else i || jsonb_build_object('t', plan -> 't', 'names', (
      select coalesce(jsonb_object_agg(n.key, n.value), '{}') from jsonb_each(i -> 'names') n
      where i -> 'types' = 'null'::jsonb or i -> 'types' @> n.value)) end), '[]')
  from jsonb_array_elements(plan -> 'include') i)) end;

-- The rows that meet a plan, decided: everything of the search but its page.
create function fhir.found_sql(plan jsonb, key_columns text) returns text language sql stable
return format(
  'select r.bucket, r.id, r.type, r.citizen, r.version, r.updated, r.body, b.basis, %1$s from fhir.resource r '
  'cross join lateral %2$s($1, $2, r.citizen, r.origin, r.type, r.ownership) b where %3$s and not r.deleted and %4$s',
  key_columns, case when (plan ->> 'match')::boolean then 'fhir.match_basis' else 'fhir.basis' end,
  fhir.types_sql(fhir.plan_types(plan), 'r'), fhir.conditions_sql(plan -> 'where', 'r', 0));

-- A plan as the statement that does it. $1 is the ask and $2 its standing.
-- A total tells of everybody counted, so it is a look at each of them, returned or not.
-- kind: 1 match, 2 included, 3 the total (in n) with whether there is more (in version: 1 yes, 0 no).
create function fhir.search_sql(plan jsonb) returns text language plpgsql stable as $$
declare
  sort jsonb := plan -> 'sort';
  types smallint[] := fhir.plan_types(plan);
  total boolean := (plan ->> 'total')::boolean;
  named text := fhir.array_text(plan -> 'named');
  named_tokens text := fhir.array_text(coalesce(plan -> 'named_tokens', '[]'));
  key_columns text;
  order_columns text;
  key_texts text;
begin
  select string_agg(format('%s as k%s', fhir.sort_sql(k, 'r'), i - 1), ', ' order by i),
         string_agg(format('k%s %s', i - 1, case when (k ->> 'desc')::boolean then 'desc' else 'asc' end), ', ' order by i),
         string_agg(format('m.k%s::text', i - 1), ', ' order by i)
    into key_columns, order_columns, key_texts
    from jsonb_array_elements(sort) with ordinality as s(k, i);
  return format($sql$
    with found as %1$s (
      %2$s
    ), page as materialized (
      select row_number() over (order by %3$s) as n, f.* from found f where %4$s order by %3$s limit %5$s + 1
    ), matched as materialized (
      select * from page p where p.n <= %5$s
    ), %6$s, answered as (
      select m.citizen, m.id, m.version, m.basis from matched m union all select i.citizen, i.id, i.version, i.basis from included i
    ), named as (
      select unnest(%7$L::bigint[]) as citizen
      union
      select p.citizen from fhir.resource p where cardinality(%8$L::bigint[]) > 0 and p.tokens && %8$L::bigint[] and p.citizen = fhir.key(p.id)
    ), counted as (
      select f.citizen, min(f.basis) as basis from found f where %9$s and f.citizen is not null group by f.citizen
    ), looked as (
      select a.citizen, array_agg(a.id) as resources, array_agg(a.version) as versions, min(a.basis) as basis
      from answered a where a.citizen is not null group by a.citizen
      union all
      select n.citizen, '{}', '{}', (
        select min(b.basis) from unnest(%10$L::smallint[]) as one(type)
        cross join lateral fhir.basis($1, $2, n.citizen, null, one.type, 1::smallint) b)
      from named n where not exists (select from answered a where a.citizen = n.citizen)
      union all
      select c.citizen, '{}', '{}', c.basis from counted c
      where c.citizen not in (select n.citizen from named n)
        and not exists (select from answered a where a.citizen = c.citizen)
      union all
      select null, '{}', '{}', 6
      where not exists (select from answered a where a.citizen is not null) and not exists (select from counted)
        and cardinality(%7$L::bigint[]) = 0
    ), logged as (
      insert into foundation.access_log
        (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
      select $1.at, $1.kind, $1.actor, $1.organisation, $1.role, $1.client, $1.purpose, 4, l.basis is not null, l.basis,
             l.citizen, %11$s, l.resources, l.versions, $1.trace
      from looked l
    )
    select 1::smallint, m.n, m.type, m.id, m.version, m.updated, array[%12$s], %13$s from matched m
    union all
    select 2::smallint, 0, i.type, i.id, i.version, i.updated, null, i.body from included i
    union all
    select 3::smallint, %14$s, null, null, (select count(*) from page p where p.n > %5$s)::int, null, null, null
  $sql$,
    case when total then 'materialized' else 'not materialized' end, fhir.found_sql(plan, key_columns), order_columns,
    fhir.after_sql(sort, plan -> 'after'), (plan ->> 'count')::int, fhir.rounds_sql(plan -> 'include'), named, named_tokens,
    total::text, types, case when cardinality(types) = 1 then types[1]::text else 'null' end, key_texts,
    case when (plan ->> 'match')::boolean then 'null::bytea' else 'm.body' end,
    case when total then '(select count(*) from found)' else '0' end);
end $$;

create or replace function fhir.search_any(asker fhir.ask, plan jsonb)
returns table (kind smallint, n bigint, type smallint, id uuid, version int, updated timestamptz, keys text[], body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query execute fhir.search_sql(fhir.plan_of_today(plan)) using asker, (select s from fhir.stand(asker) s);
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in
      ('plan_types', 'types_sql', 'texts', 'included_sql', 'rounds_sql', 'plan_of_today', 'found_sql', 'search_sql')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
