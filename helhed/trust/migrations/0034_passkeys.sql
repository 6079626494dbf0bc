-- Phase: pre. Passkeys of professionals, and the codes by which somebody who has no other way in gets their first; older code knows neither.
create table trust.passkey (
  id bytea primary key,             -- the credential id
  professional bigint not null,
  organisation bigint not null,     -- where it was made from: it lets in there and beneath, nowhere else
  public_key bytea not null,
  sign_count bigint not null,
  label text not null,
  made_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz
);
create index passkey_professional on trust.passkey (professional);
alter table trust.passkey owner to helhed_trust;

create table trust.passkey_invitation (
  code bytea primary key,           -- a keyed digest
  professional bigint not null,
  organisation bigint not null,
  invited_by bigint not null,
  until timestamptz not null,
  used_at timestamptz
);
alter table trust.passkey_invitation owner to helhed_trust;

-- A passkey of the asker's own, made while they are at work. False when they are not, or have as many as one may.
create function trust.add_passkey(asker fhir.ask, passkey bytea, key bytea, count bigint, label text, most int) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed boolean := asker.kind = 2 and coalesce((select s.active from fhir.footing_of(asker) s), false)
    and (select count(*) from trust.passkey p where p.professional = asker.actor and p.revoked_at is null) < most;
begin
  perform trust.note(asker, 65::smallint, null, case when allowed then 1::smallint end, gen_random_uuid());
  if not allowed then
    return false;
  end if;
  insert into trust.passkey (id, professional, organisation, public_key, sign_count, label, made_at)
  values (passkey, asker.actor, asker.organisation, key, add_passkey.count, add_passkey.label, asker.at) on conflict do nothing;
  return found;
end $$;

create function trust.own_passkeys(asker fhir.ask) returns setof trust.passkey
language sql stable security definer set search_path = trust, pg_temp as $$
  select * from trust.passkey p where asker.kind = 2 and p.professional = asker.actor and p.revoked_at is null order by p.made_at
$$;

create function trust.revoke_passkey(asker fhir.ask, passkey bytea) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  done boolean;
begin
  update trust.passkey p set revoked_at = asker.at
    where p.id = passkey and asker.kind = 2 and p.professional = asker.actor and p.revoked_at is null;
  done := found;
  perform trust.note(asker, 66::smallint, null, case when done then 1::smallint end, gen_random_uuid());
  return done;
end $$;

-- What a passkey's signature is checked with, and whose it is; nothing once it was revoked.
create function trust.passkey_of(passkey bytea) returns table (professional bigint, organisation bigint, public_key bytea)
language sql stable security definer set search_path = trust, pg_temp as $$
  select p.professional, p.organisation, p.public_key from trust.passkey p where p.id = passkey and p.revoked_at is null
$$;

-- It was used. False when its counter did not go up: somebody may have a copy, and it lets nobody in any more.
create function trust.passkey_used(passkey bytea, count bigint, moment timestamptz) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.passkey;
begin
  select * into old from trust.passkey p where p.id = passkey and p.revoked_at is null for update;
  if old.id is null then
    return false;
  end if;
  if count <= old.sign_count and (count <> 0 or old.sign_count <> 0) then
    update trust.passkey p set revoked_at = moment where p.id = passkey;
    return false;
  end if;
  update trust.passkey p set sign_count = count, used_at = moment where p.id = passkey;
  return true;
end $$;

-- Whose duty it is (the keeper of a place's records) invites somebody who works there or beneath, with a code that is told by hand.
create function trust.invite_to_passkey(asker fhir.ask, code bytea, colleague bigint, until timestamptz) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  place bigint := (
    select e.organisation from trust.employment e join registries.organisation o on o.key = e.organisation
    where e.professional = colleague and e.valid_from <= asker.at and asker.at < e.valid_to and asker.organisation = any(o.places)
    order by e.organisation limit 1);
  allowed boolean := trust.has_duty(asker, 'invite') and colleague <> asker.actor and place is not null;
begin
  perform trust.note(asker, 67::smallint, null, case when allowed then 1::smallint end, gen_random_uuid());
  if not allowed then
    return false;
  end if;
  insert into trust.passkey_invitation (code, professional, organisation, invited_by, until)
  values (code, colleague, place, asker.actor, invite_to_passkey.until);
  return true;
end $$;

create function trust.colleagues_to_invite(asker fhir.ask) returns table (professional bigint, name text, place text, role text)
language sql stable security definer set search_path = trust, pg_temp as $$
  select distinct j.professional, j.name, j.place, j.role
  from trust.employment e cross join lateral trust.jobs_beneath(e.professional, asker.organisation, asker.at) j
  where trust.has_duty(asker, 'invite') and e.professional <> asker.actor
    and e.organisation in (select o.key from registries.organisation o where asker.organisation = any(o.places))
  order by j.name
$$;

-- Whom a code invites, once.
create function trust.use_invitation(invitation bytea, moment timestamptz) returns table (professional bigint, organisation bigint)
language sql security definer set search_path = trust, pg_temp as $$
  update trust.passkey_invitation i set used_at = moment where i.code = invitation and i.used_at is null and moment < i.until
  returning i.professional, i.organisation
$$;

do $$
declare signature text;
begin
  foreach signature in array array[
    'trust.add_passkey(fhir.ask, bytea, bytea, bigint, text, int)', 'trust.own_passkeys(fhir.ask)', 'trust.revoke_passkey(fhir.ask, bytea)',
    'trust.passkey_of(bytea)', 'trust.passkey_used(bytea, bigint, timestamptz)', 'trust.colleagues_to_invite(fhir.ask)',
    'trust.invite_to_passkey(fhir.ask, bytea, bigint, timestamptz)', 'trust.use_invitation(bytea, timestamptz)'] loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
