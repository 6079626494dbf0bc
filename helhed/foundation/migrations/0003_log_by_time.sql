-- Phase: pre. An index that older code does not use: what retention takes from the beginning of the log is found without reading
-- the rest. It holds a range of moments for each stretch of pages, so that writing the log costs next to nothing more.
create index access_log_at on foundation.access_log using brin (at);
