-- Phase: pre. New kinds of conditions: reverse chains, and the words of logic. Older code writes no plan that has them.

create function fhir.where_both(condition jsonb, alias text, depth int) returns text language sql stable
return '(' || fhir.conditions_sql(condition -> 'of', alias, depth) || ')';

create function fhir.where_either(condition jsonb, alias text, depth int) returns text language sql stable
return coalesce((select '(' || string_agg('(' || fhir.condition_sql(c, alias, depth) || ')', ' or ') || ')'
                 from jsonb_array_elements(condition -> 'of') c), 'false');

-- What cannot be said to hold does not hold: its opposite does.
create function fhir.where_not(condition jsonb, alias text, depth int) returns text language sql stable
return format('((%s) is not true)', fhir.conditions_sql(condition -> 'of', alias, depth));

create function fhir.where_type(condition jsonb, alias text, depth int) returns text language sql stable
return format('%s.type = any(%L::smallint[])', alias, fhir.array_text(condition -> 'types'));

-- A reverse chain comes only from rows the asker may see (the search law).
create function fhir.where_has(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  'exists (select from fhir.resource %1$s '
  'cross join lateral fhir.basis($1, $2, %1$s.citizen, %1$s.origin, %1$s.type, %1$s.ownership) b%1$s '
  'where %1$s.type = %2$s and not %1$s.deleted and %3$s and %4$s)',
  'c' || depth, (condition ->> 't')::smallint,
  case when (condition ->> 'own')::boolean
    then format('%1$s.citizen = %2$s.citizen', 'c' || depth, alias)
    else format('%1$s.tokens @> array[fhir.key(%2$s.id) # %3$L::bigint]', 'c' || depth, alias, (condition ->> 'salt')::bigint) end,
  fhir.conditions_sql(condition -> 'where', 'c' || depth, depth + 1));

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('where_both', 'where_either', 'where_not', 'where_type', 'where_has')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
