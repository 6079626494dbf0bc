-- Phase: first. The facts a decision reads, each projected inside the transaction that changes it.
create table trust.role (
  role text primary key,
  read_types smallint[],            -- null: every type
  write_types smallint[],
  may_declare boolean not null      -- may declare a treatment relation of class D
);

create table trust.employment (
  source uuid primary key,          -- the PractitionerRole
  professional bigint not null,
  organisation bigint not null,
  role text not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null     -- first moment it no longer holds
);
create index employment_holder on trust.employment (professional, organisation, role);

create table trust.system_client (
  organisation bigint primary key,  -- the custodian
  registered_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz not null default 'infinity'
);

create table trust.relation (
  source uuid not null,             -- what it was registered by: an Encounter, a referral, a Patient, a declaration
  citizen bigint not null,
  organisation bigint not null,
  professional bigint,              -- class D holds for one person
  class smallint not null,          -- the basis it gives: 2 is A, 3 is B, 4 is D
  reason text not null default '',
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  primary key (source, organisation)
);
create index relation_citizen on trust.relation (citizen, organisation);

create table trust.block (
  id uuid primary key,
  citizen bigint not null,
  who_organisation bigint,          -- null: everybody
  what_organisation bigint,         -- null: everything
  valid_from timestamptz not null,
  valid_to timestamptz not null default 'infinity',
  set_by bigint not null,
  set_at timestamptz not null,
  ended_by bigint,
  ended_at timestamptz
);
create index block_citizen on trust.block (citizen);

do $$
declare name text;
begin
  foreach name in array array['role', 'employment', 'system_client', 'relation', 'block'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
    execute format('grant select on trust.%I to helhed_fhir, helhed_registries', name);
  end loop;
end $$;
grant select on trust.role to helhed_app;
