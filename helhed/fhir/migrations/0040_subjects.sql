-- Phase: first. Only a note of work: older code neither writes nor reads under this name.
--
-- A reference that would name the home citizen, and names a device, a group or a place, is indexed like any other from now on. What
-- is stored waits to be indexed again, and is found by such a reference from then on; nothing else waits for it.
insert into fhir.index_work (name, done_at)
  select 'subjects', case when exists (select from fhir.resource) then null else clock_timestamp() end;
