-- Phase: pre. Two decided reads for calendars: what a citizen's rows of one type said before, and what a unit has on a day. New
-- functions and an index only; older code calls none of them.

-- Rows of one type that a unit keeps, by day: 5 is Appointment (definitions/type_numbers.json).
create index resource_unit_day on fhir.resource (origin, date_lo) where type = 5;

-- All versions of a citizen's rows of one type that the asker may see as they stand now, rows that were taken out too: one look, one log
-- row for each key whose rows were seen. Of a row that is hidden as it stands, the past is hidden too. The limits are for rows, those
-- that happen latest first, and for versions of one row, the newest first.
create function fhir.citizen_pasts(asker fhir.ask, citizen_key bigint, wanted smallint, action smallint, row_limit int, version_limit int)
returns table (id uuid, version int, updated timestamptz, deleted boolean, origin bigint, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  if action not in (9, 210) then
    raise exception 'no such look' using errcode = '22023';
  end if;
  return query
  with own as materialized (
    select unnest(coalesce((select k.keys from fhir.key_set k where k.key = citizen_key), array[citizen_key])) as citizen
  ), standing as materialized (
    select f.id, own.citizen, s
    from fhir.footing_of(asker) s
    cross join own
    cross join lateral (
      select r.id from (
        select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi from fhir.resource x
        where x.citizen = own.citizen and x.type = wanted order by x.date_lo desc, x.id offset 0) r
      cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
      limit row_limit
    ) f
  ), seen as materialized (
    select t.id, t.citizen, p.version, p.updated, p.deleted, p.origin, p.body, p.concerns, p.basis
    from standing t
    cross join lateral (
      select v.*, b.basis from fhir.past_of(wanted, t.id) v
      cross join lateral fhir.basis(asker, t.s, v.citizen, v.origin, wanted, v.ownership, v.id, v.authors, v.contents, v.concerns, v.lo, v.hi) b
      order by v.version desc limit version_limit
    ) p
  ), whole as (
    select b.basis from fhir.footing_of(asker) s cross join lateral fhir.whole_basis(asker, s, citizen_key, wanted) b
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           citizen_pasts.action, exists (select from seen) or exists (select from whole),
           coalesce((select min(x.basis) from seen x), (select w.basis from whole w)), own.citizen, wanted,
           coalesce((select array_agg(x.id order by x.id, x.version) from seen x where x.citizen = own.citizen), '{}'),
           coalesce((select array_agg(x.version order by x.id, x.version) from seen x where x.citizen = own.citizen), '{}'), asker.trace,
           (select array_agg(distinct k) from seen x cross join unnest(x.concerns) k where x.citizen = own.citizen)
    from own where own.citizen = citizen_key or own.citizen in (select x.citizen from seen x)
  )
  select x.id, x.version, x.updated, x.deleted, x.origin, case when not x.deleted then x.body end from seen x
  order by x.id, x.version;
end $$;

-- Appointments that the asker's unit, or a unit beneath it, keeps and that begin in [since, until), with the identity minimum of whose
-- they are: each decided, one look, one log row for each citizen.
create function fhir.unit_day(asker fhir.ask, wanted smallint, since timestamptz, until timestamptz, row_limit int)
returns table (id uuid, version int, updated timestamptz, origin bigint, body bytea, citizen bigint, patient uuid, name text, number text,
               replacement boolean, birth_date date, sex text, alive boolean)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with seen as materialized (
    select f.* from fhir.footing_of(asker) s
    cross join lateral (
      select r.id, r.version, r.updated, r.origin, r.citizen, r.concerns, r.body, r.date_lo, b.basis
      from (
        select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi
        from registries.organisation o join fhir.resource x on x.origin = o.key
        where o.places @> array[asker.organisation] and x.type = wanted and wanted = 5 and x.citizen is not null and not x.deleted
          and x.date_lo >= since and x.date_lo < until
        order by x.date_lo, x.id offset 0) r
      cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
      where asker.kind = 2
      limit row_limit
    ) f
  ), looked as (
    select x.citizen, array_agg(x.id) as ids, array_agg(x.version) as versions, min(x.basis) as basis,
           (select array_agg(distinct k) from seen y cross join unnest(y.concerns) k where y.citizen = x.citizen) as concerned
    from seen x group by x.citizen
    union all
    select null, '{}', '{}', null, null where not exists (select from seen)
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose,
           9, l.basis is not null, l.basis, l.citizen, wanted, l.ids, l.versions, asker.trace, l.concerned
    from looked l
  )
  select x.id, x.version, x.updated, x.origin, x.body, x.citizen, c.patient, c.name, coalesce(c.cpr, ''), c.replacement, c.birth_date, c.sex,
         not c.deceased
  from seen x join registries.citizen c on c.key = x.citizen order by x.date_lo, x.id;
end $$;

do $$
declare signature regprocedure;
begin
  foreach signature in array array[
    'fhir.citizen_pasts(fhir.ask, bigint, smallint, smallint, int, int)', 'fhir.unit_day(fhir.ask, smallint, timestamptz, timestamptz, int)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_fhir', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
