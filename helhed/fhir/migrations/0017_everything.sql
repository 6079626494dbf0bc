-- Phase: pre. Everything about one patient or one encounter in one statement, for $everything. New functions: older code calls
-- neither of them.

-- What the asker may see of a compartment: that of a patient (any_tokens is null), or the rows that refer to an
-- encounter by one of those tokens, with the encounter and its patient. The first row, n = 0, tells in version what became of the root: 0 nothing
-- you can see, 1 here it is, 2 deleted. The rows of one citizen share a handful of labels (type, owner, origin), and the
-- decision knows a row by its labels alone: it is made once for each of those. One look, one log row.
create function fhir.everything_of(asker fhir.ask, patient_type smallint, root_type smallint, root_id uuid, wanted smallint[],
                                   any_tokens bigint[], since timestamptz, lo timestamptz, hi timestamptz, after_type smallint,
                                   after_id uuid, row_count int)
returns table (n bigint, type smallint, id uuid, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with root as materialized (
    select r.citizen, r.version, r.deleted, b.basis
    from fhir.stand(asker) s
    left join fhir.resource r on r.bucket = fhir.bucket(root_id) and r.id = root_id and r.type = root_type
    left join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b on r.id is not null
  ), rows as materialized (
    select r.bucket, case when r.type = patient_type then 0::smallint else r.type end as place, r.type, r.id, r.version, r.updated,
           r.origin, r.ownership
    from root cross join lateral (
      select x.* from fhir.resource x where x.citizen = root.citizen and not x.deleted offset 0
    ) r
    where root.basis is not null and not root.deleted and (wanted is null or r.type = any(wanted))
      and (any_tokens is null or r.id = root_id or r.type = patient_type or r.tokens && any_tokens)
      and (since is null or r.updated >= since)
      and (r.type = patient_type or r.date_lo = '-infinity' or ((lo is null or r.date_hi >= lo) and (hi is null or r.date_lo <= hi)))
  ), decided as materialized (
    select l.origin, l.type, l.ownership, b.basis
    from (select distinct r.origin, r.type, r.ownership from rows r) l
    cross join fhir.stand(asker) s cross join root
    cross join lateral fhir.basis(asker, s, root.citizen, l.origin, l.type, l.ownership) b
  ), page as materialized (
    select row_number() over (order by r.place, r.id) as n, r.*, d.basis
    from rows r join decided d on d.origin = r.origin and d.type = r.type and d.ownership = r.ownership
    where (r.place, r.id) > (after_type, after_id) order by r.place, r.id limit row_count + 1
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           9, root.basis is not null, root.basis, root.citizen, root_type,
           coalesce((select array_agg(p.id order by p.n) from page p where p.n <= row_count),
                    case when root_id is null then '{}' else array[root_id] end),
           coalesce((select array_agg(p.version order by p.n) from page p where p.n <= row_count), '{}'), asker.trace
    from root
  )
  select 0::bigint, root_type, root_id, (case when root.basis is null then 0 when root.deleted then 2 else 1 end),
         null::timestamptz, null::bytea
  from root
  union all
  select p.n, p.type, p.id, p.version, p.updated,
         case when p.n <= row_count then (select x.body from fhir.resource x where x.bucket = p.bucket and x.id = p.id) end
  from page p order by 1;
end $$;

-- What those rows refer to, each decided: about nobody, or about the same citizen. What is about the citizen is a look.
create function fhir.referenced(asker fhir.ask, citizen_key bigint, types smallint[], ids uuid[])
returns table (type smallint, id uuid, version int, updated timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select r.type, r.id, r.version, r.updated, r.citizen, r.body, b.basis
    from fhir.stand(asker) s
    cross join (select distinct q.type, q.id from unnest(types, ids) as q(type, id)) w
    join fhir.resource r on r.bucket = fhir.bucket(w.id) and r.id = w.id and r.type = w.type and not r.deleted
      and (r.citizen is null or r.citizen = citizen_key)
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 9, true, min(x.basis),
           citizen_key, null, array_agg(x.id), array_agg(x.version), asker.trace
    from seen x where x.citizen is not null having count(*) > 0
  )
  select x.type, x.id, x.version, x.updated, x.body from seen x order by x.type, x.id;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('everything_of', 'referenced')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
