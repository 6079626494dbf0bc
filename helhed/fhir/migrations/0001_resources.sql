-- Phase: first. The store: bytes, with the index in the row; there is no older code.
create table fhir.resource (
  bucket smallint not null,
  type smallint not null,
  ownership smallint not null,      -- 1 citizen, 2 organisation, 3 public
  deleted boolean not null default false,
  version int not null,
  id uuid not null,
  citizen bigint,                   -- key of the home citizen
  origin bigint not null,           -- key of the organisation that submitted it; never changes
  code bigint not null default 0,   -- primary code as system|code token; 0 when there are none or several
  date_lo timestamptz not null default '-infinity',  -- primary date; -infinity when it has none
  date_hi timestamptz not null default '-infinity',
  updated timestamptz not null,
  tokens bigint[] not null,
  digest bytea not null,            -- SHA-256 of what was submitted
  body bytea not null,              -- the submitted JSON with id, meta and resolved references spliced in
  primary key (bucket, id)
);
alter table fhir.resource owner to helhed_fhir;
alter table fhir.resource alter column tokens set storage main;
create index resource_citizen_code on fhir.resource (citizen, type, code, date_lo desc) where citizen is not null;
create index resource_citizen_date on fhir.resource (citizen, type, date_lo desc) where citizen is not null;
create index resource_code on fhir.resource (type, code, date_lo desc);
create index resource_tokens on fhir.resource using gin (tokens);

-- Superseded versions, with the labels each had.
create table fhir.version (
  bucket smallint not null,
  type smallint not null,
  ownership smallint not null,
  deleted boolean not null,
  version int not null,
  id uuid not null,
  citizen bigint,
  origin bigint not null,
  updated timestamptz not null,
  digest bytea not null,
  body bytea not null,
  primary key (bucket, id, version)
);
alter table fhir.version owner to helhed_fhir;

create table fhir.resource_string (
  bucket smallint not null,
  type smallint not null,
  parameter smallint not null,
  id uuid not null,
  value text not null,              -- normalised: case and accents folded
  written text not null             -- as written, for :exact
);
alter table fhir.resource_string owner to helhed_fhir;
create index resource_string_value on fhir.resource_string (type, parameter, value text_pattern_ops);
create index resource_string_row on fhir.resource_string (bucket, id);

create table fhir.resource_date (
  bucket smallint not null,
  type smallint not null,
  parameter smallint not null,
  id uuid not null,
  lo timestamptz not null,
  hi timestamptz not null
);
alter table fhir.resource_date owner to helhed_fhir;
create index resource_date_value on fhir.resource_date (type, parameter, lo);
create index resource_date_row on fhir.resource_date (bucket, id);

-- New rows may be added by the application; what stands may be read and changed through functions only.
grant insert on fhir.resource, fhir.resource_string, fhir.resource_date to helhed_app;

create function fhir.key(id uuid) returns bigint language sql immutable parallel safe
return ('x' || translate(right(id::text, 17), '-', ''))::bit(64)::bigint;

create function fhir.bucket(id uuid) returns smallint language sql immutable parallel safe
return ((('x' || substr(id::text, 16, 3))::bit(12)::int >> 2) & 1023)::smallint;

-- FHIR R4 search, section 3.1.1.4.6: does a row's period [row_lo, row_hi] meet the prefix and the value's range [lo, hi]?
create function fhir.date_matches(prefix text, lo timestamptz, hi timestamptz, row_lo timestamptz, row_hi timestamptz)
returns boolean language sql immutable parallel safe
return row_lo > '-infinity' and case prefix
  when 'eq' then row_lo >= lo and row_hi <= hi
  when 'ne' then not (row_lo >= lo and row_hi <= hi)
  when 'gt' then row_hi > hi
  when 'lt' then row_lo < lo
  when 'ge' then row_hi > hi or row_lo >= lo
  when 'le' then row_lo < lo or row_hi <= hi
  when 'sa' then row_lo > hi
  when 'eb' then row_hi < lo
  when 'ap' then row_lo <= hi and row_hi >= lo
end;
grant execute on function fhir.key(uuid), fhir.bucket(uuid) to helhed_registries, helhed_trust, helhed_app;
alter function fhir.key(uuid) owner to helhed_fhir;
alter function fhir.bucket(uuid) owner to helhed_fhir;
alter function fhir.date_matches(text, timestamptz, timestamptz, timestamptz, timestamptz) owner to helhed_fhir;
