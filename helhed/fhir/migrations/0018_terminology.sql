-- Phase: pre. Code systems, value sets and concept maps. They are public knowledge without citizens, so the application may
-- read them; only the owner writes them, in `helhed terminology import`. Older code does not know these tables.
create table fhir.code_system (
  key int generated always as identity primary key,
  url text not null,
  version text not null,
  supplements text not null,              -- canonical of the code system whose concepts this one describes, '' for none
  content text not null,                  -- http://hl7.org/fhir/R4/valueset-codesystem-content-mode.html
  case_sensitive boolean not null,
  language text not null,
  title text not null,
  source text not null,                   -- 'core' is what comes with this release
  concepts int not null,
  digest bytea not null,                  -- of what was imported
  imported_at timestamptz not null default clock_timestamp(),
  unique (url, version)
);
alter table fhir.code_system owner to helhed_fhir;

-- Concepts in the order of their publication, parents before children.
create table fhir.concept (
  system int not null references fhir.code_system on delete cascade,
  number int not null,
  code text not null,
  display text not null,
  definition text not null,
  active boolean not null,
  abstract boolean not null,
  parents int[] not null,
  designations jsonb not null,            -- [[language, use, value], ...]
  properties jsonb not null,              -- [{"code", "type", "value"}, ...], each value as text
  words text not null,                    -- all its texts and its code in small letters, for searching
  primary key (system, number)
);
alter table fhir.concept owner to helhed_fhir;
create unique index concept_code on fhir.concept (system, code);
create index concept_folded on fhir.concept (system, lower(code));

-- Every pair of a concept and one above it.
create table fhir.concept_above (
  system int not null references fhir.code_system on delete cascade,
  ancestor int not null,
  descendant int not null,
  primary key (system, ancestor, descendant)
);
alter table fhir.concept_above owner to helhed_fhir;
create index concept_above_descendant on fhir.concept_above (system, descendant, ancestor);

create table fhir.value_set (
  url text not null,
  version text not null,
  source text not null,
  digest bytea not null,
  body jsonb not null,                    -- the resource, without its narrative
  primary key (url, version)
);
alter table fhir.value_set owner to helhed_fhir;

create table fhir.concept_map (
  key int generated always as identity primary key,
  url text not null,
  version text not null,
  source text not null,
  digest bytea not null,
  body jsonb not null,                    -- the resource, without narrative and elements
  unique (url, version)
);
alter table fhir.concept_map owner to helhed_fhir;

create table fhir.concept_mapping (
  map int not null references fhir.concept_map on delete cascade,
  place int not null,
  source_system text not null,
  source_code text not null,
  target_system text not null,
  target_code text not null,              -- '' when the map says that there is none
  equivalence text not null,
  about jsonb not null,                   -- display, comment, dependsOn, product
  primary key (map, place)
);
alter table fhir.concept_mapping owner to helhed_fhir;
create index concept_mapping_source on fhir.concept_mapping (source_system, source_code);
create index concept_mapping_target on fhir.concept_mapping (target_system, target_code);

-- One row: goes up with every change, so that whoever keeps answers knows when they are old.
create table fhir.terminology_state (
  one boolean primary key default true check (one),
  counter bigint not null,
  core bytea not null                     -- digest of the facts of this release that were loaded
);
alter table fhir.terminology_state owner to helhed_fhir;
insert into fhir.terminology_state (counter, core) values (0, '');

grant select on fhir.code_system, fhir.concept, fhir.concept_above, fhir.value_set, fhir.concept_map, fhir.concept_mapping,
  fhir.terminology_state to helhed_app;
