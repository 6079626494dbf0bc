-- Phase: pre. Which clinic a citizen has chosen, for the citizen alone. A new function.

create function trust.chosen_clinic(asker fhir.ask) returns bigint language sql stable security definer set search_path = trust, pg_temp as $$
  select t.organisation from trust.relation t
  where asker.kind = 1 and t.citizen = any(trust.own_keys(asker)) and t.class = 3 and t.professional is null
    and fhir.key(t.source) = any(trust.own_keys(asker)) and t.valid_from <= asker.at and asker.at < t.valid_to
  order by t.valid_from desc, t.organisation limit 1
$$;
alter function trust.chosen_clinic(fhir.ask) owner to helhed_trust;
grant execute on function trust.chosen_clinic(fhir.ask) to helhed_app;
