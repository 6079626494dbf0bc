-- Phase: pre. The day of a unit knows a death that was registered under another of the citizen's numbers. Restated under its old signature:
-- older code reads the same columns.

-- Appointments that the asker's unit, or a unit beneath it, keeps and that begin in [since, until), with the identity minimum of whose
-- they are: each decided, one look, one log row for each citizen. Who has died, is known under whichever number it was registered.
create or replace function fhir.unit_day(asker fhir.ask, wanted smallint, since timestamptz, until timestamptz, row_limit int)
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
         not trust.has_died(trust.keys_of(array[c.key]))
  from seen x join registries.citizen c on c.key = x.citizen order by x.date_lo, x.id;
end $$;
