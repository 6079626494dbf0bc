-- Phase: pre. Columns that older code does not write: a row that a source delivered from its own log. `at` is when it came here,
-- `occurred_at` when it happened there; `local` holds what the source says of somebody whom no registry knows.
alter table foundation.access_log
  add column source bigint,          -- the organisation that delivered it; null: this network's own row
  add column local_id text,          -- what the source calls it: delivered twice, it is here once
  add column occurred_at timestamptz,
  add column local jsonb;
create unique index access_log_delivered on foundation.access_log (source, local_id) where source is not null;
