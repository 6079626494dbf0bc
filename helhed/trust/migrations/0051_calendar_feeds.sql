-- Phase: pre. Links by which a calendar program fetches a citizen's appointments, and notices some days before one. New table and
-- functions only; older code serves no link and writes no such notice.

-- A link: the secret in its address is kept as its SHA-256. It permits nothing by itself: each fetch is its holder's ask, decided anew.
create table trust.calendar_feed (
  id uuid primary key,
  secret bytea not null unique check (length(secret) = 32),
  holder bigint not null,            -- the citizen who made it
  subject bigint not null,           -- whose appointments it has
  detail text not null check (detail in ('time', 'address', 'full')),
  language text not null,
  made_at timestamptz not null,
  ended_at timestamptz not null default 'infinity',
  fetched_at timestamptz,
  window_at timestamptz not null default '-infinity',  -- since when fetches are counted
  fetches int not null default 0
);
create index calendar_feed_holder on trust.calendar_feed (holder);
create index calendar_feed_subject on trust.calendar_feed (subject);
alter table trust.calendar_feed owner to helhed_trust;
create trigger only_proven before insert or delete or update of secret, holder, subject, detail, made_at, ended_at on trust.calendar_feed
  for each statement execute function foundation.only_proven('person');

-- Whether somebody of these keys is registered as dead. Where it was registered wrongly, it is so no more from that correction on.
create function trust.has_died(keys bigint[]) returns boolean language sql stable as $$
  select exists (select from registries.citizen c where c.key = any(keys) and c.deceased)
$$;
alter function trust.has_died(bigint[]) owner to helhed_trust;
grant execute on function trust.has_died(bigint[]) to helhed_fhir, helhed_registries;

-- The holder's ask, now.
create function trust.ask_of_feed(f trust.calendar_feed, moment timestamptz, trace uuid) returns fhir.ask language sql immutable
return row(1::smallint, f.holder, null, '', 2::smallint, 'calendar-feed', null, '{}', moment, trace)::fhir.ask;

-- By which basis a citizen sees another's appointments, or their own.
create function trust.sees_appointments(asker fhir.ask, subject bigint) returns smallint language sql stable as $$
  select b.basis from fhir.footing_of(asker) s cross join lateral fhir.whole_basis(asker, s, subject, 5::smallint) b where asker.kind = 1
$$;

-- What keeps a link from being made; null when it is.
create function trust.make_feed(asker fhir.ask, feed uuid, hashed bytea, whose bigint, how_much text, words text, at_most int) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  found_basis smallint := trust.sees_appointments(asker, whose);
  problem text;
begin
  perform pg_advisory_xact_lock(hashtext('trust.calendar_feed'), hashtext(asker.actor::text));
  problem := case
    when found_basis is null then 'unknown'
    when (select count(*) from trust.calendar_feed f where f.holder = any(trust.own_keys(asker)) and f.ended_at > asker.at) >= at_most then 'many' end;
  perform trust.note(asker, 211::smallint, whose, case when problem is null then found_basis end, feed);
  if problem is null then
    insert into trust.calendar_feed (id, secret, holder, subject, detail, language, made_at)
    values (feed, hashed, asker.actor, whose, how_much, words, asker.at);
  end if;
  return problem;
end $$;

-- The asker's links, and those that others have to the asker's own calendar.
create function trust.own_feeds(asker fhir.ask)
returns table (id uuid, mine boolean, subject bigint, about_me boolean, other_name text, detail text, made_at timestamptz, fetched_at timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select f.id, f.holder = any(trust.own_keys(asker)), f.subject, f.subject = any(trust.own_keys(asker)),
         (select c.name from registries.citizen c where c.key = case when f.holder = any(trust.own_keys(asker)) then f.subject else f.holder end),
         f.detail, f.made_at, f.fetched_at
  from trust.calendar_feed f
  where asker.kind = 1 and f.ended_at > asker.at
    and (f.holder = any(trust.own_keys(asker)) or f.subject = any(trust.own_keys(asker)))
  order by f.made_at, f.id limit 100
$$;

-- From now on it is nobody's: by its holder, or by whom it is about. False when there is none.
create function trust.end_feed(asker fhir.ask, feed uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare about bigint;
begin
  update trust.calendar_feed f set ended_at = asker.at
  where asker.kind = 1 and f.id = feed and f.ended_at > asker.at and (f.holder = any(trust.own_keys(asker)) or f.subject = any(trust.own_keys(asker)))
  returning f.subject into about;
  if about is null then
    return false;
  end if;
  perform trust.note(asker, 212::smallint, about, 1::smallint, feed);
  return true;
end $$;

-- What somebody who has the secret may fetch: outcome is open, often (come later), or nothing at all. One whose holder sees the appointments
-- no more has ended: with a mandate, with custody at the birthday, with whatever it was by. The fetch itself is decided and logged when it reads.
create function trust.open_feed(hashed bytea, moment timestamptz, trace uuid, an_hour int)
returns table (outcome text, id uuid, holder bigint, subject bigint, detail text, language text)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  f trust.calendar_feed;
  often boolean;
begin
  select x.* into f from trust.calendar_feed x where x.secret = hashed and x.ended_at > moment for update;
  if f.id is null or trust.has_died(trust.keys_of(array[f.holder, f.subject])) then
    return;  -- of the dead it rests: a death that was registered wrongly ends no link
  end if;
  if trust.sees_appointments(trust.ask_of_feed(f, moment, trace), f.subject) is null then
    update trust.calendar_feed x set ended_at = moment where x.id = f.id;
    perform trust.note(trust.ask_of_feed(f, moment, trace), 212::smallint, f.subject, 1::smallint, f.id);
    return;
  end if;
  often := f.window_at > moment - interval '1 hour' and f.fetches >= an_hour;
  if not often then
    update trust.calendar_feed x set fetched_at = moment,
      window_at = case when f.window_at > moment - interval '1 hour' then f.window_at else moment end,
      fetches = case when f.window_at > moment - interval '1 hour' then f.fetches + 1 else 1 end
    where x.id = f.id;
  end if;
  return query select case when often then 'often' else 'open' end, f.id, f.holder, f.subject, f.detail, f.language;
end $$;

-- --- reminders ----------------------------------------------------------------------------------------------------------------

-- A citizen's own appointments that stand and begin in a period, as the citizen may see them. Only functions of trust call it.
create function fhir.standing_appointments(asker fhir.ask, since timestamptz, until timestamptz) returns table (id uuid, at timestamptz)
language sql stable security definer set search_path = fhir, pg_temp as $$
  select r.id, r.date_lo from fhir.footing_of(asker) s
  cross join lateral unnest(coalesce((select k.keys from fhir.key_set k where k.key = asker.actor), array[asker.actor])) own(key)
  cross join lateral (
    select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi from fhir.resource x
    where x.citizen = own.key and x.type = 5 and not x.deleted and x.date_lo >= since and x.date_lo < until) r
  cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) b
  where convert_from(r.body, 'UTF8')::jsonb ->> 'status' in ('booked', 'arrived', 'checked-in', 'pending')
$$;
alter function fhir.standing_appointments(fhir.ask, timestamptz, timestamptz) owner to helhed_fhir;
grant execute on function fhir.standing_appointments(fhir.ask, timestamptz, timestamptz) to helhed_trust;

-- Tells those who chose it that an appointment is near, once for each time it is given. What a clinician hid from the citizen is told of to
-- nobody. The notice says nothing but that there is one.
create function trust.remind_of_appointments(citizens bigint[], moment timestamptz, ahead interval) returns int
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one record;
  n int := 0;
begin
  for one in
    select c.citizen as whom, a.id, a.at from trust.notice_choice c
    cross join lateral fhir.standing_appointments(
      row(1::smallint, c.citizen, null, '', 2::smallint, 'reminder', null, '{}', moment, gen_random_uuid())::fhir.ask, moment, moment + ahead) a
    where c.kind = 'appointment-soon' and c.wanted and not trust.has_died(trust.keys_of(array[c.citizen])) and (citizens is null or c.citizen = any(citizens))
      and not exists (select from trust.notice t where t.citizen = c.citizen and t.kind = c.kind and t.about = md5('reminder ' || a.id || extract(epoch from a.at))::uuid)
  loop
    perform trust.tell(one.whom, moment, 'appointment-soon', md5('reminder ' || one.id || extract(epoch from one.at))::uuid, null, null);
    n := n + 1;
  end loop;
  return n;
end $$;

do $$
declare signature regprocedure;
begin
  foreach signature in array array['trust.ask_of_feed(trust.calendar_feed, timestamptz, uuid)', 'trust.sees_appointments(fhir.ask, bigint)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_trust', signature);
  end loop;
  foreach signature in array array[
    'trust.make_feed(fhir.ask, uuid, bytea, bigint, text, text, int)', 'trust.own_feeds(fhir.ask)', 'trust.end_feed(fhir.ask, uuid)',
    'trust.open_feed(bytea, timestamptz, uuid, int)', 'trust.remind_of_appointments(bigint[], timestamptz, interval)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
