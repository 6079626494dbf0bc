-- Phase: pre. The sources of the network: who stores here, who is asked when somebody looks, who sends messages. Older code knows none.

create table registries.source (
  id uuid primary key,
  organisation bigint not null,     -- whose rows they are: blocks of this origin hold for what it answers
  name text not null check (length(name) between 1 and 120),
  kind text not null,               -- helhed/registries/sources.py: SourceKind
  way text not null check (way in ('storing', 'live', 'messaging')),
  active boolean not null default true,
  types smallint[] not null,        -- the types of resources it holds
  withholds boolean not null default false,  -- it has blocks of its own, and may hold back without saying so
  keeper text not null check (length(keeper) between 1 and 200),  -- whom an operator calls when it is silent
  terms jsonb,                      -- of a live one: how it is asked (helhed/registries/sources.py: Terms)
  changed_at timestamptz not null,
  check ((way = 'live') = (terms is not null)),
  unique (organisation, kind)
);

-- How it has answered: all workers share it. While `closed_until` has not come nobody asks; then one tries, and the others wait for it.
create table registries.source_health (
  source uuid primary key references registries.source on delete cascade,
  answered_at timestamptz,
  failed_at timestamptz,
  failures int not null default 0,  -- one after the other
  reason text,                      -- of the last one, a word of helhed/record/live/faults.py
  closed_until timestamptz not null default '-infinity'
);

-- All of them, with how they have answered. Nothing of a citizen.
create function registries.sources() returns table (
  id uuid, organisation uuid, organisation_name text, name text, kind text, way text, active boolean, types smallint[], withholds boolean,
  keeper text, terms jsonb, changed_at timestamptz, last_received timestamptz, answered_at timestamptz, failed_at timestamptz, failures int,
  reason text, closed_until timestamptz)
language sql stable security definer set search_path = registries, pg_temp as $$
  select s.id, o.id, o.name, s.name, s.kind, s.way, s.active, s.types, s.withholds, s.keeper, s.terms, s.changed_at, o.last_received,
         h.answered_at, h.failed_at, coalesce(h.failures, 0), h.reason, coalesce(h.closed_until, '-infinity')
  from registries.source s join registries.organisation o on o.key = s.organisation left join registries.source_health h on h.source = s.id
  order by s.name, s.id
$$;

-- Pause a source, or go on: by somebody who runs the network. It is a row of the log that names nobody.
create function registries.switch_source(asker fhir.ask, source_id uuid, on_again boolean) returns boolean
language plpgsql security definer set search_path = registries, pg_temp as $$
declare done boolean;
begin
  update registries.source s set active = on_again, changed_at = asker.at where s.id = source_id and trust.keeps_running(asker);
  done := found;
  if done then
    update registries.source_health h set failures = 0, closed_until = '-infinity' where h.source = source_id;
  end if;
  insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 202, done, array[source_id], '{}', asker.trace);
  return done;
end $$;

-- It answered, or it did not: `rest` is for how long nobody asks once it has failed `most` times on end.
create function registries.note_source(source_id uuid, moment timestamptz, trouble text, most int, rest interval) returns void
language sql security definer set search_path = registries, pg_temp as $$
  insert into registries.source_health as h (source, answered_at, failed_at, failures, reason, closed_until)
  select s.id, case when trouble is null then moment end, case when trouble is not null then moment end, (trouble is not null)::int, trouble,
         case when trouble is not null and most <= 1 then moment + least(rest, interval '1 hour') else '-infinity' end
  from registries.source s where s.id = source_id
  on conflict (source) do update set
    answered_at = case when trouble is null then greatest(h.answered_at, moment) else h.answered_at end,
    failed_at = case when trouble is null then h.failed_at else greatest(h.failed_at, moment) end,
    failures = case when trouble is null then 0 else h.failures + 1 end,
    reason = coalesce(trouble, h.reason),
    closed_until = case when trouble is null then '-infinity' when h.failures + 1 >= most then greatest(h.closed_until, moment + least(rest, interval '1 hour')) else h.closed_until end
  where trouble is not null or h.failures > 0 or h.answered_at is null or h.answered_at < moment - interval '1 minute'
$$;

-- Who of ours is meant by identifiers that a source brings along: professionals and organisations, where exactly one has it.
create function registries.named_by(systems text[], numbers text[]) returns table (system text, value text, type text, id uuid)
language sql stable security definer set search_path = registries, pg_temp as $$
  select q.system, q.value, min(f.type), (array_agg(f.id))[1]
  from unnest(systems, numbers) q(system, value)
  cross join lateral (
    select 'Practitioner' as type, p.id from registries.professional_identifier i join registries.professional p on p.key = i.professional
    where i.system = q.system and i.value = q.value
    union
    select 'Organization', o.id from registries.organisation o where q.system = 'urn:oid:1.2.208.176.1.1' and o.sor = q.value) f
  group by q.system, q.value having count(*) = 1
$$;

-- Who is asked is told by the operator alone; whoever serves may pause, and go on, in somebody's name.
create trigger only_proven before insert or delete or update of organisation, name, kind, way, types, withholds, keeper, terms on registries.source
  for each statement execute function foundation.only_proven('operator');
create trigger only_proven before insert or delete or update of answered_at, failures, reason on registries.source_health
  for each statement execute function foundation.only_proven('store', 'person');
create trigger only_proven_switch before update of active on registries.source
  for each statement execute function foundation.only_proven('person');

do $$
declare signature regprocedure;
begin
  alter table registries.source owner to helhed_registries;
  alter table registries.source_health owner to helhed_registries;
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
    and p.proname in ('sources', 'switch_source', 'note_source', 'named_by') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
  grant select on registries.source to helhed_fhir;
  grant select, update on registries.source_health to helhed_fhir;
end $$;
