-- Phase: pre. Columns that older code does not write: whom a look concerned beside its citizen, and for whom an assistant acted.
alter table foundation.access_log add column concerned bigint[], add column principal bigint;
create index access_log_concerned on foundation.access_log using gin (concerned) where concerned is not null;
