-- Phase: pre. Rows that were recorded on the wrong citizen are taken out whole, by two people, and leave a tombstone. New tables
-- and functions that older code does not know. What is purged leaves a stub in its place (type 0, which no question names), so that
-- nothing is ever stored under its id again, whoever tries: older code and imports meet it as a taken id.

-- A proposal; once it is carried out, the tombstone.
create table fhir.purge (
  id uuid primary key,
  citizen bigint not null,           -- on whom it was recorded
  rightful bigint,                   -- to whom it belongs, where that is known
  owner bigint not null,             -- the organisation whose custodians act
  ground text not null,              -- of trust/policy/purges.json
  case_number text not null,
  apart boolean not null,            -- what is connected with the rows stays, knowingly
  salt bytea not null,               -- never leaves the database: without it a seal tells nothing of a guessed content
  seal bytea not null,               -- of the rows as they were proposed: ids, versions and what was submitted
  proposed_by bigint not null,
  proposed_at timestamptz not null,
  expires_at timestamptz not null,
  withdrawn_by bigint,
  withdrawn_at timestamptz,
  approved_by bigint check (approved_by <> proposed_by),
  done_at timestamptz,
  check ((approved_by is null) = (done_at is null))
);
create index purge_citizen on fhir.purge (citizen) where done_at is not null;
create index purge_rightful on fhir.purge (rightful) where done_at is not null and rightful is not null;
create index purge_open on fhir.purge (owner) where done_at is null and withdrawn_at is null;

create table fhir.purged_row (
  purge uuid not null references fhir.purge (id) on delete cascade,
  id uuid not null,
  type smallint not null,
  origin bigint not null,
  versions int not null,
  primary key (purge, id)
);
create index purged_row_id on fhir.purged_row (id);

-- By which a copy is recognised: SHA-256 of the tombstone's salt and the SHA-256 of what was submitted, version by version.
create table fhir.purged_copy (
  purge uuid not null references fhir.purge (id) on delete cascade,
  origin bigint not null,
  seal bytea not null,
  primary key (purge, origin, seal)
);
create index purged_copy_origin on fhir.purged_copy (origin);

-- Nothing of a record goes while a case about it is pending (legal hold). No origin: every organisation's.
create table fhir.hold (
  id uuid primary key,
  citizen bigint not null,
  origin bigint,
  case_number text not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null default 'infinity'
);
create index hold_citizen on fhir.hold (citizen);

do $$
declare name text;
begin
  foreach name in array array['purge', 'purged_row', 'purged_copy', 'hold'] loop
    execute format('alter table fhir.%I owner to helhed_fhir', name);
  end loop;
end $$;
grant select on fhir.purge, fhir.purged_row to helhed_trust;

-- No plan asks how bodies are spread, and PostgreSQL's statistics hold samples of what they describe: whole bodies among them.
-- An alteration to the same type drops the samples that are there; it rewrites nothing.
alter table fhir.resource alter column body set statistics 0, alter column digest set statistics 0;
alter table fhir.resource alter column body type bytea, alter column digest type bytea;
alter table fhir.version alter column body set statistics 0, alter column digest set statistics 0;
alter table fhir.version alter column body type bytea, alter column digest type bytea;
alter table fhir.resource_string alter column written set statistics 0;
alter table fhir.resource_string alter column written type text;

-- --- what the trust package says (0008) -------------------------------------------------------------------------------------

-- Whether the asker is a records custodian of the organisation that a row came from, or of one above it.
create function fhir.may_purge(asker fhir.ask, origin_key bigint) returns boolean language sql stable as $$ select false $$;
-- What was projected from these rows, and masks on them, are gone too.
create function fhir.forget_facts(ids uuid[]) returns void language sql as $$ select $$;

-- --- helpers ------------------------------------------------------------------------------------------------------------------

create function fhir.is_held(citizen_key bigint, origin_key bigint, moment timestamptz) returns boolean language sql stable as $$
  select exists (select from fhir.hold h where h.citizen = citizen_key and (h.origin is null or h.origin = origin_key)
                 and h.valid_from <= moment and moment < h.valid_to)
$$;

create function fhir.rows_named(types smallint[], ids uuid[]) returns setof fhir.resource language sql stable as $$
  select r.* from unnest(types, ids) q(type, id)
  join fhir.resource r on r.bucket = fhir.bucket(q.id) and r.id = q.id and r.type = q.type
$$;

create function fhir.all_versions(ids uuid[]) returns table (id uuid, version int, deleted boolean, origin bigint, digest bytea)
language sql stable as $$
  select r.id, r.version, r.deleted, r.origin, r.digest from unnest(ids) u(id)
  join fhir.resource r on r.bucket = fhir.bucket(u.id) and r.id = u.id and r.type <> 0
  union all
  select v.id, v.version, v.deleted, v.origin, v.digest from unnest(ids) u(id)
  join fhir.version v on v.bucket = fhir.bucket(u.id) and v.id = u.id
$$;

create function fhir.seal_of(salt bytea, ids uuid[]) returns bytea language sql stable as $$
  select sha256(salt || coalesce(string_agg(uuid_send(a.id) || int4send(a.version) || a.digest, ''::bytea order by a.id, a.version), ''))
  from fhir.all_versions(ids) a
$$;

-- The rows that present these, and the rows that these present, in any version, and are not among them: a report and its results,
-- a document and its picture. Of the same citizen, or naming that one.
create function fhir.connected_with(citizen_key bigint, ids uuid[]) returns setof fhir.resource language sql stable as $$
  select r.* from fhir.resource r
  where (r.citizen = citizen_key or r.concerns @> array[citizen_key]) and fhir.key(r.id) <> r.citizen  -- but for a Patient
    and r.id <> all(ids)
    and (r.contents && ids
      or exists (select from fhir.version v where v.bucket = r.bucket and v.id = r.id and v.contents && ids)
      or r.id in (
        select c.id from unnest(ids) u(id) join fhir.resource x on x.bucket = fhir.bucket(u.id) and x.id = u.id cross join unnest(x.contents) c(id)
        union all
        select c.id from unnest(ids) u(id) join fhir.version x on x.bucket = fhir.bucket(u.id) and x.id = u.id cross join unnest(x.contents) c(id)))
$$;

create function fhir.log_purging(asker fhir.ask, action smallint, permitted boolean, citizen_key bigint, type_number smallint, about uuid[], counts int[])
returns void language sql as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action, permitted,
          case when permitted then 5 end, citizen_key, type_number, about, counts, asker.trace)
$$;

-- --- two people ---------------------------------------------------------------------------------------------------------------

-- Why these rows may not be purged by the asker, if they may not. Whatever is not theirs is not there.
create function fhir.purge_problem(asker fhir.ask, patient_type smallint, types smallint[], ids uuid[]) returns text
language sql stable as $$
  select case
    when count(*) <> cardinality(ids) or (bool_and(fhir.may_purge(asker, r.origin)
      and (asker.write_types is null or r.type = any(asker.write_types)))) is not true then 'nothing'
    when (bool_and(r.ownership = 1 and r.type <> patient_type)) is not true then 'kind'
    when count(distinct r.citizen) <> 1 then 'several'
    when bool_or(fhir.is_held(r.citizen, r.origin, asker.at)) then 'held' end
  from fhir.rows_named(types, ids) r
$$;

-- problem: nothing, kind, several, held, rightful (no such citizen), connected (with what else); null when it stands proposed.
create function fhir.propose_purge(asker fhir.ask, proposal uuid, patient_type smallint, types smallint[], ids uuid[], why text,
                                   number text, right_patient uuid, stays_apart boolean, until timestamptz)
returns table (problem text, seal bytea, versions bigint, other_types smallint[], other_ids uuid[])
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  wrong bigint;
  salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
begin
  problem := fhir.purge_problem(asker, patient_type, types, ids);
  select min(r.citizen) into wrong from fhir.rows_named(types, ids) r;
  if problem is null and right_patient is not null and (fhir.key(right_patient) = wrong or not exists (
       select from fhir.resource p where p.bucket = fhir.bucket(right_patient) and p.id = right_patient and p.type = patient_type)) then
    problem := 'rightful';
  end if;
  if problem is null and not stays_apart then
    select array_agg(c.type order by c.id), array_agg(c.id order by c.id) into other_types, other_ids
      from fhir.connected_with(wrong, ids) c where fhir.may_purge(asker, c.origin);
    problem := case when other_ids is not null then 'connected' end;
  end if;
  if problem is not null then
    perform fhir.log_purging(asker, 41::smallint, false, named.citizen, null, named.ids, '{}')
      from (select r.citizen, array_agg(r.id) as ids from fhir.rows_named(types, ids) r group by r.citizen
            union all select null, ids where not exists (select from fhir.rows_named(types, ids))) named;
    return next;
    return;
  end if;
  seal := fhir.seal_of(salt, ids);
  select count(*) into versions from fhir.all_versions(ids);
  insert into fhir.purge (id, citizen, rightful, owner, ground, case_number, apart, salt, seal, proposed_by, proposed_at, expires_at)
  values (proposal, wrong, fhir.key(right_patient), asker.organisation, why, number, stays_apart, salt, seal, asker.actor, asker.at, until);
  insert into fhir.purged_row (purge, id, type, origin, versions)
    select proposal, r.id, r.type, r.origin, (select count(*) from fhir.all_versions(array[r.id])) from fhir.rows_named(types, ids) r;
  perform fhir.log_purging(asker, 41::smallint, true, wrong, null, array[proposal], array[versions::int]);
  return next;
end $$;

-- The proposals that wait for a second custodian of the asker's organisation. Nothing of the content is told.
create function fhir.open_purges(asker fhir.ask)
returns table (id uuid, proposed_by bigint, proposed_at timestamptz, expires_at timestamptz, ground text, case_number text, seal bytea,
               types smallint[], ids uuid[], versions bigint)
language sql stable security definer set search_path = fhir, pg_temp as $$
  select p.id, p.proposed_by, p.proposed_at, p.expires_at, p.ground, p.case_number, p.seal, array_agg(r.type order by r.id),
         array_agg(r.id order by r.id), sum(r.versions)
  from fhir.purge p join fhir.purged_row r on r.purge = p.id
  where p.owner = asker.organisation and p.done_at is null and p.withdrawn_at is null and p.expires_at > asker.at
    and fhir.may_purge(asker, p.owner)
  group by p.id order by p.proposed_at, p.id
$$;

create function fhir.withdraw_purge(asker fhir.ask, proposal uuid) returns boolean
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare wrong bigint;
begin
  update fhir.purge p set withdrawn_by = asker.actor, withdrawn_at = asker.at
    where p.id = proposal and p.owner = asker.organisation and p.done_at is null and p.withdrawn_at is null
      and fhir.may_purge(asker, p.owner)
    returning p.citizen into wrong;
  perform fhir.log_purging(asker, 42::smallint, wrong is not null, wrong, null, array[proposal], '{}');
  return wrong is not null;
end $$;

-- The statistics that PostgreSQL keeps of names hold samples; when one of them is about to go, they are taken anew.
create function fhir.forget_samples(gone text[]) returns void language plpgsql as $$
begin
  if exists (select from pg_stats s where s.schemaname = 'fhir' and s.tablename = 'resource_string' and s.attname = 'value'
             and (s.most_common_vals::text::text[] && gone or s.histogram_bounds::text::text[] && gone)) then
    analyze fhir.resource_string;
  end if;
end $$;

-- Every version, index row, label and fact of the rows of a tombstone goes; a stub stays in the place of each.
create function fhir.purge_rows(tombstone uuid, moment timestamptz) returns void language plpgsql as $$
declare
  gone uuid[] := array(select r.id from fhir.purged_row r where r.purge = tombstone);
  names text[];
begin
  insert into fhir.purged_copy (purge, origin, seal)
    select distinct tombstone, a.origin, sha256(p.salt || a.digest)
    from fhir.purge p cross join fhir.all_versions(gone) a where p.id = tombstone and not a.deleted
    on conflict do nothing;
  delete from fhir.version v using unnest(gone) u(id) where v.bucket = fhir.bucket(u.id) and v.id = u.id;
  with away as (
    delete from fhir.resource_string s using unnest(gone) u(id) where s.bucket = fhir.bucket(u.id) and s.id = u.id returning s.value
  ) select array_agg(a.value) into names from away a;
  delete from fhir.resource_date d using unnest(gone) u(id) where d.bucket = fhir.bucket(u.id) and d.id = u.id;
  delete from fhir.resource r using unnest(gone) u(id) where r.bucket = fhir.bucket(u.id) and r.id = u.id;
  insert into fhir.resource (bucket, type, ownership, deleted, version, id, origin, updated, tokens, digest, body, numbers, authors)
    select fhir.bucket(u.id), 0, 0, true, 0, u.id, 0, moment, '{}', '', '', '{}', '{}' from unnest(gone) u(id);
  perform fhir.forget_facts(gone);
  perform fhir.forget_samples(names);
end $$;

-- What everybody concerned reads in the log: one row each, which names the tombstone and neither the other citizen nor the content.
create function fhir.log_tombstone(asker fhir.ask, tombstone uuid) returns void language sql as $$
  select fhir.log_purging(asker, 43::smallint, true, c.key, c.type, array[tombstone], array[c.versions])
  from (select k.key, case when count(distinct r.type) = 1 then min(r.type) end as type, sum(r.versions)::int as versions
        from fhir.purge p join fhir.purged_row r on r.purge = p.id cross join lateral unnest(array[p.citizen, p.rightful]) k(key)
        where p.id = tombstone and k.key is not null group by k.key) c
$$;

-- problem: nothing, same-hand, changed, and what may be wrong with a proposal; null when it is done. In the end: who else has seen
-- the rows and must be told (the organisations, from the log).
create function fhir.approve_purge(asker fhir.ask, proposal uuid, patient_type smallint, wanted bytea)
returns table (problem text, row_count int, versions int, seen_by bigint[])
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare
  p fhir.purge;
  types smallint[];
  ids uuid[];
begin
  select * into p from fhir.purge x where x.id = proposal and x.owner = asker.organisation and x.done_at is null
    and x.withdrawn_at is null and x.expires_at > asker.at and fhir.may_purge(asker, x.owner) for update;
  select array_agg(r.type order by r.id), array_agg(r.id order by r.id), sum(r.versions) into types, ids, versions
    from fhir.purged_row r where r.purge = p.id;
  perform from unnest(ids) with ordinality u(id, n) join fhir.resource r on r.bucket = fhir.bucket(u.id) and r.id = u.id
    order by u.n for update of r;
  problem := case
    when p.id is null then 'nothing'
    when asker.actor = p.proposed_by then 'same-hand'
    when wanted <> p.seal or fhir.seal_of(p.salt, ids) <> p.seal then 'changed'
    else fhir.purge_problem(asker, patient_type, types, ids) end;
  if problem is null and not p.apart and exists (
       select from fhir.connected_with(p.citizen, ids) c where fhir.may_purge(asker, c.origin)) then
    problem := 'changed';
  end if;
  if problem is not null then
    perform fhir.log_purging(asker, 43::smallint, false, p.citizen, null, array[proposal], '{}');
    versions := null;
    return next;
    return;
  end if;
  row_count := cardinality(ids);
  seen_by := array(
    select distinct l.organisation from foundation.access_log l
    where l.citizen = p.citizen and l.permitted and l.kind = 2 and l.resources && ids and not fhir.may_purge(asker, l.organisation)
    order by 1);
  update fhir.purge x set approved_by = asker.actor, done_at = asker.at where x.id = proposal;
  perform fhir.purge_rows(proposal, asker.at);
  perform fhir.log_tombstone(asker, proposal);
  return next;
end $$;
grant select on foundation.access_log to helhed_fhir;

-- --- what comes again -----------------------------------------------------------------------------------------------------------

-- Whether anything was ever purged from the record of one of these citizens.
create function fhir.have_tombstones(citizens bigint[]) returns boolean
language sql stable security definer set search_path = fhir, pg_temp as $$
  select exists (select from fhir.purge p where p.citizen = any(citizens) and p.done_at is not null)
$$;

-- Which of these, each a citizen and the SHA-256 of what is submitted, the asker's organisation has had purged before.
create function fhir.purged_before(asker fhir.ask, citizens bigint[], digests bytea[])
returns table (n bigint, tombstone uuid, done_at timestamptz)
language sql stable security definer set search_path = fhir, pg_temp as $$
  select q.n, p.id, p.done_at
  from unnest(citizens, digests) with ordinality q(citizen, digest, n)
  join fhir.purge p on p.citizen = q.citizen and p.done_at is not null
  join fhir.purged_copy c on c.purge = p.id and c.origin = asker.organisation and c.seal = sha256(p.salt || q.digest)
$$;

-- The operator's, after a restore: a tombstone that the restored copy does not know is carried out again. False when it was known.
create function fhir.reapply_purge(told jsonb) returns boolean language plpgsql as $$
declare
  p fhir.purge := jsonb_populate_record(null::fhir.purge, told);
begin
  if exists (select from fhir.purge x where x.id = p.id and x.done_at is not null) then
    return false;
  end if;
  delete from fhir.purge x where x.id = p.id;
  insert into fhir.purge select p.*;
  insert into fhir.purged_row select * from jsonb_populate_recordset(null::fhir.purged_row, told -> 'rows');
  insert into fhir.purged_copy select * from jsonb_populate_recordset(null::fhir.purged_copy, told -> 'copies');
  perform fhir.purge_rows(p.id, p.done_at);
  perform fhir.log_tombstone(row(2, p.approved_by, p.owner, 'records-custodian', 3, 'helhed-restore', null, null, p.done_at,
                                 gen_random_uuid())::fhir.ask, p.id);
  return true;
end $$;

-- Whether what is here under the ids of a tombstone is what was purged: rows of that citizen, each version one of the copies. A file of
-- tombstones lies outside the database; one that somebody wrote or changed takes nothing out that was not purged.
create function fhir.tombstone_fits(told jsonb) returns boolean language sql stable as $$
  with p as (
    select * from jsonb_populate_record(null::fhir.purge, told)
  ), gone as (
    select g.id from jsonb_populate_recordset(null::fhir.purged_row, told -> 'rows') g
  ), copies as (
    select c.origin, c.seal from jsonb_populate_recordset(null::fhir.purged_copy, told -> 'copies') c
  )
  select not exists (
      select from gone join fhir.resource r on r.bucket = fhir.bucket(gone.id) and r.id = gone.id
      where r.type <> 0 and (r.ownership <> 1 or r.citizen <> (select p.citizen from p) or r.citizen = fhir.key(r.id)))
    and not exists (
      select from fhir.all_versions(array(select gone.id from gone)) a
      where not a.deleted and not exists (
        select from copies c where c.origin = a.origin and c.seal = sha256((select p.salt from p) || a.digest)))
$$;

create function fhir.tombstones() returns setof jsonb language sql stable as $$
  select to_jsonb(p) || jsonb_build_object(
    'rows', (select jsonb_agg(to_jsonb(r) order by r.id) from fhir.purged_row r where r.purge = p.id),
    'copies', coalesce((select jsonb_agg(to_jsonb(c) order by c.origin, c.seal) from fhir.purged_copy c where c.purge = p.id), '[]'))
  from fhir.purge p where p.done_at is not null order by p.done_at, p.id
$$;

do $$
declare signature regprocedure;
begin
  for signature in select f.oid::regprocedure from pg_proc f
    where f.pronamespace = 'fhir'::regnamespace and f.proname in (
      'may_purge', 'forget_facts', 'is_held', 'rows_named', 'all_versions', 'seal_of', 'connected_with', 'log_purging', 'purge_problem',
      'propose_purge', 'open_purges', 'withdraw_purge', 'forget_samples', 'purge_rows', 'log_tombstone', 'approve_purge',
      'have_tombstones', 'purged_before', 'reapply_purge', 'tombstones', 'tombstone_fits')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
    if signature::text ~ '^fhir\.(propose_purge|open_purges|withdraw_purge|approve_purge|have_tombstones|purged_before)\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
