-- Phase: pre. Whoever keeps the network running pauses sources (registries 0016). Who is asked when somebody looks is decided by a relation even where a block stands in its way (fhir 0038). Older code asks nobody.
grant execute on function trust.held_relation(fhir.ask, bigint) to helhed_fhir;
grant execute on function trust.keeps_running(fhir.ask) to helhed_registries;
