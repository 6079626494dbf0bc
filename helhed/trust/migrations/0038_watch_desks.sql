-- Phase: pre. The network's office puts citizens on its list by their number, as it has no look-up of its own. Older code does not call it.

create function trust.watch_register_number(asker fhir.ask, systems text[], number text, why text) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare whom bigint := (
  select i.citizen from registries.citizen_identifier i
  where i.system = any(systems) and i.value = number and trust.watch_standing(asker) = 2 limit 1);
begin
  return trust.watch_register(asker, whom, why);  -- which logs, also where there is nobody
end $$;
alter function trust.watch_register_number(fhir.ask, text[], text, text) owner to helhed_trust;
grant execute on function trust.watch_register_number(fhir.ask, text[], text, text) to helhed_app;

-- Pages ask what somebody's standing is.
alter function trust.watch_standing(fhir.ask) security definer set search_path = trust, pg_temp;
