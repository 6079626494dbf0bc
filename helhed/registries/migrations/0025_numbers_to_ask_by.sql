-- Phase: pre. All numbers of a citizen are read where live sources are asked (fhir 0044). Older code reads one.
grant select on registries.citizen_identifier to helhed_fhir;
