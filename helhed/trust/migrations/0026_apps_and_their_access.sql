-- Phase: pre. Apps and systems that ask for tokens, what people allowed them, and what may be used once. New tables only: older
-- code knows demo tokens and goes on with them. Codes, refresh tokens and handles are kept as SHA-256, so a copy of a table opens nothing.

-- Whose word we take on software (RFC 7591, section 2.3): the operator's trust list.
create table trust.software_issuer (
  issuer text primary key,
  name text not null,
  keys jsonb not null,              -- a JWK Set
  trusted_at timestamptz not null,
  ended_at timestamptz not null default 'infinity'
);

create table trust.client (
  id text primary key,
  name text not null,
  profile text not null check (profile in ('fapi', 'smart')),
  kind text not null check (kind in ('public', 'confidential', 'system')),
  redirect_uris text[] not null,
  launch_uri text,
  keys jsonb,                       -- its public keys by value
  keys_uri text,                    -- or where it publishes them
  scope text not null,              -- the most it may be allowed
  organisation bigint,              -- whose it is; a system acts for this one
  bound boolean not null,           -- its tokens are bound to a key of its own (RFC 9449)
  introspects boolean not null default false,
  software_issuer text,
  registered_at timestamptz not null,
  ended_at timestamptz not null default 'infinity',
  check (kind <> 'system' or organisation is not null),
  check ((kind = 'public') = (keys is null and keys_uri is null)),
  check (profile <> 'fapi' or kind <> 'public')
);

-- A request for authorisation: pushed (RFC 9126) and then opened by a browser, or brought by the browser itself.
create table trust.authorisation_request (
  reference bytea primary key,      -- of the request_uri, or of the handle
  client text not null,
  parameters jsonb not null,
  expires_at timestamptz not null,
  handle bytea unique,              -- what its page knows it by, once it was opened
  answered_at timestamptz
);

-- What somebody allowed an app: the family of tokens that follow from it.
create table trust.authorisation (
  id uuid primary key,
  client text not null,
  kind smallint not null,
  actor bigint not null,
  organisation bigint,
  role text not null,
  scope text not null,
  patient uuid,                     -- the Patient that the app was opened with
  acr text not null,
  amr text[] not null,
  authenticated_at timestamptz not null,
  begun_at timestamptz not null,
  used_at timestamptz not null,
  valid_to timestamptz not null,
  ended_at timestamptz not null default 'infinity',
  ended_why text
);
create index authorisation_actor on trust.authorisation (actor, begun_at desc);

create table trust.authorisation_code (
  digest bytea primary key,
  authorisation uuid not null,
  parameters jsonb not null,        -- redirect_uri, challenge, nonce, key: what whoever redeems it has to fit
  expires_at timestamptz not null,
  used_at timestamptz
);

create table trust.refresh_token (
  digest bytea primary key,
  authorisation uuid not null,
  key text not null,                -- thumbprint of the key it is bound to; "" for none
  expires_at timestamptz not null,
  used_at timestamptz
);

-- What may be used once: assertions, proofs. Not before its time is up does a row go.
create table trust.used_once (digest bytea primary key, until timestamptz not null);
create index used_once_until on trust.used_once (until);

-- Access tokens that were revoked one by one, until they would have ended anyway.
create table trust.revoked_token (token uuid primary key, until timestamptz not null);

-- A record from which somebody opens an app (SMART App Launch 2.2, EHR launch).
create table trust.launch (
  handle bytea primary key,
  client text not null,
  actor bigint not null,
  organisation bigint,
  role text not null,
  patient uuid not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

-- --- clients ----------------------------------------------------------------------------------------------------------------

create function trust.client_named(wanted text, moment timestamptz) returns setof trust.client
language sql stable security definer set search_path = trust, pg_temp as $$
  select * from trust.client where id = wanted and registered_at <= moment and moment < ended_at
$$;

create function trust.software_issuer_named(wanted text, moment timestamptz) returns setof trust.software_issuer
language sql stable security definer set search_path = trust, pg_temp as $$
  select * from trust.software_issuer where issuer = wanted and trusted_at <= moment and moment < ended_at
$$;

-- A client whose software somebody of the trust list vouched for. No system: those the operator registers.
create function trust.register_client(client trust.client, moment timestamptz) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if client.kind = 'system' or not exists (select from trust.software_issuer_named(client.software_issuer, moment)) then
    return false;
  end if;
  client.registered_at := moment;
  client.ended_at := 'infinity';
  insert into trust.client select client.* on conflict do nothing;
  return found;
end $$;

create function trust.clients_to_open(moment timestamptz) returns setof trust.client
language sql stable security definer set search_path = trust, pg_temp as $$
  select * from trust.client where launch_uri is not null and registered_at <= moment and moment < ended_at order by name, id
$$;

-- --- once -------------------------------------------------------------------------------------------------------------------

-- Takes what may be used once; answers which were fresh. Concurrent takers wait for each other's row: one wins.
create function trust.take_once(digests bytea[], untils timestamptz[]) returns setof bytea
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.used_once (digest, until) select * from unnest(digests, untils) order by 1
  on conflict do nothing returning digest
$$;

-- --- requests ---------------------------------------------------------------------------------------------------------------

create function trust.push_request(named bytea, by_client text, asked jsonb, until timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.authorisation_request (reference, client, parameters, expires_at) values (named, by_client, asked, until)
$$;

-- A pushed request is opened once, by a browser that its own client sent.
create function trust.open_request(named bytea, by_client text, new_handle bytea, moment timestamptz, until timestamptz) returns jsonb
language sql security definer set search_path = trust, pg_temp as $$
  update trust.authorisation_request set handle = new_handle, expires_at = until
  where reference = named and client = by_client and handle is null and moment < expires_at returning parameters
$$;

create function trust.begin_request(new_handle bytea, by_client text, asked jsonb, until timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.authorisation_request (reference, client, parameters, expires_at, handle)
  values (new_handle, by_client, asked, until, new_handle)
$$;

create function trust.pending_request(wanted bytea, moment timestamptz) returns table (client text, parameters jsonb, expires_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select r.client, r.parameters, r.expires_at from trust.authorisation_request r
  where r.handle = wanted and r.answered_at is null and moment < r.expires_at
$$;

-- Whether it waited for an answer still; it has one now.
create function trust.answer_request(wanted bytea, moment timestamptz) returns boolean
language sql security definer set search_path = trust, pg_temp as $$
  with answered as (
    update trust.authorisation_request set answered_at = moment
    where handle = wanted and answered_at is null and moment < expires_at returning 1)
  select exists (select from answered)
$$;

-- --- people and what they allow ----------------------------------------------------------------------------------------------

-- An identifier of a public directory entry (a professional's authorisation, an organisation's SOR number), by its system.
create function trust.identifier_of(entry uuid, wanted text) returns text language sql stable as $$
  select i ->> 'value'
  from fhir.resource r,
       jsonb_array_elements(coalesce(convert_from(r.body, 'UTF8')::jsonb -> 'identifier', '[]')) i
  where r.bucket = fhir.bucket(entry) and r.id = entry and not r.deleted
    and i ->> 'system' = wanted limit 1
$$;

-- Who an asker is in the world: ids, and whether a professional's job holds now.
create function trust.standing_of(asker fhir.ask)
returns table (active boolean, subject uuid, organisation_id uuid, principal uuid, authorisation text, sor text)
language sql stable security definer set search_path = trust, pg_temp as $$
  select case asker.kind when 1 then c.patient is not null else coalesce(s.active, false) end,
         case asker.kind when 1 then c.patient when 2 then p.id else o.id end, o.id,
         (select b.id from registries.professional b where b.key = s.principal),
         trust.identifier_of(p.id, 'https://autregweb.sst.dk'), trust.identifier_of(o.id, 'urn:oid:1.2.208.176.1.1')
  from (select 1) one
  left join lateral fhir.footing_of(asker) s on true
  left join registries.citizen c on asker.kind = 1 and c.key = asker.actor
  left join registries.professional p on asker.kind = 2 and p.key = asker.actor
  left join registries.organisation o on o.key = asker.organisation
$$;

-- Somebody allows an app what it asked for, or less. The request is answered with it, once. False when it no longer waits, when a
-- professional's job no longer holds, or when they may not see the patient that the app is to be opened with.
create function trust.allow_app(asker fhir.ask, wanted bytea, allowed trust.authorisation, code bytea, fits jsonb, code_until timestamptz,
                                patient_type smallint)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  about bigint := case when asker.kind = 1 then asker.actor else fhir.key(allowed.patient) end;
  given smallint := case when asker.kind = 1 or allowed.patient is null then 1::smallint else trust.may_see(asker, about, patient_type) end;
begin
  if given is null or (asker.kind = 1 and fhir.key(allowed.patient) <> asker.actor)
     or not (select s.active from trust.standing_of(asker) s) or not trust.answer_request(wanted, asker.at) then
    perform trust.note(asker, 60::smallint, about, null, allowed.id);
    return false;
  end if;
  allowed.ended_at := 'infinity';
  insert into trust.authorisation select allowed.*;
  insert into trust.authorisation_code values (code, allowed.id, fits, code_until, null);
  perform trust.note(asker, 60::smallint, about, given, allowed.id);
  if asker.kind = 1 then
    perform trust.tell(asker.actor, asker.at, 'app-allowed', allowed.id, null, null);
  end if;
  return true;
end $$;

create function trust.end_authorisation(wanted uuid, why text, moment timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  update trust.authorisation set ended_at = moment, ended_why = why where id = wanted and ended_at = 'infinity'
$$;

-- Apps that the asker allowed something that holds still.
create function trust.apps_of(asker fhir.ask) returns table (id uuid, client text, name text, scope text, patient uuid, begun_at timestamptz,
                                                             used_at timestamptz, valid_to timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select a.id, a.client, c.name, a.scope, a.patient, a.begun_at, a.used_at, a.valid_to
  from trust.authorisation a join trust.client c on c.id = a.client
  where a.kind = asker.kind and a.actor = asker.actor and asker.at < least(a.ended_at, a.valid_to)
  order by a.begun_at desc, a.id
$$;

create function trust.end_app(asker fhir.ask, wanted uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  own boolean := exists (select from trust.apps_of(asker) a where a.id = wanted);
begin
  if own then
    perform trust.end_authorisation(wanted, 'by the person', asker.at);
  end if;
  perform trust.note(asker, 61::smallint, case when asker.kind = 1 then asker.actor end,
                     case when own then 1::smallint end, wanted);
  return own;
end $$;

-- --- codes and refresh tokens ------------------------------------------------------------------------------------------------

-- A code is redeemed once, by the client it was made for. Who comes with it again ends what was given for it.
create function trust.redeem_code(wanted bytea, by_client text, moment timestamptz)
returns table (fits jsonb, allowed trust.authorisation) language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  found_code trust.authorisation_code;
  found_allowed trust.authorisation;
begin
  select c.* into found_code from trust.authorisation_code c where c.digest = wanted for update;
  select a.* into found_allowed from trust.authorisation a where a.id = found_code.authorisation and a.client = by_client;
  if found_allowed.id is null then
    return;
  end if;
  if found_code.used_at is not null then
    perform trust.end_authorisation(found_allowed.id, 'the code came twice', moment);
    return;
  end if;
  update trust.authorisation_code set used_at = moment where digest = wanted;
  if moment < found_code.expires_at and moment < least(found_allowed.ended_at, found_allowed.valid_to) then
    return query select found_code.parameters, found_allowed;
  end if;
end $$;

create function trust.put_refresh_token(new_digest bytea, of_authorisation uuid, bound_to text, until timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.refresh_token (digest, authorisation, key, expires_at) values (new_digest, of_authorisation, bound_to, until)
$$;

-- One refresh token takes the place of another. Who comes with one that was used ends the family: one of the two who have it stole it.
create function trust.rotate_refresh_token(old_digest bytea, new_digest bytea, by_client text, bound_to text, moment timestamptz)
returns setof trust.authorisation language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  old trust.refresh_token;
  allowed trust.authorisation;
begin
  select t.* into old from trust.refresh_token t where t.digest = old_digest for update;
  select a.* into allowed from trust.authorisation a where a.id = old.authorisation and a.client = by_client;
  if allowed.id is null then
    return;
  end if;
  if old.used_at is not null then
    perform trust.end_authorisation(allowed.id, 'a refresh token came twice', moment);
    return;
  end if;
  if old.key <> bound_to or moment >= least(old.expires_at, allowed.ended_at, allowed.valid_to) then
    return;
  end if;
  update trust.refresh_token set used_at = moment where digest = old_digest;
  insert into trust.refresh_token values (new_digest, allowed.id, bound_to, old.expires_at, null);
  update trust.authorisation set used_at = moment where id = allowed.id;
  return next allowed;
end $$;

create function trust.refresh_token_of(wanted bytea, by_client text, moment timestamptz)
returns table (authorisation uuid, scope text, expires_at timestamptz) language sql stable security definer set search_path = trust, pg_temp as $$
  select a.id, a.scope, least(t.expires_at, a.valid_to)
  from trust.refresh_token t join trust.authorisation a on a.id = t.authorisation
  where t.digest = wanted and a.client = by_client and t.used_at is null and moment < least(t.expires_at, a.ended_at, a.valid_to)
$$;

-- Whom a refresh token was given to, used up or not.
create function trust.client_given_refresh_token(wanted bytea, moment timestamptz) returns setof trust.client
language sql stable security definer set search_path = trust, pg_temp as $$
  select c.* from trust.refresh_token t
  join trust.authorisation a on a.id = t.authorisation
  join trust.client c on c.id = a.client and c.registered_at <= moment and moment < c.ended_at
  where t.digest = wanted
$$;

create function trust.revoke_token(wanted uuid, ends timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.revoked_token (token, until) values (wanted, ends) on conflict do nothing
$$;

-- Which of these access tokens hold now: the client, what was allowed, and the token itself. Read before every look by a token.
create function trust.tokens_hold(tokens uuid[], clients text[], authorisations uuid[], issuers text[], places text[], begun timestamptz[], moment timestamptz)
returns setof boolean language plpgsql stable security definer set search_path = trust, pg_temp as $$
begin
  return query select not exists (select from trust.revoked_token r where r.token = q.token)
    and exists (select from trust.client c where c.id = q.client and moment < c.ended_at)
    and (q.authorisation is null or exists (
      select from trust.authorisation a where a.id = q.authorisation and moment < least(a.ended_at, a.valid_to)))
    and (q.issuer is null or trust.exchange_holds(q.issuer, q.client, q.place, q.begun, moment))
  from unnest(tokens, clients, authorisations, issuers, places, begun) with ordinality as q(token, client, authorisation, issuer, place, begun, n)
  order by q.n;
end $$;

-- --- launches ---------------------------------------------------------------------------------------------------------------

-- A professional opens an app from a record that they may see now. False when they may not.
create function trust.launch_app(asker fhir.ask, new_handle bytea, for_client text, with_patient uuid, until timestamptz, patient_type smallint)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  basis smallint := trust.may_see(asker, fhir.key(with_patient), patient_type);
begin
  if not exists (select from trust.client c where c.id = for_client and c.launch_uri is not null and asker.at < c.ended_at) then
    basis := null;
  end if;
  perform trust.note(asker, 62::smallint, fhir.key(with_patient), basis, with_patient);
  if basis is null then
    return false;
  end if;
  insert into trust.launch (handle, client, actor, organisation, role, patient, expires_at)
  values (new_handle, for_client, asker.actor, asker.organisation, asker.role, with_patient, until);
  return true;
end $$;

-- The record an app was opened from: for the person who opened it, in the app they opened it in.
create function trust.launched_with(asker fhir.ask, wanted bytea, by_client text) returns uuid
language sql stable security definer set search_path = trust, pg_temp as $$
  select patient from trust.launch
  where handle = wanted and client = by_client and actor = asker.actor and organisation is not distinct from asker.organisation
    and role = asker.role and used_at is null and asker.at < expires_at
$$;

-- The same, once.
create function trust.take_launch(asker fhir.ask, wanted bytea, by_client text) returns uuid
language sql security definer set search_path = trust, pg_temp as $$
  update trust.launch set used_at = asker.at
  where handle = wanted and used_at is null and trust.launched_with(asker, wanted, by_client) is not null returning patient
$$;

-- Whether the asker comes through an app: one that is registered, whatever became of it since. What opens a record is no app's to do.
create function trust.is_app(asker fhir.ask) returns boolean language sql stable as $$
  select exists (select from trust.client c where c.id = asker.client)
$$;

-- That an app tried, in the citizen's log.
create function trust.refuse_opening(asker fhir.ask, action smallint, about uuid) returns void
language sql security definer set search_path = trust, pg_temp as $$
  select trust.note(asker, action, asker.actor, null, about) where asker.kind = 1
$$;

-- --- afterwards -------------------------------------------------------------------------------------------------------------

-- Lets go of what can be used no more.
create function trust.forget_used(moment timestamptz) returns void
language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.used_once where until < moment;
  delete from trust.revoked_token where until < moment;
  delete from trust.authorisation_request where expires_at < moment - interval '1 hour';
  delete from trust.authorisation_code where expires_at < moment - interval '1 day';
  delete from trust.launch where expires_at < moment - interval '1 day';
  delete from trust.refresh_token where expires_at < moment;
$$;

do $$
declare
  name text;
  signature regprocedure;
begin
  foreach name in array array['software_issuer', 'client', 'authorisation_request', 'authorisation', 'authorisation_code', 'refresh_token',
                              'used_once', 'revoked_token', 'launch'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
  foreach signature in array array[
    'trust.client_named(text, timestamptz)', 'trust.software_issuer_named(text, timestamptz)',
    'trust.register_client(trust.client, timestamptz)', 'trust.clients_to_open(timestamptz)', 'trust.client_given_refresh_token(bytea, timestamptz)', 'trust.take_once(bytea[], timestamptz[])',
    'trust.push_request(bytea, text, jsonb, timestamptz)', 'trust.open_request(bytea, text, bytea, timestamptz, timestamptz)',
    'trust.begin_request(bytea, text, jsonb, timestamptz)', 'trust.pending_request(bytea, timestamptz)',
    'trust.answer_request(bytea, timestamptz)', 'trust.standing_of(fhir.ask)', 'trust.identifier_of(uuid, text)',
    'trust.allow_app(fhir.ask, bytea, trust.authorisation, bytea, jsonb, timestamptz, smallint)',
    'trust.end_authorisation(uuid, text, timestamptz)', 'trust.apps_of(fhir.ask)', 'trust.end_app(fhir.ask, uuid)',
    'trust.redeem_code(bytea, text, timestamptz)', 'trust.put_refresh_token(bytea, uuid, text, timestamptz)',
    'trust.rotate_refresh_token(bytea, bytea, text, text, timestamptz)', 'trust.refresh_token_of(bytea, text, timestamptz)',
    'trust.revoke_token(uuid, timestamptz)', 'trust.tokens_hold(uuid[], text[], uuid[], text[], text[], timestamptz[], timestamptz)',
    'trust.launch_app(fhir.ask, bytea, text, uuid, timestamptz, smallint)', 'trust.launched_with(fhir.ask, bytea, text)', 'trust.take_launch(fhir.ask, bytea, text)',
    'trust.is_app(fhir.ask)', 'trust.refuse_opening(fhir.ask, smallint, uuid)', 'trust.forget_used(timestamptz)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature not in ('trust.identifier_of(uuid, text)'::regprocedure, 'trust.is_app(fhir.ask)'::regprocedure) then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
