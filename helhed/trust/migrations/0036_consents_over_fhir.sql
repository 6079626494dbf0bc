-- Phase: pre. What Consent needs to be told over FHIR: the citizen's own ids, and the types of the rows that blocks name. A new function.

-- For the citizen alone; one row in the log when it is a look (``look``: read or search).
create function trust.consent_facts(asker fhir.ask, rows uuid[], consent_type smallint, look smallint)
returns table (patient uuid, keys bigint[], types jsonb) language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1 then
    return;
  end if;
  if look is not null then
    insert into foundation.access_log (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    values (asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, look, true, 1, asker.actor, consent_type, '{}', '{}', asker.trace);
  end if;
  return query
  select (select c.patient from registries.citizen c where c.key = asker.actor), trust.own_keys(asker),
         (select coalesce(jsonb_object_agg(r.id, r.type), '{}') from unnest(rows) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
          where r.citizen = any(trust.own_keys(asker)) and not r.deleted);
end $$;
alter function trust.consent_facts(fhir.ask, uuid[], smallint, smallint) owner to helhed_trust;
grant execute on function trust.consent_facts(fhir.ask, uuid[], smallint, smallint) to helhed_app;
