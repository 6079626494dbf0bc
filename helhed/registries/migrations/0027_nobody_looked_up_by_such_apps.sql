-- Phase: pre. A function restated under its old signature: an app that was opened for one patient looks nobody up (trust 0061). Its asks
-- have a # in the client, which older code writes nowhere.

-- Who looks people up by the directory basis: a professional at work whose role, and whose token, reads patients (type 103).
-- Running the network is no such role, and what an app was opened for is found already.
create or replace function registries.may_look_up(asker fhir.ask) returns boolean language sql stable as $$
  select asker.kind = 2 and strpos(asker.client, '#') = 0 and (asker.read_types is null or 103 = any(asker.read_types)) and coalesce((
    select s.active and (s.read_types is null or 103 = any(s.read_types)) from fhir.footing_of(asker) s), false)
$$;
