-- Phase: pre. A new function; older code knows nothing of it.
--
-- Whether the asker works or acts where it says, at the moment of the ask: what trust.standing_of says as active of professionals and
-- systems, without looking up what else they are called. Planned once for each connection.
create function trust.stands(asker fhir.ask) returns boolean language plpgsql stable security definer
set search_path = trust, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  return asker.kind in (2, 3) and coalesce((select s.active from fhir.footing_of(asker) s), false);
end $$;
alter function trust.stands(fhir.ask) owner to helhed_trust;
revoke execute on function trust.stands(fhir.ask) from public;
