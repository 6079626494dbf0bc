-- Phase: pre. A planner: what a search begins with is chosen by what its conditions are expected to find. Answers do not
-- depend on it. Plans of older code are planned too; they name no primary code, so that none of them is walked.
--
--   seek   the rarest condition alone picks the rows, the others are tried on those
--   walk   rows of the primary code, newest first, until the page is full
--   range  rows of the primary code within the dates, in no order
--   open   nothing stands out: PostgreSQL chooses
--
-- The setting helhed.search_begins ("seek", "walk", "range", "open") forces one where it can be done: for tests.

-- As before, said so that an index on the first moment is bounded on both sides (no period ends before it begins).
create or replace function fhir.date_matches(prefix text, lo timestamptz, hi timestamptz, row_lo timestamptz, row_hi timestamptz)
returns boolean language sql immutable parallel safe
return row_lo > '-infinity' and case prefix
  when 'eq' then row_lo >= lo and row_lo <= hi and row_hi <= hi
  when 'ne' then not (row_lo >= lo and row_hi <= hi)
  when 'gt' then row_hi > hi
  when 'lt' then row_lo < lo
  when 'ge' then row_hi > hi or row_lo >= lo
  when 'le' then row_lo <= hi and (row_lo < lo or row_hi <= hi)
  when 'sa' then row_lo > hi
  when 'eb' then row_lo < lo and row_hi < lo
  when 'ap' then row_lo <= hi and row_hi >= lo
end;

-- What the planner knows of tokens: PostgreSQL's own statistics of the column, as the last analyze left them.
alter table fhir.resource alter column tokens set statistics 200;

-- How many rows have one of the tokens; null when nothing was analyzed yet. What is common stands in the statistics; what
-- does not is rare, and so many rows are soon counted.
create function fhir.rows_with(wanted bigint[]) returns bigint language plpgsql stable as $$
declare
  stored real := (select c.reltuples from pg_class c where c.oid = 'fhir.resource'::regclass);
  common bigint[];
  frequencies real[];
  rare bigint[];
  found bigint;
begin
  select s.most_common_elems::text::bigint[], s.most_common_elem_freqs into common, frequencies
    from pg_stats s where s.schemaname = 'fhir' and s.tablename = 'resource' and s.attname = 'tokens';
  if common is null or stored <= 0 then
    return null;
  end if;
  select coalesce(array_agg(w) filter (where place is null), '{}'), coalesce(sum(stored * frequencies[place]), 0)
    into rare, found from unnest(wanted) w cross join lateral (select array_position(common, w) as place) known;
  if cardinality(rare) > 0 then
    found := found + (select count(*) from (select from fhir.resource r where r.tokens && rare limit 2001) probed);
  end if;
  return least(found, stored);
end $$;

-- How many rows so many citizens have.
create function fhir.rows_of_citizens(several bigint) returns bigint language sql stable
return (
  select greatest(1, several * c.reltuples / greatest(1, case when s.n_distinct < 0 then -s.n_distinct * c.reltuples else s.n_distinct end))::bigint
  from pg_class c
  join pg_stats s on s.schemaname = 'fhir' and s.tablename = 'resource' and s.attname = 'citizen'
  where c.oid = 'fhir.resource'::regclass and c.reltuples > 0);

-- How many rows a condition is expected to find; null when nobody can tell.
create function fhir.expected(condition jsonb) returns bigint language plpgsql stable as $$
declare
  inner_rows bigint;
begin
  case condition ->> 'k'
  when 'id' then
    return jsonb_array_length(condition -> 'ids');
  when 'any' then
    return fhir.rows_with(fhir.array_text(condition -> 'tokens')::bigint[]);
  when 'only_citizen' then
    return fhir.rows_of_citizens(jsonb_array_length(condition -> 'citizens'));
  when 'both' then
    return (select min(fhir.expected(c)) from jsonb_array_elements(condition -> 'of') c);
  when 'either' then
    return (select case when bool_and(fhir.expected(c) is not null) then sum(fhir.expected(c)) end
            from jsonb_array_elements(condition -> 'of') c);
  when 'chain' then
    select min(fhir.expected(c)) into inner_rows from jsonb_array_elements(condition -> 'where') c;
    return case when (condition ->> 'own')::boolean then fhir.rows_of_citizens(inner_rows) else inner_rows * 4 end;
  else
    return null;
  end case;
end $$;

-- A chain to the row's own citizen that many rows would meet is tried row by row; any other is followed backwards, once.
create or replace function fhir.chain_sql(condition jsonb, alias text, inner_alias text, depth int) returns text
language plpgsql stable as $$
declare
  target text := format(
    'from fhir.resource %1$s cross join lateral fhir.basis($1, $2, %1$s.citizen, %1$s.origin, %1$s.type, %1$s.ownership) b%1$s '
    'where %1$s.type = %2$s and not %1$s.deleted and %3$s',
    inner_alias, (condition ->> 't')::smallint, fhir.conditions_sql(condition -> 'where', inner_alias, depth + 1));
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

-- What a plan begins with. driver: the place of the condition that seeks; rows: what each condition is expected to find.
create function fhir.beginning(plan jsonb, out strategy text, out driver int, out rows bigint[]) language plpgsql stable as $$
declare
  forced text := nullif(current_setting('helhed.search_begins', true), '');
  coded boolean := plan -> 'code' <> 'null'::jsonb and cardinality(fhir.plan_types(plan)) = 1;
  newest_first boolean := plan #>> '{sort,0,by}' = 'date' and (plan #>> '{sort,0,desc}')::boolean;
begin
  select array_agg(fhir.expected(c) order by n) into rows from jsonb_array_elements(plan -> 'where') with ordinality as w(c, n);
  select n into driver from unnest(rows) with ordinality as r(expected, n) where expected is not null order by expected, n limit 1;
  strategy := case
    when forced = 'open' or forced in ('walk', 'range') and not coalesce(coded, false) then 'open'
    when forced in ('walk', 'range') then forced
    when forced = 'seek' and jsonb_array_length(plan -> 'where') > 0 then 'seek'
    when rows[driver] <= 2000 then 'seek'
    when coded and newest_first and not (plan ->> 'total')::boolean and (plan ->> 'count')::int > 0 then 'walk'
    when coded and plan -> 'where' @> '[{"k": "date"}]' then 'range'
    else 'open' end;
  if strategy = 'seek' then
    driver := coalesce(driver, 1);
  else
    driver := null;
  end if;
end $$;

-- (Rows are called r throughout: the texts of conditions have names of their own for what is beside them.)
-- The same, when it was found out already.
create function fhir.begun(plan jsonb, out strategy text, out driver int, out rows bigint[]) language sql stable as $$
  select b.strategy, b.driver, b.rows from fhir.beginning(plan) b where not plan ? 'begun'
  union all
  select b.strategy, b.driver, b.rows from jsonb_to_record(plan -> 'begun') as b(strategy text, driver int, rows bigint[])
  where plan ? 'begun'
$$;

-- The rows of the primary code: those that have it alone, and those that have several, newest first when wished.
create function fhir.coded_sql(plan jsonb, ordered boolean) returns text language plpgsql stable as $$
declare
  plain jsonb := (select coalesce(jsonb_agg(c), '[]') from jsonb_array_elements(plan -> 'where') c
                  where c ->> 'k' in ('any', 'none', 'date', 'only_citizen'));
  sql text := '';
  code bigint;
begin
  foreach code in array array[(plan ->> 'code')::bigint, 0] loop
    sql := sql || case when sql = '' then '' else ' union all ' end || format(
      '(select r.* from fhir.resource r where r.type = %s and r.code = %L::bigint and not r.deleted and %s%s%s)',
      (fhir.plan_types(plan))[1], code, fhir.conditions_sql(plain, 'r', 0),
      case when ordered and plan #>> '{after,0}' is not null then format(' and r.date_lo <= %L::timestamptz', plan #>> '{after,0}') else '' end,
      case when ordered then ' order by r.date_lo desc, r.id desc' else '' end);
  end loop;
  return format('(select u.* from (%s) u%s offset 0)', sql, case when ordered then ' order by u.date_lo desc, u.id desc' else '' end);
end $$;

-- The rows that meet a plan, decided: everything of the search but its page.
create or replace function fhir.found_sql(plan jsonb, key_columns text) returns text language plpgsql stable as $$
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
    'select r.bucket, r.id, r.type, r.citizen, r.version, r.updated, r.body, b.basis, %1$s from %2$s r '
    'cross join lateral %3$s($1, $2, r.citizen, r.origin, r.type, r.ownership) b where %4$s and not r.deleted and %5$s',
    key_columns, source, case when (plan ->> 'match')::boolean then 'fhir.match_basis' else 'fhir.basis' end,
    fhir.types_sql(fhir.plan_types(plan), 'r'), fhir.conditions_sql(rest, 'r', 0));
end $$;

-- A walk ends when the page is full, which PostgreSQL does not foresee: it would sort everything first, unless told not to.
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
    return query execute sql using asker, (select s from fhir.stand(asker) s);
    perform set_config('enable_sort', 'on', true);
  else
    return query execute sql using asker, (select s from fhir.stand(asker) s);
  end if;
end $$;

-- SQL or a plan of it without anything that was asked for: every literal and every long number is a question mark.
create function fhir.without_values(text text) returns text language sql immutable
return regexp_replace(regexp_replace(text, '''[^'']*''', '?', 'g'), '\d{5,}', '?', 'g');

-- How a search is done, for operators at work: what it begins with, what each condition is expected to find, its SQL, and
-- PostgreSQL's plan of it; nothing that was asked for and nothing that is stored.
create function fhir.explain_search(asker fhir.ask, plan jsonb) returns table (line text)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  sql text;
  begun record;
  kind text;
  place int := 0;
begin
  if asker.kind <> 2 or asker.role <> 'operator' or not coalesce((select s.active from fhir.stand(asker) s), false) then
    return;
  end if;
  begun := fhir.beginning(plan);
  line := 'begins: ' || begun.strategy;
  return next;
  for kind in select c ->> 'k' from jsonb_array_elements(plan -> 'where') c loop
    place := place + 1;
    line := format('condition %s: %s, expected rows: %s%s', place, kind, coalesce(begun.rows[place]::text, 'unknown'),
                   case when place = begun.driver then ' (seeks)' else '' end);
    return next;
  end loop;
  sql := fhir.search_sql(plan || jsonb_build_object('begun', to_jsonb(begun)));
  line := 'sql: ' || regexp_replace(fhir.without_values(sql), '\s+', ' ', 'g');
  return next;
  for line in execute 'explain ' || sql using asker, (select s from fhir.stand(asker) s) loop
    line := fhir.without_values(line);
    return next;
  end loop;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in
      ('rows_with', 'rows_of_citizens', 'expected', 'beginning', 'begun', 'coded_sql', 'without_values', 'explain_search')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
grant execute on function fhir.explain_search(fhir.ask, jsonb) to helhed_app;
