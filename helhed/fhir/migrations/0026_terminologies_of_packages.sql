-- Phase: pre. Whether the code systems, value sets and concept maps of a package can be asked for yet. Older code installs
-- packages without saying so: theirs follow at the next start of this release or a later one.
alter table fhir.package add column terminologies boolean not null default false;
