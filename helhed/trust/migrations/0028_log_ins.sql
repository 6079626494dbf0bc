-- Phase: pre. Log-ins: who somebody that another vouches for is here, where they work, and when somebody was logged in as them.
-- Older code logs in the demo's people as before, and notes nothing.
create table trust.log_in (
  id uuid primary key,
  at timestamptz not null,
  kind smallint not null,           -- foundation.ask.ActorKind
  actor bigint not null,
  organisation bigint,
  provider text not null,           -- who vouched; '' for a passkey of ours
  means text not null,              -- how it was proved
  device text not null,
  refused text not null             -- why not; '' when it was let in
);
create index log_in_actor on trust.log_in (kind, actor, at desc);
alter table trust.log_in owner to helhed_trust;

-- A log-in, or one that was refused of somebody known: for themselves to see, and in the log without a citizen.
create function trust.note_log_in(asker fhir.ask, log_in uuid, provider text, means text, device text, refused text) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.log_in (id, at, kind, actor, organisation, provider, means, device, refused)
  values (log_in, asker.at, asker.kind, asker.actor, asker.organisation, provider, means, device, refused);
  select trust.note(asker, 64::smallint, null, case when refused = '' then 1::smallint end, log_in)
$$;

create function trust.own_log_ins(asker fhir.ask, row_limit int) returns setof trust.log_in
language sql stable security definer set search_path = trust, pg_temp as $$
  select * from trust.log_in l where l.kind = asker.kind and l.actor = asker.actor order by l.at desc, l.id limit row_limit
$$;

-- The jobs, at a moment, of whoever is known by this number, at places that these SOR numbers or kinds of organisation stand above.
-- Null for both is every place.
create function trust.jobs_known_as(wanted_system text, wanted_value text, sors text[], kinds text[], moment timestamptz)
returns table (professional bigint, name text, organisation bigint, place text, role text)
language sql stable security definer set search_path = trust, pg_temp as $$
  select distinct e.professional, p.name, e.organisation, o.name, e.role
  from registries.professional_identifier i
  join registries.professional p on p.key = i.professional
  join trust.employment e on e.professional = i.professional and e.valid_from <= moment and moment < e.valid_to
  join registries.organisation o on o.key = e.organisation
  where i.system = wanted_system and i.value = wanted_value
    and (sors is null and kinds is null or exists (
      select from registries.organisation above
      where above.key = any(o.places) and (above.sor = any(coalesce(sors, '{}')) or above.kind = any(coalesce(kinds, '{}')))))
  order by o.name, e.role
$$;

-- The jobs of a professional now, beneath an organisation.
create function trust.jobs_beneath(professional_key bigint, top bigint, moment timestamptz)
returns table (professional bigint, name text, organisation bigint, place text, role text)
language sql stable security definer set search_path = trust, pg_temp as $$
  select distinct e.professional, p.name, e.organisation, o.name, e.role
  from trust.employment e
  join registries.professional p on p.key = e.professional
  join registries.organisation o on o.key = e.organisation and top = any(o.places)
  where e.professional = professional_key and e.valid_from <= moment and moment < e.valid_to
  order by o.name, e.role
$$;

-- Whether somebody works there as that, at this moment.
create function trust.works(professional_key bigint, organisation_key bigint, wanted_role text, moment timestamptz) returns boolean
language sql stable security definer set search_path = trust, pg_temp as $$
  select exists (select from trust.employment e where e.professional = professional_key and e.organisation = organisation_key
                   and e.role = wanted_role and e.valid_from <= moment and moment < e.valid_to)
$$;

do $$
declare signature text;
begin
  foreach signature in array array[
    'trust.note_log_in(fhir.ask, uuid, text, text, text, text)', 'trust.own_log_ins(fhir.ask, int)',
    'trust.jobs_known_as(text, text, text[], text[], timestamptz)', 'trust.jobs_beneath(bigint, bigint, timestamptz)',
    'trust.works(bigint, bigint, text, timestamptz)'] loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
