-- Phase: first. Decided writes: admission of new rows, replacement of standing ones, and their log rows.

-- May the asker create rows of these types for these citizens (null: no citizen)? One verdict a pair; the citizen must
-- exist, or be created in the same transaction.
create function fhir.admit(asker fhir.ask, patient_type smallint, citizens bigint[], types smallint[], owned smallint[])
returns table (n bigint, present boolean, basis smallint)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  select q.n, q.citizen is null or exists (
           select from fhir.resource p where p.citizen = q.citizen and p.type = patient_type and not p.deleted), b.basis
  from fhir.stand(asker) s
  cross join unnest(citizens, types, owned) with ordinality as q(citizen, type, owned, n)
  left join lateral fhir.write_basis(asker, s, q.citizen, asker.organisation, q.type, q.owned) b on true;
end $$;

-- The log rows of a transaction: one for each citizen it touched.
create function fhir.log_writes(asker fhir.ask, citizen bigint, action smallint, type_number smallint, basis smallint,
                                resources uuid[], versions int[])
returns void language sql security definer set search_path = fhir, pg_temp as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action,
          basis is not null, basis, citizen, type_number, resources, versions, asker.trace)
$$;

-- Where a row stands before it is changed. outcome: 0 nothing you can see, 1 yours to change, 2 seen but not yours,
-- 3 deleted. Locks the row until the transaction ends.
create function fhir.claim(asker fhir.ask, type_number smallint, resource_id uuid)
returns table (outcome smallint, version int, citizen bigint, ownership smallint, basis smallint)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  perform 1 from fhir.resource r
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number for update;
  return query
  select (case
            when w.basis is not null and r.deleted then 3
            when w.basis is not null and (b.basis is not null or asker.kind = 3) then 1
            when b.basis is not null then 2
            else 0 end)::smallint,
         r.version, r.citizen, r.ownership, w.basis
  from fhir.stand(asker) s
  left join fhir.resource r
    on r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number
  left join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership) b on r.id is not null
  left join lateral fhir.write_basis(asker, s, r.citizen, r.origin, r.type, r.ownership) w on r.id is not null;
end $$;

-- Put a new version over a claimed row: the old one moves to fhir.version. A null body deletes.
create function fhir.replace(type_number smallint, resource_id uuid, expected_version int, at timestamptz, new_code bigint,
                             new_lo timestamptz, new_hi timestamptz, new_tokens bigint[], new_digest bytea, new_body bytea)
returns void language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  insert into fhir.version (bucket, type, ownership, deleted, version, id, citizen, origin, updated, digest, body)
    select r.bucket, r.type, r.ownership, r.deleted, r.version, r.id, r.citizen, r.origin, r.updated, r.digest, r.body
    from fhir.resource r
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  update fhir.resource r set
      version = r.version + 1, updated = at, deleted = new_body is null, code = new_code, date_lo = new_lo, date_hi = new_hi,
      tokens = new_tokens, digest = new_digest, body = coalesce(new_body, '')
    where r.bucket = fhir.bucket(resource_id) and r.id = resource_id and r.type = type_number and r.version = expected_version;
  if not found then
    raise exception 'version moved' using errcode = '40001';
  end if;
  delete from fhir.resource_string s where s.bucket = fhir.bucket(resource_id) and s.id = resource_id;
  delete from fhir.resource_date d where d.bucket = fhir.bucket(resource_id) and d.id = resource_id;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('admit', 'log_writes', 'claim', 'replace')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
