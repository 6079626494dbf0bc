-- Phase: pre. What a citizen needs to prove the own log: new functions, which older code does not call.

-- That a citizen wants the own log proved is a look at it, and stands in it before anything is given.
create function trust.want_proof(asker fhir.ask) returns boolean language sql security definer set search_path = trust, pg_temp as $$
  with logged as (
    insert into foundation.access_log
      (at, kind, actor, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.role, asker.client, asker.purpose, 50, asker.kind = 1,
           case when asker.kind = 1 then 1 end, case when asker.kind = 1 then asker.actor end, '{}', '{}', asker.trace
    returning permitted)
  select permitted from logged
$$;

-- Whether this very request is in the log.
create function trust.proof_is_wanted(asker fhir.ask) returns boolean language sql stable as $$
  select asker.kind = 1 and exists (
    select from foundation.access_log l
    where l.citizen = asker.actor and l.actor = asker.actor and l.action = 50 and l.trace = asker.trace and l.permitted)
$$;
alter function trust.proof_is_wanted(fhir.ask) owner to helhed_trust;

-- A row that names a citizen, by its id.
create function trust.logged(named bigint, row_id bigint) returns setof foundation.access_log language sql stable as $$
  (select x.* from foundation.access_log x where x.citizen = named and x.id = row_id)
  union all
  (select x.* from foundation.access_log x where x.concerned && array[named] and x.id = row_id)
  limit 1
$$;
alter function trust.logged(bigint, bigint) owner to helhed_trust;

-- The events that the citizen's chains count, and what the citizen may read of what they commit to: nothing of somebody else.
-- Without an event: its row is there no longer.
create function trust.own_proof(asker fhir.ask)
returns table (citizen bigint, counter bigint, "position" bigint, event text, opened jsonb)
language plpgsql stable security definer set search_path = trust, pg_temp as $$
declare
  own bigint[] := trust.own_keys(asker);
  hidden bigint[];
begin
  if not trust.proof_is_wanted(asker) then
    return;
  end if;
  hidden := trust.shielded_places(own, asker.at);
  return query
  select e.citizen, e.first + o.nth - 1, o.place, case when l.id is not null then foundation.log_event(l, s.salts) end,
         jsonb_strip_nulls(jsonb_build_object(
           'actor', case when not w.withheld then jsonb_build_array(encode(foundation.log_salt(s.salts, 0), 'hex'), '"' || l.actor || '"') end,
           'principal', case when l.principal is not null and not w.withheld then
             jsonb_build_array(encode(foundation.log_salt(s.salts, 1), 'hex'), '"' || l.principal || '"') end,
           'citizens', case when foundation.log_citizens(l) <@ own then
             jsonb_build_array(encode(foundation.log_salt(s.salts, 2), 'hex'), foundation.log_citizens_text(l)) end,
           'local', case when l.source is not null and not w.withheld then
             jsonb_build_array(encode(foundation.log_salt(s.salts, 4), 'hex'), foundation.log_local_text(l)) end,
           'resources', case when l.citizen = any(own) and l.resources <> '{}' then
             jsonb_build_array(encode(foundation.log_salt(s.salts, 3), 'hex'), foundation.log_resources_text(l)) end))
  from unnest(own) k(citizen) join foundation.log_entry e on e.citizen = k.citizen
  cross join lateral unnest(e.positions, e.events) with ordinality o(place, row_id, nth)
  left join lateral (
    select r as l, foundation.log_salts((
             select x.secret from foundation.log_secret x where x.first <= o.place order by x.first desc limit 1), o.row_id) as salts
    from trust.logged(e.citizen, o.row_id) r offset 0) s on true
  cross join lateral (select (s.l).*) l
  cross join lateral (
    select l.kind = 2 and exists (
      select from registries.organisation x where x.key = l.organisation and x.places && hidden) as withheld) w
  order by 1, 2;
end $$;

-- Where the map has the citizen, and what stands beside: hashes.
create function trust.own_map(asker fhir.ask) returns table (citizen bigint, bucket int, map_key bytea, counter bigint, head bytea, own boolean)
language sql stable security definer set search_path = trust, pg_temp as $$
  select case when c.citizen = any(k.keys) then c.citizen end, c.bucket, c.map_key, c.counter, c.head, c.citizen = any(k.keys)
  from (select trust.own_keys(asker) as keys) k
  join foundation.log_chain c on c.bucket in (select x.bucket from foundation.log_chain x where x.citizen = any(k.keys))
  where trust.proof_is_wanted(asker)
$$;
create function trust.log_map_rows(numbers int[]) returns table (number int, nodes bytea)
language sql stable security definer set search_path = trust, pg_temp as $$
  select m.number, m.nodes from foundation.log_map m where m.number = any(numbers)
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'trust'::regnamespace
                   and p.proname in ('want_proof', 'own_proof', 'own_map', 'log_map_rows') loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
