-- Phase: pre. A refused change of a Patient names whoever has the numbers that stand in it: they read so in their logs.

-- A row in the log of each citizen who has one of these numbers, but for the one who was to be changed. Nothing is told.
create function registries.note_named(asker fhir.ask, action smallint, patient_type smallint, systems text[], numbers text[], but_for bigint) returns void
language sql security definer set search_path = registries, pg_temp as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, citizen, type, resources, versions, trace)
  select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action, false, c.key, patient_type,
         array[c.patient], '{}', asker.trace
  from (select distinct i.citizen from unnest(systems, numbers) q(system, value)
        join registries.citizen_identifier i on i.system = q.system and i.value = q.value) named
  join registries.citizen c on c.key = named.citizen
  where c.key is distinct from but_for
$$;
alter function registries.note_named(fhir.ask, smallint, smallint, text[], text[], bigint) owner to helhed_registries;
grant execute on function registries.note_named(fhir.ask, smallint, smallint, text[], text[], bigint) to helhed_app;
