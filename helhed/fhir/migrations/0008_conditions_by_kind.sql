-- Phase: pre. Each kind of condition is a function of its own, fhir.where_<kind>(condition, alias, depth), so that a new
-- kind is added without writing the others again. The functions of older migrations give the same answers as before.

-- One condition of a plan on the row called alias, as SQL text. $1 is the ask and $2 its standing.
create or replace function fhir.condition_sql(condition jsonb, alias text, depth int) returns text
language plpgsql stable as $$
declare
  kind text := condition ->> 'k';
  written text;
begin
  if depth > 4 then
    raise exception 'plan too deep' using errcode = '22023';
  end if;
  if kind !~ '^[a-z_]{1,40}$' or to_regprocedure('fhir.where_' || kind || '(jsonb, text, int)') is null then
    raise exception 'unknown condition' using errcode = '22023';
  end if;
  execute format('select fhir.%I($1, $2, $3)', 'where_' || kind) into written using condition, alias, depth;
  return written;
end $$;

create function fhir.where_any(condition jsonb, alias text, depth int) returns text language sql stable
return format('%1$s.tokens && %2$L::bigint[]', alias, fhir.array_text(condition -> 'tokens'));

create function fhir.where_none(condition jsonb, alias text, depth int) returns text language sql stable
return format('not %1$s.tokens && %2$L::bigint[]', alias, fhir.array_text(condition -> 'tokens'));

create function fhir.where_citizen(condition jsonb, alias text, depth int) returns text language sql stable
return format('(%1$s.citizen = any(%2$L::bigint[]) or %1$s.tokens && %3$L::bigint[])', alias,
              fhir.array_text(condition -> 'citizens'), fhir.array_text(condition -> 'tokens'));

create function fhir.where_only_citizen(condition jsonb, alias text, depth int) returns text language sql stable
return format('%1$s.citizen = any(%2$L::bigint[])', alias, fhir.array_text(condition -> 'citizens'));

create function fhir.where_id(condition jsonb, alias text, depth int) returns text language sql stable
return format('%1$s.id = any(%2$L::uuid[]) and %1$s.bucket = any(array(select fhir.bucket(u) from unnest(%2$L::uuid[]) u))',
              alias, fhir.array_text(condition -> 'ids'));

-- The alternatives of a date condition on the interval [lo, hi], each an SQL expression.
create function fhir.dates_sql(alternatives jsonb, lo text, hi text) returns text language sql immutable
return (select '(' || string_agg(format('fhir.date_matches(%L, %L::timestamptz, %L::timestamptz, %s, %s)',
                                        a ->> 0, a ->> 1, a ->> 2, lo, hi), ' or ') || ')'
        from jsonb_array_elements(alternatives) a);

create function fhir.where_date(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.dates_sql(condition -> 'alt', alias || '.date_lo', alias || '.date_hi');

create function fhir.where_updated(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.dates_sql(condition -> 'alt', alias || '.updated', alias || '.updated');

create function fhir.where_other_date(condition jsonb, alias text, depth int) returns text language sql stable
return format('exists (select from fhir.resource_date d where d.bucket = %1$s.bucket and d.id = %1$s.id '
              'and d.type = %1$s.type and d.parameter = %2$s and %3$s)',
              alias, (condition ->> 'p')::smallint, fhir.dates_sql(condition -> 'alt', 'd.lo', 'd.hi'));

-- A row has a string of the parameter for which one of the tests (SQL texts on s) holds.
create function fhir.has_string_sql(condition jsonb, alias text, tests text[]) returns text language sql immutable
return format('exists (select from fhir.resource_string s where s.bucket = %1$s.bucket and s.id = %1$s.id '
              'and s.type = %1$s.type and s.parameter = %2$s and (%3$s))',
              alias, (condition ->> 'p')::smallint, array_to_string(tests, ' or '));

create function fhir.where_starts(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.has_string_sql(condition, alias, array(
  select format('s.value like %L', fhir.like_text(v) || '%') from jsonb_array_elements_text(condition -> 'values') v));

create function fhir.where_contains(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.has_string_sql(condition, alias, array(
  select format('s.value like %L', '%' || fhir.like_text(v) || '%') from jsonb_array_elements_text(condition -> 'values') v));

create function fhir.where_exact(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.has_string_sql(condition, alias, array(
  select format('s.written = %L', v) from jsonb_array_elements_text(condition -> 'values') v));

create function fhir.where_chain(condition jsonb, alias text, depth int) returns text language sql stable
return fhir.chain_sql(condition, alias, 'c' || depth, depth);

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and (p.proname like 'where\_%' or p.proname in ('dates_sql', 'has_string_sql'))
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
