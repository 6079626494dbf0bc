-- Phase: pre. Whoever is named is never unseen. What names a citizen is not everybody's: BiologicallyDerivedProduct (type 10), whose source may be a donor, and
-- whatever else was stored as public and names a Patient. It is read at the organisation that recorded it, as such types are now.
update fhir.resource set ownership = 2 where ownership = 3 and (type = 10 or concerns is not null);
update fhir.version v set ownership = 2
from fhir.resource r
where r.bucket = v.bucket and r.id = v.id and v.ownership = 3 and (r.ownership = 2 or v.type = 10 or v.concerns is not null);

-- A search that was given up (it took too long) takes its log rows with it: whom it named reads of it all the same.
create function fhir.log_given_up(asker fhir.ask, plan jsonb) returns void
language sql security definer set search_path = fhir, pg_temp as $$
  with named as (
    select unnest(fhir.array_text(plan -> 'named')::bigint[]) as citizen
    union
    select p.citizen from fhir.resource p
    where p.tokens && fhir.array_text(plan -> 'named_tokens')::bigint[] and p.citizen = fhir.key(p.id)
  ), looked as (
    select n.citizen, (select min(b.basis) from fhir.footing_of(asker) s cross join unnest(fhir.plan_types(plan)) one(type)
                       cross join lateral fhir.whole_basis(asker, s, n.citizen, one.type) b) as basis
    from named n
    union all
    select null, 6::smallint where not exists (select from named)
  )
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
  select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 4, l.basis is not null, l.basis,
         l.citizen, case when cardinality(fhir.plan_types(plan)) = 1 then (fhir.plan_types(plan))[1] end, '{}', '{}', asker.trace
  from looked l
$$;
alter function fhir.log_given_up(fhir.ask, jsonb) owner to helhed_fhir;
grant execute on function fhir.log_given_up(fhir.ask, jsonb) to helhed_app;
