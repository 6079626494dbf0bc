-- Phase: pre. Searches restated under their old signatures: every row that is found, passed through or included is decided by
-- its labels. Older code gets the widened answers.

-- Searches inside one citizen's record, many in one statement.
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
    select a.*, s as stand from asked a cross join lateral fhir.footing_of(a.asker) s
  ), seen as materialized (
    select a.n, row_number() over (partition by a.n order by r.date_lo desc, r.id desc)::int as rank,
           r.id, r.version, r.updated, r.date_lo, r.body, r.basis, r.concerns
    from stood a cross join lateral (
      select found.*, b.basis from (
        (select x.* from fhir.resource x
         where (a.wish).code is not null and x.citizen = (a.wish).citizen and x.type = (a.wish).type
           and x.code in ((a.wish).code, 0) and fhir.meets(x.deleted, x.tokens, x.date_lo, x.date_hi, x.id, a.wish)
         order by x.date_lo desc, x.id desc offset 0)
        union all
        (select x.* from fhir.resource x
         where (a.wish).code is null and x.citizen = (a.wish).citizen and x.type = (a.wish).type
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
      from seen s where s.n = a.n and s.rank <= (a.wish).row_count
    ) v on true
    left join lateral fhir.whole_basis(a.asker, a.stand, (a.wish).citizen, (a.wish).type) b on true
  )
  select s.n, s.rank, s.id, s.version, s.updated, s.date_lo::text, s.body from seen s order by s.n, s.rank;
end $$;

-- The decision on the row called alias, as it stands in the text of a search; $1 is the ask and $2 its standing.
create function fhir.decided_sql(decision text, alias text) returns text language sql immutable
return format('cross join lateral %1$s($1, $2, %2$s.citizen, %2$s.origin, %2$s.type, %2$s.ownership, %2$s.id, %2$s.authors, '
              '%2$s.contents, %2$s.concerns, coalesce(%2$s.clinical_lo, %2$s.date_lo), coalesce(%2$s.clinical_hi, %2$s.date_hi))',
              decision, alias);

-- For conditions of a write: what the asker may see, and, for custodians only, what is its own to maintain.
create function fhir.match_basis(asker fhir.ask, stand fhir.footing, citizen_key bigint, origin_key bigint, type_number smallint, owned smallint,
                                 row_id uuid, authors bigint[], contents uuid[], concerns bigint[], lo timestamptz, hi timestamptz)
returns table (basis smallint) language sql stable as $$
  select b.basis from fhir.basis(asker, stand, citizen_key, origin_key, type_number, owned, row_id, authors, contents, concerns, lo, hi) b
  union all
  select w.basis from fhir.write_basis(asker, stand, citizen_key, origin_key, type_number, owned) w where asker.kind = 3
  limit 1
$$;

-- Rows that those of a source refer to, or that refer to them, each decided like any other.
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

-- The same, for the includes of an earlier release.
create or replace function fhir.includes_sql(includes jsonb) returns text
language plpgsql stable as $$
declare
  parts text[];
  seen text := fhir.decided_sql('fhir.basis', 't') || ' b '
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

-- A chain goes only through rows the asker may see (the search law).
create or replace function fhir.chain_sql(condition jsonb, alias text, inner_alias text, depth int) returns text
language plpgsql stable as $$
declare
  target text := format(
    'from fhir.resource %1$s %4$s b%1$s where %1$s.type = %2$s and not %1$s.deleted and %3$s',
    inner_alias, (condition ->> 't')::smallint, fhir.conditions_sql(condition -> 'where', inner_alias, depth + 1),
    fhir.decided_sql('fhir.basis', inner_alias));
begin
  if (condition ->> 'own')::boolean then
    if (select min(fhir.expected(c)) from jsonb_array_elements(condition -> 'where') c) > 2000 then
      return format('exists (select %s and %s.citizen = %s.citizen)', target, inner_alias, alias);
    end if;
    return format('%s.citizen = any(array(select fhir.key(%s.id) %s))', alias, inner_alias, target);
  end if;
  return format('%s.tokens && array(select fhir.key(%s.id) # %L::bigint %s)',
                alias, inner_alias, (condition ->> 'salt')::bigint, target);
end $$;

-- At least one row that refers here meets the conditions, among those the asker may see (the search law).
create or replace function fhir.where_has(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  'exists (select from fhir.resource %1$s %5$s b%1$s where %1$s.type = %2$s and not %1$s.deleted and %3$s and %4$s)',
  'c' || depth, (condition ->> 't')::smallint,
  case when (condition ->> 'own')::boolean then format('%1$s.citizen = %2$s.citizen', 'c' || depth, alias)
       else format('%1$s.tokens @> array[fhir.key(%2$s.id) # %3$L::bigint]', 'c' || depth, alias, (condition ->> 'salt')::bigint) end,
  fhir.conditions_sql(condition -> 'where', 'c' || depth, depth + 1), fhir.decided_sql('fhir.basis', 'c' || depth));

-- The rows that a search finds, before its page is cut.
create or replace function fhir.found_sql(plan jsonb, key_columns text) returns text
language plpgsql stable as $$
declare
  begun record := fhir.begun(plan);
  source text;
  rest jsonb;
begin
  select coalesce(jsonb_agg(c order by begun.rows[n], n), '[]') into rest
    from jsonb_array_elements(plan -> 'where') with ordinality as w(c, n)
    where n is distinct from begun.driver;
  source := case begun.strategy
    when 'seek' then format('(select r.* from fhir.resource r where %s and not r.deleted and %s offset 0)',
                            fhir.types_sql(fhir.plan_types(plan), 'r'),
                            fhir.condition_sql(plan -> 'where' -> (begun.driver - 1), 'r', 0))
    when 'walk' then fhir.coded_sql(plan, true)
    when 'range' then fhir.coded_sql(plan, false)
    else 'fhir.resource' end;
  return format(
    'select r.bucket, r.id, r.type, r.citizen, r.version, r.updated, r.body, r.concerns, b.basis, %1$s from %2$s r %3$s b where %4$s and not r.deleted and %5$s',
    key_columns, source, fhir.decided_sql(case when (plan ->> 'match')::boolean then 'fhir.match_basis' else 'fhir.basis' end, 'r'),
    fhir.types_sql(fhir.plan_types(plan), 'r'), fhir.conditions_sql(rest, 'r', 0));
end $$;

-- The whole search as one statement that decides and logs.
create or replace function fhir.search_sql(plan jsonb) returns text
language plpgsql stable as $$
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
      select m.citizen, m.concerns, m.id, m.version, m.basis from matched m
      union all
      select i.citizen, i.concerns, i.id, i.version, i.basis from included i
    ), named as (
      select unnest(%7$L::bigint[]) as citizen
      union
      select p.citizen from fhir.resource p where cardinality(%8$L::bigint[]) > 0 and p.tokens && %8$L::bigint[] and p.citizen = fhir.key(p.id)
    ), counted as (
      select f.citizen, min(f.basis) as basis from found f where %9$s and f.citizen is not null group by f.citizen
    ), looked as (
      select a.citizen, array_agg(a.id) as resources, array_agg(a.version) as versions, min(a.basis) as basis,
             (select array_agg(distinct k) from answered x cross join unnest(x.concerns) k where x.citizen = a.citizen) as concerned
      from answered a where a.citizen is not null group by a.citizen
      union all
      select n.citizen, '{}', '{}', (
        select min(b.basis) from unnest(%10$L::smallint[]) as one(type)
        cross join lateral fhir.whole_basis($1, $2, n.citizen, one.type) b), null
      from named n where not exists (select from answered a where a.citizen = n.citizen)
      union all
      select c.citizen, '{}', '{}', c.basis, null from counted c
      where c.citizen not in (select n.citizen from named n)
        and not exists (select from answered a where a.citizen = c.citizen)
      union all
      select null, '{}', '{}', 6, null
      where not exists (select from answered a where a.citizen is not null) and not exists (select from counted)
        and cardinality(%7$L::bigint[]) = 0
    ), logged as (
      insert into foundation.access_log
        (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
      select $1.at, $1.kind, $1.actor, $1.organisation, $1.role, $1.client, $1.purpose, 4, l.basis is not null, l.basis,
             l.citizen, %11$s, l.resources, l.versions, $1.trace, l.concerned
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

-- The search, and how it will run (operators only).
create or replace function fhir.search_any(asker fhir.ask, plan jsonb)
returns table (kind smallint, n bigint, type smallint, id uuid, version int, updated timestamptz, keys text[], body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  today jsonb := fhir.plan_of_today(plan);
  begun record := fhir.beginning(today);
  sql text := fhir.search_sql(today || jsonb_build_object('begun', to_jsonb(begun)));
begin
  if begun.strategy = 'walk' then
    perform set_config('enable_sort', 'off', true);
    return query execute sql using asker, (select s from fhir.footing_of(asker) s);
    perform set_config('enable_sort', 'on', true);
  else
    return query execute sql using asker, (select s from fhir.footing_of(asker) s);
  end if;
end $$;


create or replace function fhir.explain_search(asker fhir.ask, plan jsonb) returns table (line text)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  sql text;
  begun record;
  kind text;
  place int := 0;
begin
  if asker.kind <> 2 or asker.role <> 'operator' or not coalesce((select s.active from fhir.footing_of(asker) s), false) then
    return;
  end if;
  begun := fhir.beginning(plan);
  line := 'begins: ' || begun.strategy;
  return next;
  for kind in select c ->> 'k' from jsonb_array_elements(plan -> 'where') c loop
    place := place + 1;
    line := format('condition %s: %s, expected rows: %s%s', place, kind, fhir.about(begun.rows[place]),
                   case when place = begun.driver then ' (seeks)' else '' end);
    return next;
  end loop;
  sql := fhir.search_sql(plan || jsonb_build_object('begun', to_jsonb(begun)));
  line := 'sql: ' || regexp_replace(fhir.without_values(sql), '\s+', ' ', 'g');
  return next;
  for line in execute 'explain ' || sql using asker, (select s from fhir.footing_of(asker) s) loop
    line := fhir.without_values(line);
    return next;
  end loop;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('decided_sql', 'match_basis')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
