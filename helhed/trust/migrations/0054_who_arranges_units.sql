-- Phase: pre. The register of organisations asks whose duty it is to arrange units. Older code has no role with that duty.
grant select on trust.duty to helhed_registries;
grant execute on function trust.has_duty(fhir.ask, text) to helhed_registries;
