-- Phase: pre. A citizen with several keys or numbers is asked about by each of them, and what is answered is kept under the key whose number it was:
-- when the keys are parted again, nobody has what was answered of the other. New functions, and one of the same shape; older code asks by one number.

-- As fhir.ask_live, which decides and logs, with every number of the citizen beside a source that is asked now: the one of the key that was
-- opened first. A source that knows no replacement numbers is told none, and whoever is not asked is told nothing.
create function fhir.ask_live_by_numbers(asker fhir.ask, citizen_key bigint, wanted smallint[], trial interval)
returns table (source uuid, organisation uuid, name text, kind text, withholds boolean, state text, types smallint[], answered timestamptz,
               dropped bigint, reason text, terms jsonb, tells boolean, numbers jsonb)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with person as materialized (
    select c.key, c.patient, n.value, n.replacement, n.first
    from unnest(coalesce((select s.keys from fhir.key_set s where s.key = citizen_key), array[citizen_key])) k(key)
    join registries.citizen c on c.key = k.key
    cross join lateral (
      select c.cpr as value, c.replacement, true as first where c.cpr is not null
      union
      select i.value, i.system = 'urn:oid:1.2.208.176.1.6.1.1', false from registries.citizen_identifier i
      where i.citizen = c.key and i.system in ('urn:oid:1.2.208.176.1.2', 'urn:oid:1.2.208.176.1.6.1.1') and i.value is distinct from c.cpr) n
  )
  select a.source, a.organisation, a.name, a.kind, a.withholds, a.state, a.types, a.answered, a.dropped, a.reason, a.terms, a.tells,
    case when a.terms is not null then coalesce((
      select jsonb_agg(jsonb_build_object('citizen', p.key::text, 'patient', p.patient, 'number', p.value, 'replacement', p.replacement)
                       order by p.key <> citizen_key, not p.first, p.replacement, p.key, p.value)
      from person p where not p.replacement or coalesce((a.terms ->> 'replacement_numbers')::boolean, true)), '[]') end
  from fhir.ask_live(asker, citizen_key, wanted, trial) a;
end $$;

-- One row under two ids: a source says of two keys' numbers that they are one person, and it was answered under the other key before. What names
-- the other id (a block) holds for it.
create function fhir.remember_same(source_id uuid, citizen_key bigint, ids uuid[], others uuid[]) returns void
language sql security definer set search_path = fhir, pg_temp as $$
  insert into fhir.live_presented (part, document, citizen, source)
  select q.id, q.other, citizen_key, source_id from unnest(ids, others) q(id, other) on conflict do nothing
$$;

-- As before, under all keys of the citizen; each key has the look in a log row of its own, should it be two people after all.
create or replace function fhir.live_rows_of(asker fhir.ask, citizen_key bigint, wanted smallint[], row_limit int)
returns table (type smallint, id uuid, source uuid, at timestamptz, origin bigint, lo timestamptz, hi timestamptz, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
declare keys bigint[] := coalesce((select k.keys from fhir.key_set k where k.key = citizen_key), array[citizen_key]);
begin
  return query
  with seen as materialized (
    select r.*, b.basis
    from fhir.footing_of(asker) f
    cross join lateral (select x as whole, x.* from fhir.live_row x join registries.source s on s.id = x.source
                        where s.active and x.citizen = any(keys) and x.type = any(wanted) and x.expires > asker.at order by x.sort desc, x.id offset 0) r
    cross join lateral (select fhir.live_basis(asker, f, r.whole) as basis offset 0) b
    where b.basis is not null
    limit row_limit
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 201, true, min(s.basis), s.citizen, null,
           array_agg(s.id), array_agg(1), asker.trace,
           (select array_agg(distinct k) from seen x cross join unnest(x.concerns) k where x.citizen = s.citizen)
    from seen s group by s.citizen
  )
  select s.type, s.id, s.source, s.at, s.origin, s.lo, s.hi, s.body from seen s order by s.sort desc, s.id;
end $$;

do $$
declare signature text;
begin
  foreach signature in array array['fhir.ask_live_by_numbers(fhir.ask, bigint, smallint[], interval)', 'fhir.remember_same(uuid, bigint, uuid[], uuid[])'] loop
    execute format('alter function %s owner to helhed_fhir', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
