-- Phase: pre. What changed, for whoever follows it, and the decision that is made when it is told: new tables and functions only, which
-- older code neither fills nor asks.

-- The types that somebody follows: of others no change is kept.
create table fhir.followed (type smallint primary key);

-- What was created or changed, in the order in which it can be seen. Ids and no content: what is told of it is decided when it is told.
create table fhir.change (
  number bigint generated always as identity primary key,
  at timestamptz not null,
  type smallint not null,
  id uuid not null
);
create index change_type on fhir.change (type, number);
create index change_at on fhir.change (at);

-- Takes up what a transaction stored. Numbers are given one transaction after another: nobody who read as far as one of them
-- finds a lower one later.
create function fhir.note_changes(ids uuid[], moment timestamptz) returns void
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if not exists (select from fhir.followed) then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtext('fhir.change'));
  insert into fhir.change (at, type, id)
  select moment, r.type, r.id
  from unnest(ids) with ordinality w(id, n)
  join fhir.resource r on r.bucket = fhir.bucket(w.id) and r.id = w.id and not r.deleted
  where r.type in (select f.type from fhir.followed f)
  order by w.n;
end $$;

-- Which of these rows the asker may see now and a plan's conditions hold for: the same decision as in a search, in the statement that
-- reads. Whoever calls it logs what leaves. 1024 buckets above a row there may be a part of it, for those who may see no more.
create function fhir.tellable(asker fhir.ask, plan jsonb, wanted uuid[])
returns table (id uuid, type smallint, version int, updated timestamptz, citizen bigint, concerns bigint[], basis smallint, body bytea)
language plpgsql stable security definer set search_path = fhir, pg_temp as $$
begin
  return query execute format(
    'select r.id, r.type, r.version, r.updated, r.citizen, r.concerns, b.basis, r.body '
    'from (select distinct unnest($3) as id) w join fhir.resource r on r.bucket in (fhir.bucket(w.id), (fhir.bucket(w.id) + 1024)::smallint) and r.id = w.id '
    '%s b where %s and not r.deleted and %s',
    fhir.decided_sql('fhir.basis', 'r'), fhir.types_sql(fhir.plan_types(plan), 'r'), fhir.conditions_sql(plan -> 'where', 'r', 0))
    using asker, (select s from fhir.footing_of(asker) s), wanted;
end $$;

do $$
declare signature regprocedure;
begin
  alter table fhir.followed owner to helhed_fhir;
  alter table fhir.change owner to helhed_fhir;
  grant select, insert, delete on fhir.followed to helhed_trust;
  grant select, delete on fhir.change to helhed_trust;
  foreach signature in array array[
    'fhir.note_changes(uuid[], timestamptz)', 'fhir.tellable(fhir.ask, jsonb, uuid[])']::regprocedure[] loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
  grant execute on function fhir.note_changes(uuid[], timestamptz) to helhed_app;
  grant execute on function fhir.tellable(fhir.ask, jsonb, uuid[]) to helhed_trust;
end $$;
