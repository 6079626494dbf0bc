-- Phase: pre. Sources deliver what their own logs say, and say what they sent; older code neither reads nor writes any of this.

-- What a source says that it sent: of which time, how many events, and a digest of what it calls them.
create table trust.log_manifest (
  id uuid primary key,
  source bigint not null,
  since timestamptz not null,
  until timestamptz not null,
  events int not null,
  digest bytea not null,            -- SHA-256 of the local ids in order (bytes), each on a line of its own
  told_at timestamptz not null,
  unique (source, since, until)
);
alter table trust.log_manifest owner to helhed_trust;

-- An event about somebody who is not registered here yet is found once they are, by the number that the source wrote.
create index access_log_unattached on foundation.access_log ((local->>'patient')) where source is not null and citizen is null;

-- Take in events of a source's own log, each at most once; answers what became of each: where it stands and since when, or why
-- it was refused. A source delivers for itself and what is beneath it, about staff of its own, and names rows of that citizen.
create function trust.deliver_log(asker fhir.ask, events jsonb)
returns table (n int, id bigint, taken_at timestamptz, outcome text) language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one record;
  allowed boolean := asker.kind = 3 and coalesce((select s.active from fhir.footing_of(asker) s), false);
  citizen_key bigint;
  keys bigint[];
  taken record;
begin
  for one in select * from jsonb_to_recordset(events) as e(
    n int, local_id text, digest text, moment timestamptz, organisation bigint, kind smallint, actor bigint, local_actor bigint, role text,
    action smallint, permitted boolean, purpose smallint, patient text, type smallint, resources uuid[], late boolean, local jsonb)
    order by e.local_id collate "C"  -- two that deliver the same wait for each other in one order
  loop
    select array_agg(distinct p.citizen) into keys from (
      select i.citizen from registries.citizen_identifier i where i.system || '|' || i.value = one.patient
        and i.system = split_part(one.patient, '|', 1) and i.value = split_part(one.patient, '|', 2)
      union select c.key from registries.citizen c where 'Patient/' || c.patient = one.patient and c.key = fhir.key(c.patient)
        and c.key = case when one.patient like 'Patient/%' then fhir.key(substr(one.patient, 9)::uuid) end) p;
    citizen_key := case when cardinality(keys) = 1 or keys <@ trust.keys_of(keys[1:1]) then keys[1] end;
    n := one.n;
    if not allowed or not exists (select from registries.organisation o where o.key = one.organisation and asker.organisation = any(o.places)) then
      insert into foundation.access_log
        (at, kind, actor, organisation, role, client, purpose, action, permitted, citizen, resources, versions, trace)
      values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 91, false, citizen_key, '{}',
              '{}', asker.trace);
      id := null;
      outcome := 'not-yours';
      return next;
      continue;
    end if;
    insert into foundation.access_log as l
      (at, kind, actor, organisation, role, client, purpose, action, permitted, citizen, type, resources, versions, trace, source, local_id,
       occurred_at, local)
    values (
      asker.at, one.kind,
      case when one.kind <> 2 then one.organisation
           when exists (select from trust.employment x join registries.organisation o on o.key = x.organisation
                        where x.professional = one.actor and asker.organisation = any(o.places)) then one.actor
           else one.local_actor end,
      one.organisation, one.role, asker.client, one.purpose, one.action, one.permitted, citizen_key, one.type,
      array(select u from unnest(one.resources) u join fhir.resource r on r.bucket = fhir.bucket(u) and r.id = u
            where r.citizen = any(trust.keys_of(array[citizen_key]))), '{}', asker.trace, asker.organisation, one.local_id, one.moment,
      one.local || jsonb_build_object('digest', one.digest, 'late', one.late)
        || case when citizen_key is null then jsonb_build_object('patient', one.patient) else '{}' end)
    on conflict (source, local_id) where source is not null do nothing
    returning l.id, l.at into taken;
    if not found then
      select l.id, l.at, l.local->>'digest' = one.digest as same into taken
        from foundation.access_log l where l.source = asker.organisation and l.local_id = one.local_id;
      id := taken.id;
      taken_at := taken.at;
      outcome := case when taken.same then 'known' else 'another' end;
    else
      id := taken.id;
      taken_at := taken.at;
      outcome := 'taken';
    end if;
    return next;
  end loop;
end $$;

-- What a source says that it sent of a time; said again of the same time, the later word counts.
create function trust.tell_manifest(asker fhir.ask, manifest uuid, from_moment timestamptz, to_moment timestamptz, how_many int, of_digest bytea)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare allowed boolean := asker.kind = 3 and coalesce((select s.active from fhir.footing_of(asker) s), false);
begin
  perform trust.note(asker, 91::smallint, null, case when allowed then 5::smallint end, manifest);
  if allowed then
    insert into trust.log_manifest values (manifest, asker.organisation, from_moment, to_moment, how_many, of_digest, asker.at)
    on conflict (source, since, until) do update set events = excluded.events, digest = excluded.digest, told_at = excluded.told_at;
  end if;
  return allowed;
end $$;

-- What is here of a source's time, as a manifest says it.
create function trust.delivered_between(of_source bigint, from_moment timestamptz, to_moment timestamptz, out events int, out digest bytea)
language sql stable as $$
  select count(*)::int, sha256(convert_to(coalesce(string_agg(l.local_id, E'\n' order by l.local_id collate "C"), ''), 'UTF8'))
  from foundation.access_log l
  where l.source = of_source and l.occurred_at >= from_moment and l.occurred_at < to_moment
$$;
alter function trust.delivered_between(bigint, timestamptz, timestamptz) owner to helhed_trust;
create index access_log_occurred on foundation.access_log (source, occurred_at) where source is not null;

-- How whole each source's log is: up to when everything that it says it sent is here, and what is missing. For whoever keeps
-- the network running all of them, for a log keeper or a source the own, for a citizen those of the places that they meet.
create function trust.log_sources(asker fhir.ask)
returns table (source bigint, name text, whole_until timestamptz, told_until timestamptz, last_taken timestamptz, said bigint, here bigint,
               gaps jsonb, late bigint)
language plpgsql stable security definer set search_path = trust, pg_temp as $$
declare
  stand boolean := coalesce((select s.active from fhir.footing_of(asker) s), false);
  own bigint[] := trust.own_keys(asker);
begin
  return query
  with known as (
    select m.source from trust.log_manifest m union select l.source from foundation.access_log l where l.source is not null
  ), mine as (
    select k.source from known k where case
      when asker.kind = 1 then exists (
        select from trust.relation t join registries.organisation o on o.key = t.organisation
        where t.citizen = any(own) and k.source = any(o.places)) or exists (
        select from foundation.access_log l join registries.organisation o on o.key = l.organisation
        where l.citizen = any(own) and k.source = any(o.places))
      when asker.kind = 2 then stand and (asker.role = 'operator' or (trust.keeps_log(asker) and exists (
        select from registries.organisation o where o.key = k.source and asker.organisation = any(o.places))))
      else stand and k.source = asker.organisation end
  ), held as (
    select m.*, d.events as found, d.digest = m.digest and d.events = m.events as whole
    from mine join trust.log_manifest m on m.source = mine.source
    cross join lateral trust.delivered_between(m.source, m.since, m.until) d
  )
  select k.source, o.name, coalesce((select min(h.since) from held h where h.source = k.source and not h.whole),
                                    (select max(h.until) from held h where h.source = k.source)),
         (select max(h.until) from held h where h.source = k.source),
         (select max(l.at) from foundation.access_log l where l.source = k.source),
         (select sum(h.events) from held h where h.source = k.source), (select sum(h.found) from held h where h.source = k.source),
         coalesce((select jsonb_agg(jsonb_build_object('since', h.since, 'until', h.until, 'said', h.events, 'here', h.found, 'told_at', h.told_at)
                                    order by h.since) from held h where h.source = k.source and not h.whole), '[]'),
         (select count(*) from foundation.access_log l where l.source = k.source and (l.local->>'late')::boolean)
  from mine k join registries.organisation o on o.key = k.source order by o.name;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('deliver_log', 'tell_manifest', 'log_sources')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
