-- Phase: first. Roles, the access log and the outbox; there is no older code.
--
-- Each package owns a schema through a role of its own that nobody logs in as. helhed_app is what the server logs in as:
-- it may call functions that decide and log, and may select no citizen data (second wall).
do $$
declare package text;
begin
  perform pg_advisory_xact_lock(hashtext('helhed roles'));
  foreach package in array array['helhed_foundation', 'helhed_fhir', 'helhed_registries', 'helhed_trust', 'helhed_exchange', 'helhed_portals'] loop
    if not exists (select from pg_roles where rolname = package) then
      execute format('create role %I nologin', package);
    end if;
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to current_user with set true, inherit true', package);
    end if;
  end loop;
  if not exists (select from pg_roles where rolname = 'helhed_app') then
    create role helhed_app login;
  end if;
end $$;

create schema foundation authorization helhed_foundation;
create schema fhir authorization helhed_fhir;
create schema registries authorization helhed_registries;
create schema trust authorization helhed_trust;
create schema exchange authorization helhed_exchange;
create schema portals authorization helhed_portals;
grant usage on schema foundation, fhir, registries, trust, exchange, portals to helhed_app;
grant usage on schema foundation to helhed_fhir, helhed_registries, helhed_trust, helhed_portals;
grant usage on schema fhir to helhed_registries, helhed_trust;
grant usage on schema registries to helhed_fhir, helhed_trust;
grant usage on schema trust to helhed_fhir, helhed_registries;
revoke all on schema public from public;
alter default privileges revoke execute on functions from public;

-- One row for each look: what one request saw, or tried to see, of one citizen.
create table foundation.access_log (
  id bigint generated always as identity (cache 64),
  at timestamptz not null,
  kind smallint not null,          -- foundation.ask.ActorKind
  actor bigint not null,
  organisation bigint,
  role text not null,
  client text not null,
  purpose smallint not null,       -- foundation.ask.Purpose
  action smallint not null,        -- foundation.ask.Action
  permitted boolean not null,
  basis smallint,                  -- trust.policy: why it was permitted
  citizen bigint,                  -- null when the request named and returned nobody's data
  type smallint,                   -- resource type asked for
  resources uuid[] not null,       -- what was named or returned
  versions int[] not null,
  trace uuid not null
);
alter table foundation.access_log owner to helhed_foundation;
create index access_log_citizen on foundation.access_log (citizen, id desc);
grant insert on foundation.access_log to helhed_fhir, helhed_registries, helhed_trust;
grant select on foundation.access_log to helhed_trust;

-- Events, written in the transaction that causes them and delivered at least once.
create table foundation.outbox (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  topic text not null,
  payload jsonb not null,
  attempts int not null default 0,
  not_before timestamptz not null default '-infinity',
  failed boolean not null default false
);
alter table foundation.outbox owner to helhed_foundation;
create index outbox_waiting on foundation.outbox (id) where not failed;
grant select, insert, update, delete on foundation.outbox to helhed_app;
