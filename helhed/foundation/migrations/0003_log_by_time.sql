-- Phase: pre. An index that older code does not use: what retention takes from the beginning of the log is found without reading
-- the rest. It holds a range of moments for each stretch of pages, so that writing the log costs next to nothing more; each
-- stretch is summarised as soon as it is full, so that what reads the last minutes does not read all since the last vacuum.
create index access_log_at on foundation.access_log using brin (at) with (autosummarize = on);
