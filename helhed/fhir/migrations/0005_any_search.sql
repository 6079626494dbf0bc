-- Phase: first. Every other search. The plan is a tree of numbers and quoted values (helhed/fhir/store/plan.py writes it);
-- it is compiled to SQL here, inside the wall, so that the application never hands SQL to a function that can read.

-- One condition of a plan on the row called alias, as SQL text. $1 is the ask and $2 its standing.
create function fhir.condition_sql(condition jsonb, alias text, depth int) returns text
language plpgsql stable as $$
declare
  inner_alias text := 'c' || depth;
  parts text[];
begin
  if depth > 4 then
    raise exception 'plan too deep' using errcode = '22023';
  end if;
  case condition ->> 'k'
  when 'any' then
    return format('%1$s.tokens && %2$L::bigint[]', alias, fhir.array_text(condition -> 'tokens'));
  when 'none' then
    return format('not %1$s.tokens && %2$L::bigint[]', alias, fhir.array_text(condition -> 'tokens'));
  when 'citizen' then
    return format('(%1$s.citizen = any(%2$L::bigint[]) or %1$s.tokens && %3$L::bigint[])', alias,
                  fhir.array_text(condition -> 'citizens'), fhir.array_text(condition -> 'tokens'));
  when 'only_citizen' then
    return format('%1$s.citizen = any(%2$L::bigint[])', alias, fhir.array_text(condition -> 'citizens'));
  when 'id' then
    return format('%1$s.id = any(%2$L::uuid[]) and %1$s.bucket = any(array(select fhir.bucket(u) from unnest(%2$L::uuid[]) u))',
                  alias, fhir.array_text(condition -> 'ids'));
  when 'date' then
    select array_agg(format('fhir.date_matches(%L, %L::timestamptz, %L::timestamptz, %s.date_lo, %s.date_hi)',
                            a ->> 0, a ->> 1, a ->> 2, alias, alias))
      into parts from jsonb_array_elements(condition -> 'alt') a;
    return '(' || array_to_string(parts, ' or ') || ')';
  when 'updated' then
    select array_agg(format('fhir.date_matches(%L, %L::timestamptz, %L::timestamptz, %s.updated, %s.updated)',
                            a ->> 0, a ->> 1, a ->> 2, alias, alias))
      into parts from jsonb_array_elements(condition -> 'alt') a;
    return '(' || array_to_string(parts, ' or ') || ')';
  when 'other_date' then
    select array_agg(format('fhir.date_matches(%L, %L::timestamptz, %L::timestamptz, d.lo, d.hi)', a ->> 0, a ->> 1, a ->> 2))
      into parts from jsonb_array_elements(condition -> 'alt') a;
    return format('exists (select from fhir.resource_date d where d.bucket = %1$s.bucket and d.id = %1$s.id '
                  'and d.type = %1$s.type and d.parameter = %2$s and (%3$s))',
                  alias, (condition ->> 'p')::smallint, array_to_string(parts, ' or '));
  when 'starts' then
    select array_agg(format('s.value like %L', fhir.like_text(v) || '%')) into parts
      from jsonb_array_elements_text(condition -> 'values') v;
  when 'contains' then
    select array_agg(format('s.value like %L', '%' || fhir.like_text(v) || '%')) into parts
      from jsonb_array_elements_text(condition -> 'values') v;
  when 'exact' then
    select array_agg(format('s.written = %L', v)) into parts from jsonb_array_elements_text(condition -> 'values') v;
  when 'chain' then
    return fhir.chain_sql(condition, alias, inner_alias, depth);
  else
    raise exception 'unknown condition' using errcode = '22023';
  end case;
  return format('exists (select from fhir.resource_string s where s.bucket = %1$s.bucket and s.id = %1$s.id '
                'and s.type = %1$s.type and s.parameter = %2$s and (%3$s))',
                alias, (condition ->> 'p')::smallint, array_to_string(parts, ' or '));
end $$;

-- A chain goes only through rows the asker may see (the search law).
create function fhir.chain_sql(condition jsonb, alias text, inner_alias text, depth int) returns text
language plpgsql stable as $$
declare
  target text := format(
    'from fhir.resource %1$s cross join lateral fhir.basis($1, $2, %1$s.citizen, %1$s.origin, %1$s.type, %1$s.ownership) b%1$s '
    'where %1$s.type = %2$s and not %1$s.deleted and %3$s',
    inner_alias, (condition ->> 't')::smallint, fhir.conditions_sql(condition -> 'where', inner_alias, depth + 1));
begin
  if (condition ->> 'own')::boolean then
    return format('%s.citizen = any(array(select fhir.key(%s.id) %s))', alias, inner_alias, target);
  end if;
  return format('%s.tokens && array(select fhir.key(%s.id) # %L::bigint %s)',
                alias, inner_alias, (condition ->> 'salt')::bigint, target);
end $$;

create function fhir.conditions_sql(conditions jsonb, alias text, depth int) returns text
language sql stable
return coalesce((select string_agg(fhir.condition_sql(c, alias, depth), ' and ') from jsonb_array_elements(conditions) c), 'true');

create function fhir.array_text(items jsonb) returns text language sql immutable
return '{' || coalesce((select string_agg(i, ',') from jsonb_array_elements_text(items) i where i ~ '^[-0-9a-f]+$'), '') || '}';

create function fhir.like_text(value text) returns text language sql immutable
return replace(replace(replace(value, '\', '\\'), '%', '\%'), '_', '\_');

-- The expression a sort key orders by; never null, so that cursors compare.
create function fhir.sort_sql(key jsonb, alias text) returns text language sql immutable
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
end;

create function fhir.sort_type(key jsonb) returns text language sql immutable
return case key ->> 'by' when 'id' then 'uuid' when 'string' then 'text' else 'timestamptz' end;

-- Rows after the cursor in an order of mixed directions: (k1 past v1) or (k1 = v1 and k2 past v2) or ...
create function fhir.after_sql(sort jsonb, after jsonb) returns text language plpgsql immutable as $$
declare
  alternatives text[] := '{}';
  equal text := '';
  key jsonb;
  value text;
begin
  if after is null or after = 'null'::jsonb then return 'true'; end if;
  for i in 0 .. jsonb_array_length(sort) - 1 loop
    key := sort -> i;
    value := format('%L::%s', after ->> i, fhir.sort_type(key));
    alternatives := alternatives || format('(%s k%s %s %s)', equal, i, case when (key ->> 'desc')::boolean then '<' else '>' end, value);
    equal := equal || format('k%s = %s and ', i, value);
  end loop;
  return '(' || array_to_string(alternatives, ' or ') || ')';
end $$;

-- For conditions of a write: what the asker may see, and what is its own to maintain. Nothing of it is returned.
create function fhir.match_basis(asker fhir.ask, stand fhir.standing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.basis(asker, stand, citizen_key, origin_key, type_number, owned) b
  union all
  select w.basis from fhir.write_basis(asker, stand, citizen_key, origin_key, type_number, owned) w
  limit 1
$$;

-- A total tells of everybody counted, so it is a look at each of them, returned or not.
-- kind: 1 match, 2 included, 3 the total (in n) with whether there is more (in version: 1 yes, 0 no).
create function fhir.search_any(asker fhir.ask, plan jsonb)
returns table (kind smallint, n bigint, type smallint, id uuid, version int, updated timestamptz, keys text[], body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  sort jsonb := plan -> 'sort';
  key_columns text;
  order_columns text;
  key_texts text;
begin
  select string_agg(format('%s as k%s', fhir.sort_sql(k, 'r'), i - 1), ', ' order by i),
         string_agg(format('k%s %s', i - 1, case when (k ->> 'desc')::boolean then 'desc' else 'asc' end), ', ' order by i),
         string_agg(format('m.k%s::text', i - 1), ', ' order by i)
    into key_columns, order_columns, key_texts
    from jsonb_array_elements(sort) with ordinality as s(k, i);
  return query execute format($sql$
    with found as %1$s (
      select r.bucket, r.id, r.type, r.citizen, r.version, r.updated, r.body, b.basis, %2$s
      from fhir.resource r
      cross join lateral %12$s($1, $2, r.citizen, r.origin, r.type, r.ownership) b
      where r.type = %3$s and not r.deleted and %4$s
    ), page as materialized (
      select row_number() over (order by %6$s) as n, f.* from found f where %5$s order by %6$s limit %7$s + 1
    ), matched as materialized (
      select * from page p where p.n <= %7$s
    ), included as materialized (
      %8$s
    ), answered as (
      select m.citizen, m.id, m.version, m.basis from matched m union all select i.citizen, i.id, i.version, i.basis from included i
    ), named as (
      select unnest(%9$L::bigint[]) as citizen
      union
      select p.citizen from fhir.resource p where cardinality(%13$L::bigint[]) > 0 and p.tokens && %13$L::bigint[] and p.citizen = fhir.key(p.id)
    ), counted as (
      select f.citizen, min(f.basis) as basis from found f where %14$s and f.citizen is not null group by f.citizen
    ), looked as (
      select a.citizen, array_agg(a.id) as resources, array_agg(a.version) as versions, min(a.basis) as basis
      from answered a where a.citizen is not null group by a.citizen
      union all
      select n.citizen, '{}', '{}', (select b.basis from fhir.basis($1, $2, n.citizen, null, %3$s::smallint, 1::smallint) b)
      from named n where not exists (select from answered a where a.citizen = n.citizen)
      union all
      select c.citizen, '{}', '{}', c.basis from counted c
      where c.citizen not in (select n.citizen from named n)
        and not exists (select from answered a where a.citizen = c.citizen)
      union all
      select null, '{}', '{}', 6
      where not exists (select from answered a where a.citizen is not null) and not exists (select from counted)
        and cardinality(%9$L::bigint[]) = 0
    ), logged as (
      insert into foundation.access_log
        (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
      select $1.at, $1.kind, $1.actor, $1.organisation, $1.role, $1.client, $1.purpose, 4, l.basis is not null, l.basis,
             l.citizen, %3$s, l.resources, l.versions, $1.trace
      from looked l
    )
    select 1::smallint, m.n, m.type, m.id, m.version, m.updated, array[%10$s], %15$s from matched m
    union all
    select 2::smallint, 0, i.type, i.id, i.version, i.updated, null, i.body from included i
    union all
    select 3::smallint, %11$s, null, null, (select count(*) from page p where p.n > %7$s)::int, null, null, null
  $sql$,
    case when (plan ->> 'total')::boolean then 'materialized' else 'not materialized' end,
    key_columns, (plan ->> 't')::smallint, fhir.conditions_sql(plan -> 'where', 'r', 0),
    fhir.after_sql(sort, plan -> 'after'), order_columns, (plan ->> 'count')::int, fhir.includes_sql(plan -> 'include'),
    fhir.array_text(plan -> 'named'), key_texts,
    case when (plan ->> 'total')::boolean then '(select count(*) from found)' else '0' end,
    case when (plan ->> 'match')::boolean then 'fhir.match_basis' else 'fhir.basis' end,
    fhir.array_text(coalesce(plan -> 'named_tokens', '[]')),
    case when (plan ->> 'total')::boolean then 'true' else 'false' end,
    case when (plan ->> 'match')::boolean then 'null::bytea' else 'm.body' end)
  using asker, (select s from fhir.stand(asker) s);
end $$;

-- Rows that the matched ones refer to, or that refer to them, each decided like any other.
create function fhir.includes_sql(includes jsonb) returns text language plpgsql stable as $$
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
      'cross join lateral (select (substring(ref #>> ''{}'' from ''^[A-Za-z]+/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})''))::uuid as id) named '
      'join fhir.resource t on t.bucket = fhir.bucket(named.id) and t.id = named.id and (%2$L::smallint[] is null or t.type = any(%2$L::smallint[])) %3$s',
      (select array_agg(v)::text from jsonb_array_elements_text(i -> 'paths') v),
      case when i -> 'types' = 'null'::jsonb then null else fhir.array_text(i -> 'types') end, seen)
    end) into parts from jsonb_array_elements(includes) i;
  return format('select distinct on (u.id) u.citizen, u.id, u.type, u.version, u.updated, u.body, u.basis from (%s) u',
                coalesce(array_to_string(parts, ' union all '),
                         'select t.*, null::smallint as basis from fhir.resource t where false'));
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in
      ('condition_sql', 'chain_sql', 'conditions_sql', 'array_text', 'like_text', 'sort_sql', 'sort_type', 'after_sql', 'search_any', 'includes_sql', 'match_basis')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
grant execute on function fhir.search_any(fhir.ask, jsonb) to helhed_app;
