-- Phase: pre. Whoever may see few citizens begins with these: a common code across all citizens, asked by somebody with few
-- patients, walked past everybody else's rows. New functions, and two restated under their old signatures: older code, whose plans do
-- not say that only citizens own what is searched, begins as it did.

-- Every citizen of whom the asker may see anything now, and perhaps some more: null when they are more than ``most``, or when nobody
-- has counted. Only a beginning: each row is decided all the same. Policy fills it in.
create function fhir.reach_of(asker fhir.ask, stand fhir.footing, most int) returns bigint[] language sql stable
return null::bigint[];

-- The plan with its beginning: what stands there as ``begun`` and, when it is dear and few may be seen, ``reach``.
create function fhir.plan_begun(asker fhir.ask, plan jsonb) returns jsonb language plpgsql stable as $$
declare
  begun record := fhir.beginning(plan);
  reach bigint[];
begin
  if begun.strategy <> 'seek' and (plan ->> 'owned')::boolean and nullif(current_setting('helhed.search_begins', true), '') is null then
    reach := fhir.reach_of(asker, (select s from fhir.footing_of(asker) s), 500);
  end if;
  if reach is null then
    return plan || jsonb_build_object('begun', to_jsonb(begun));
  end if;
  begun.strategy := 'reach';
  return plan || jsonb_build_object('begun', to_jsonb(begun), 'reach', reach::text);
end $$;

-- The rows of the plan's types, and of its primary code, in the records of those who may be seen.
create function fhir.reached_sql(plan jsonb) returns text language sql stable
return format('(select r.* from fhir.resource r where r.citizen = any(%L::bigint[]) and %s%s and not r.deleted offset 0)',
              plan ->> 'reach', fhir.types_sql(fhir.plan_types(plan), 'r'),
              case when plan -> 'code' <> 'null'::jsonb and cardinality(fhir.plan_types(plan)) = 1
                   then format(' and r.code in (%L::bigint, 0)', (plan ->> 'code')::bigint) else '' end);

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
    when 'reach' then fhir.reached_sql(plan)
    when 'walk' then fhir.coded_sql(plan, true)
    when 'range' then fhir.coded_sql(plan, false)
    else 'fhir.resource' end;
  return format(
    'select r.bucket, r.id, r.type, r.citizen, r.version, r.updated, r.body, r.concerns, b.basis, %1$s from %2$s r %3$s b where %4$s and not r.deleted and %5$s',
    key_columns, source, fhir.decided_sql(case when (plan ->> 'match')::boolean then 'fhir.match_basis' else 'fhir.basis' end, 'r'),
    fhir.types_sql(fhir.plan_types(plan), 'r'), fhir.conditions_sql(rest, 'r', 0));
end $$;

create or replace function fhir.search_any(asker fhir.ask, plan jsonb)
returns table (kind smallint, n bigint, type smallint, id uuid, version int, updated timestamptz, keys text[], body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  today jsonb := fhir.plan_begun(asker, fhir.plan_of_today(plan));
  sql text := fhir.search_sql(today);
begin
  if today #>> '{begun,strategy}' = 'walk' then
    perform set_config('enable_sort', 'off', true);
    return query execute sql using asker, (select s from fhir.footing_of(asker) s);
    perform set_config('enable_sort', 'on', true);
  else
    return query execute sql using asker, (select s from fhir.footing_of(asker) s);
  end if;
end $$;

do $$
declare
  signature regprocedure;
begin
  for signature in
    select p.oid from pg_proc p where p.pronamespace = 'fhir'::regnamespace and p.proname in ('reach_of', 'plan_begun', 'reached_sql')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
