-- Phase: pre. FHIR packages: published knowledge, no citizen in it. Old code knows nothing of these tables.

create table fhir.package (
  id int generated always as identity primary key,
  name text not null,
  version text not null,
  title text not null,
  canonical text not null,
  digest bytea not null,                 -- SHA-256 of the archive
  installed timestamptz not null,
  unique (name, version)
);

-- What a package asks for. What it gets follows from what is installed, and is worked out when it is asked.
create table fhir.package_dependency (
  package int not null references fhir.package (id) on delete cascade,
  name text not null,
  version text not null,
  primary key (package, name)
);

create table fhir.artefact (
  package int not null references fhir.package (id) on delete cascade,
  path text not null,
  type text not null,
  url text not null,                     -- canonical address; '' for examples
  version text not null,
  name text not null,
  example boolean not null,
  body bytea not null,                   -- as published
  primary key (package, path)
);
create index artefact_url on fhir.artefact (url, version) where url <> '';

-- What a source must conform to. An empty profile is every installed profile that a resource claims in meta.profile;
-- no organisation is all of them.
create table fhir.conformance (
  id int generated always as identity primary key,
  organisation bigint,
  type smallint,                         -- null: every type
  profile text not null,
  severity text not null check (severity in ('error', 'warning')),
  valid_from timestamptz not null,
  valid_to timestamptz
);

-- Goes up with every change of the above, so that running servers know that they must read again.
create table fhir.knowledge (
  only_row boolean primary key default true check (only_row),
  version bigint not null
);
insert into fhir.knowledge (version) values (1);

do $$
declare name text;
begin
  foreach name in array array['package', 'package_dependency', 'artefact', 'conformance', 'knowledge'] loop
    execute format('alter table fhir.%I owner to helhed_fhir', name);
    execute format('grant select on fhir.%I to helhed_app', name);
  end loop;
end $$;
