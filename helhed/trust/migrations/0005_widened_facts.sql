-- Phase: pre. More facts a decision reads, in new tables and new columns with defaults. Older code goes on writing what it knows.

alter table trust.role
  add column assists boolean not null default false,      -- acts only under a responsible professional
  add column may_override boolean not null default false, -- may break the glass
  add column authorised boolean not null default false;   -- holds the state's authorisation

-- A block's who and what, widened. Every part that is given must fit.
alter table trust.block
  add column who_professional bigint,                     -- this professional, wherever they act from
  add column who_alone boolean not null default false,    -- who_organisation without its units beneath
  add column what_alone boolean not null default false,   -- what_organisation without its units beneath
  add column what_author bigint,                          -- what this professional recorded
  add column what_from timestamptz,                       -- what took place from then
  add column what_to timestamptz,                         -- and before then
  add column what_document uuid,                          -- this row, and what it presents
  add column narrow boolean generated always as (
    what_author is not null or what_from is not null or what_to is not null or what_document is not null) stored,
  add column shown boolean not null default false;        -- whether those it stops are told that it is there

-- Who acts under whom: the newest that holds names the one responsible professional of an assistant in an organisation.
create table trust.assistance (
  id uuid primary key,
  assistant bigint not null,
  principal bigint not null,
  role text not null,                -- the role in which the principal is responsible
  organisation bigint not null,
  write_types smallint[] not null,   -- what is delegated (bemyndigelse); empty: nothing is written on the principal's behalf
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  check (assistant <> principal),
  check (write_types = '{}' or valid_to < 'infinity')  -- a delegation ends
);
create index assistance_assistant on trust.assistance (assistant, organisation);

-- What opens a record, or one block, for somebody who is named: a ticket (basis 8, værdispring) or a consent (basis 13).
create table trust.opening (
  id uuid primary key,
  citizen bigint not null,
  basis smallint not null check (basis in (8, 13)),
  professional bigint,
  organisation bigint,
  block uuid,                        -- the block that a consent lifts; null: a consent to read what is not blocked
  reason text not null default '',
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  check (professional is not null or organisation is not null),
  check (basis <> 8 or (professional is not null and organisation is not null and block is null
                        and valid_to <= valid_from + interval '60 minutes'))
);
create index opening_citizen on trust.opening (citizen);

-- Who acts for a citizen: custody 9, mandate 10, guardian 11, proxy for incapacity 12, a clinician's decision for a youth 14.
create table trust.acting (
  id uuid primary key,
  actor bigint not null,
  citizen bigint not null,
  basis smallint not null check (basis in (9, 10, 11, 12, 14)),
  types smallint[],                  -- null: every type
  obeys_blocks boolean not null default false,  -- the citizen's blocks on everybody hold for the actor too
  valid_from timestamptz not null,
  valid_to timestamptz not null,
  check (actor <> citizen)
);
create index acting_citizen on trust.acting (citizen, actor);

-- Until which birthday of the citizen a basis holds, from the dated policy; a basis that is not here has no such limit.
create table trust.age_limit (basis smallint primary key, ends_at_age smallint not null);

-- A row that a clinician has hidden from those who act for the citizen, or from the citizen too.
create table trust.mask (
  id uuid primary key,
  citizen bigint not null,
  resource uuid not null,
  from_citizen boolean not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null
);
create index mask_citizen on trust.mask (citizen);

do $$
declare name text;
begin
  foreach name in array array['assistance', 'opening', 'acting', 'age_limit', 'mask'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
    execute format('grant select on trust.%I to helhed_fhir, helhed_registries', name);
  end loop;
end $$;

-- Who is answerable for what an assistant looked at: written when the row is.
create function trust.name_principal() returns trigger language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  new.principal := (
    select a.principal from trust.assistance a
    where a.assistant = new.actor and a.organisation = new.organisation and a.valid_from <= new.at and new.at < a.valid_to
    order by a.valid_from desc, a.id limit 1);
  return new;
end $$;
alter function trust.name_principal() owner to helhed_trust;
create trigger access_log_principal before insert on foundation.access_log
  for each row when (new.kind = 2 and new.role = 'assistant') execute function trust.name_principal();

create or replace function trust.put_roles(roles jsonb) returns void language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.role as known (role, read_types, write_types, may_declare, assists, may_override, authorised)
  select r.role, r.read_types, r.write_types, r.may_declare, coalesce(r.assists, false), coalesce(r.may_override, false),
         coalesce(r.authorised, false)
  from jsonb_to_recordset(roles) as r(role text, read_types smallint[], write_types smallint[], may_declare boolean, assists boolean,
                                      may_override boolean, authorised boolean)
  on conflict (role) do update set read_types = excluded.read_types, write_types = excluded.write_types,
    may_declare = excluded.may_declare, assists = case when roles @> '[{"authorised": true}]' then excluded.assists else known.assists end,  -- older code says nothing of these
    may_override = case when roles @> '[{"authorised": true}]' then excluded.may_override else known.may_override end,
    authorised = case when roles @> '[{"authorised": true}]' then excluded.authorised else known.authorised end
$$;

create function trust.put_age_limits(bases smallint[], ages smallint[]) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.age_limit select * from unnest(bases, ages)
  on conflict (basis) do update set ends_at_age = excluded.ends_at_age
$$;
alter function trust.put_age_limits(smallint[], smallint[]) owner to helhed_trust;
grant execute on function trust.put_age_limits(smallint[], smallint[]) to helhed_app;
