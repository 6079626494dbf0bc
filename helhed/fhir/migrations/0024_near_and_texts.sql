-- Phase: pre. Places that are near, texts beside codes, and includes that say when they stop. Plans of older code ask for none of it.

-- Metres between two places on a sphere with the earth's mean radius (haversine); the radius stands in
-- helhed/fhir/definitions/near.json too, and a test holds them alike.
create function fhir.metres(lat_a float8, lon_a float8, lat_b float8, lon_b float8) returns float8 language sql immutable parallel safe
return 2 * 6371008.8 * asin(least(1, sqrt(
  sin(radians(lat_b - lat_a) / 2) ^ 2 + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(radians(lon_b - lon_a) / 2) ^ 2)));

-- A place stands among the row's numbers as a pair: latitude as the number that was written, longitude on the other measure.
-- What meets the cells of a circle is tried; a circle without cells is so wide that every place is.
create function fhir.where_near(condition jsonb, alias text, depth int) returns text language sql stable
return (
  select '(' || string_agg(format(
    '%5$s exists (select from generate_series(1, cardinality(%1$s.numbers), 8) i where %1$s.numbers[i] = %2$L::float8 '
    'and fhir.metres(%3$s::float8, %4$s::float8, %1$s.numbers[i + 1], %1$s.numbers[i + 4]) <= %6$L::float8)',
    alias, (condition ->> 'key')::float8, quote_literal((a ->> 'lat')::float8), quote_literal((a ->> 'lon')::float8),
    case when a ? 'cells' then format('%s.tokens && %L::bigint[] and', alias, fhir.array_text(a -> 'cells')) else '' end,
    (a ->> 'm')::float8), ' or ') || ')'
  from jsonb_array_elements(condition -> 'alt') a);

-- A text without case, accents and surplus blanks, as helhed/fhir/indexing/text.py folds it; æ, ø and å stay letters.
create function fhir.folded(written text) returns text language sql immutable parallel safe
return translate(btrim(regexp_replace(regexp_replace(
  normalize(translate(replace(lower(normalize(written, NFC)), 'ß', 'ss'), 'æøå', U&'\E000\E001\E002'), NFKD),
  U&'[\0300-\036F]', '', 'g'), '\s+', ' ', 'g')), U&'\E000\E001\E002', 'æøå');

-- A text beside a code begins with one of the values. The bodies of a few citizens' rows are read, or of rows that are nobody's.
create function fhir.where_coded_text(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  '(%1$s.type = %2$s and %3$s case when %1$s.deleted then false else exists (select from unnest(%4$L::text[]) p cross join lateral '
  'jsonb_path_query(convert_from(%1$s.body, ''UTF8'')::jsonb, p::jsonpath) w where jsonb_typeof(w) = ''string'' and (%5$s)) end)',
  alias, (condition ->> 't')::smallint,
  case when condition ? 'citizens' then format('%s.citizen = any(%L::bigint[]) and', alias, fhir.array_text(condition -> 'citizens')) else '' end,
  fhir.texts(condition -> 'paths'),
  (select string_agg(format('fhir.folded(w #>> ''{}'') like %L', fhir.like_text(v) || '%'), ' or ')
   from jsonb_array_elements_text(condition -> 'values') v));

-- How many rows a condition is expected to find; null when nobody can tell.
create or replace function fhir.expected(condition jsonb) returns bigint language plpgsql stable as $$
declare
  inner_rows bigint;
begin
  case condition ->> 'k'
  when 'id' then
    return jsonb_array_length(condition -> 'ids');
  when 'near' then
    return case when not jsonb_path_exists(condition, '$.alt[*] ? (!exists(@.cells))')
      then (select sum(fhir.rows_with(fhir.array_text(a -> 'cells')::bigint[])) from jsonb_array_elements(condition -> 'alt') a) end;
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

-- The rounds of includes as SQL: what matches include, and, when some include again, three times what that includes. Then
-- whether there is more (included_on): one row that the next round would bring, decided like any other.
create or replace function fhir.rounds_sql(includes jsonb) returns text language plpgsql stable as $$
declare
  again jsonb := (select coalesce(jsonb_agg(i), '[]') from jsonb_array_elements(includes) i where (i ->> 'again')::boolean);
  rounds text := format('included_1 as materialized (%s)', fhir.included_sql(includes, 'matched', array['matched']));
  gathered text := 'select * from included_1';
  further text := 'select 1 where false';
  earlier text[] := array['matched'];
begin
  if jsonb_array_length(again) > 0 then
    for round in 2 .. 4 loop
      earlier := earlier || format('included_%s', round - 1);
      rounds := rounds || format(', included_%s as materialized (%s)', round,
                                 fhir.included_sql(again, format('included_%s', round - 1), earlier));
      gathered := gathered || format(' union all select * from included_%s', round);
    end loop;
    further := format('select 1 from (%s) further limit 1', fhir.included_sql(again, 'included_4', earlier || 'included_4'::text));
  end if;
  return rounds || format(', included as materialized (%s), included_on as materialized (%s)', gathered, further);
end $$;

-- The whole search as one statement that decides and logs. It tells when includes that iterate would have gone on (4), to code
-- that asks for that.
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
      select null, array_agg(a.id), array_agg(a.version), min(a.basis),
             (select array_agg(distinct k) from answered x cross join unnest(x.concerns) k where x.citizen is null)
      from answered a where a.citizen is null and a.concerns is not null having count(*) > 0
      union all
      select null, '{}', '{}', 6, null
      where not exists (select from answered a where a.citizen is not null or a.concerns is not null) and not exists (select from counted)
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
    union all
    select 4::smallint, 0, null, null, null, null, null, null where %15$s and exists (select from included_on)
  $sql$,
    case when total then 'materialized' else 'not materialized' end, fhir.found_sql(plan, key_columns), order_columns,
    fhir.after_sql(sort, plan -> 'after'), (plan ->> 'count')::int, fhir.rounds_sql(plan -> 'include'), named, named_tokens,
    total::text, types, case when cardinality(types) = 1 then types[1]::text else 'null' end, key_texts,
    case when (plan ->> 'match')::boolean then 'null::bytea' else 'm.body' end,
    case when total then '(select count(*) from found)' else '0' end, coalesce((plan ->> 'tells_more')::boolean, false)::text);
end $$;

-- Places that are stored wait for `helhed reindex`; only searches for what is near wait with them. (71 is Location.)
insert into fhir.index_work (name, done_at)
  select 'near', case when exists (select from fhir.resource r where r.type = 71) then null else clock_timestamp() end;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('metres', 'where_near', 'folded', 'where_coded_text')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
