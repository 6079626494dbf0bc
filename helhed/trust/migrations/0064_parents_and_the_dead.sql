-- Phase: pre. A parent with whom a child lives whose name and address CPR protects, and one with whom it does not; paper for the dead; and
-- rows in the log of what citizens choose and look at beside the record. A column with a default and functions under their old signatures;
-- older code registers no shared home, and so opens no more than this does.

alter table trust.acting add column shares_home boolean not null default false;  -- as CPR says, when it was registered
grant select on registries.protected_citizen to helhed_trust, helhed_fhir;
do $$ begin  -- the room of work, made after this one, decides by the same functions; where it is already, it goes on while this runs
  if exists (select from pg_roles where rolname = 'helhed_work') then
    grant select on registries.protected_citizen to helhed_work;
  end if;
end $$;

-- Whether CPR protects name and address of somebody of these keys.
create function trust.is_protected(keys bigint[]) returns boolean language sql stable as $$
  select exists (select from registries.protected_citizen p where p.citizen = any(keys))
$$;
alter function trust.is_protected(bigint[]) owner to helhed_trust;
grant execute on function trust.is_protected(bigint[]) to helhed_fhir, helhed_registries;

-- Whether a basis is closed by the citizen's protection: that of a parent (custody, or a clinician's decision for a youth) with whom the
-- citizen does not live. Nearly every row says where a child is treated, so nothing is opened rather than a part.
create function trust.lives_apart(a trust.acting, keys bigint[]) returns boolean language sql stable as $$
  select a.basis in (9, 14) and not a.shares_home and trust.is_protected(keys)
$$;
alter function trust.lives_apart(trust.acting, bigint[]) owner to helhed_trust;
grant execute on function trust.lives_apart(trust.acting, bigint[]) to helhed_fhir, helhed_registries;

create or replace function trust.acting_basis(asker fhir.ask, keys bigint[], type_number smallint, origin_key bigint, row_id uuid, authors bigint[],
                                              contents uuid[], lo timestamptz, hi timestamptz, in_part boolean)
returns smallint language sql stable as $$
  select min(a.basis) from trust.acting a
  where a.citizen = any(keys) and a.actor = any(trust.keys_of(array[asker.actor])) and a.valid_from <= asker.at and asker.at < a.valid_to
    and not trust.has_died(keys) and not trust.has_died(trust.keys_of(array[asker.actor]))
    and not trust.lives_apart(a, keys)
    and (a.types is null or type_number = any(a.types))
    and not exists (
      select from trust.age_limit g
      cross join (select min(c.birth_date) as birth_date from registries.citizen c where c.key = any(keys)) c
      where g.basis = a.basis and not coalesce(asker.at < trust.birthday(c.birth_date, g.ends_at_age), false))
    and not (a.obeys_blocks and exists (
      select from trust.block b
      where b.citizen = any(keys) and b.valid_from <= asker.at and asker.at < b.valid_to
        and b.who_organisation is null and b.who_professional is null
        and trust.reaches(b, origin_key, row_id, authors, contents, lo, hi)))
    and trust.is_masked_in_part(keys, row_id, asker.at, false) = in_part
    and not trust.is_masked(keys, row_id, contents, asker.at, false)
$$;

-- The first moment at which somebody acts no longer, age, death and protection included. An unknown date of birth is no basis where age decides.
create or replace function trust.acting_ends(a trust.acting) returns timestamptz language sql stable as $$
  select case
    when trust.has_died(trust.keys_of(array[a.citizen, a.actor])) or trust.lives_apart(a, trust.keys_of(array[a.citizen])) then '-infinity'
    else least(a.valid_to, (
      select coalesce(trust.birthday(min(c.birth_date), g.ends_at_age), '-infinity')
      from trust.age_limit g left join registries.citizen c on c.key = any(trust.keys_of(array[a.citizen]))
      where g.basis = a.basis group by g.ends_at_age)) end
$$;

-- Somebody's name, as it is now; "" when CPR protects it and nothing stands between the two any more: they may have taken another.
create function trust.name_while(whose bigint, stands boolean) returns text language sql stable as $$
  select case when stands or not trust.is_protected(trust.keys_of(array[whose])) then (select c.name from registries.citizen c where c.key = whose) else '' end
$$;
alter function trust.name_while(bigint, boolean) owner to helhed_trust;

-- Everything between the asking citizen and others, in both directions: in force, over, and offered.
create or replace function trust.own_acting(asker fhir.ask)
returns table (id uuid, for_me boolean, other bigint, other_name text, basis smallint, scopes text[], obeys_blocks boolean, ground text,
               since timestamptz, until timestamptz, given_at timestamptz, given_kind smallint, given_by_name text, ended_at timestamptz,
               ended_by_me boolean, state text)
language sql stable security definer set search_path = trust, pg_temp as $$
  with own as materialized (select trust.own_keys(asker) as keys)
  select a.id, a.citizen = any(o.keys), case when a.citizen = any(o.keys) then a.actor else a.citizen end,
         trust.name_while(case when a.citizen = any(o.keys) then a.actor else a.citizen end, asker.at < trust.acting_ends(a)),
         a.basis, a.scopes, a.obeys_blocks, a.ground, a.valid_from, trust.acting_ends(a), a.given_at, a.given_kind,
         case a.given_kind when 2 then coalesce(trust.name_told(o.keys, a.given_by, a.given_in, asker.at),
                                             (select x.name from registries.organisation x where x.key = a.given_in))
                           when 3 then (select x.name from registries.organisation x where x.key = a.given_in) end,
         a.ended_at, a.ended_by = any(o.keys),
         case when asker.at >= trust.acting_ends(a) then 'ended' when asker.at < a.valid_from then 'coming' else 'holds' end
  from own o join trust.acting a on a.citizen = any(o.keys) or a.actor = any(o.keys)
  where asker.kind = 1
  union all
  select f.id, f.citizen = any(o.keys), case when f.citizen = any(o.keys) then f.actor else f.citizen end,
         trust.name_while(case when f.citizen = any(o.keys) then f.actor else f.citizen end, f.answer is null and asker.at < f.open_until),
         10::smallint, f.scopes, f.obeys_blocks, '', f.valid_from, f.valid_to, f.offered_at, 1::smallint, null, f.answered_at, null,
         coalesce(f.answer, case when asker.at < f.open_until then 'offered' else 'unanswered' end)
  from own o join trust.mandate_offer f on f.citizen = any(o.keys) or f.actor = any(o.keys)
  where asker.kind = 1 and f.answer is distinct from 'accepted'
  order by 14 nulls first, 11 desc nulls last, 1
$$;

-- Custody, a guardian or a proxy, and whether the child lives with them.
create function trust.register_acting(asker fhir.ask, acting uuid, number text, words text[], actor_number text, actor_words text[], given smallint,
                                      since timestamptz, until timestamptz, decision text, patient_type smallint, at_home boolean)
returns text language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  said text := trust.register_acting(asker, acting, number, words, actor_number, actor_words, given, since, until, decision, patient_type);
begin
  if said = 'registered' then
    update trust.acting a set shares_home = at_home and given = 9 where a.id = acting;
  end if;
  return said;
end $$;

-- Whether there is anybody to help or to write to.
create or replace function trust.helped(asker fhir.ask, about uuid) returns trust.help language sql stable as $$
  select h from trust.help h
  where h.id = about and h.helper = asker.actor and h.organisation = asker.organisation and h.begun_at <= asker.at and asker.at < h.ends_at
    and trust.has_duty(asker, 'help') and not trust.has_died(trust.keys_of(array[h.citizen]))
$$;

-- A letter to somebody who has died is neither printed nor sent, and comes again into the list when the death was registered wrongly.
create or replace function trust.letters(asker fhir.ask)
returns table (id uuid, citizen_name text, kind text, made_at timestamptz, printed_at timestamptz, sent_at timestamptz, contested_at timestamptz)
language sql security definer set search_path = trust, pg_temp as $$
  with found as materialized (
    select l.* from trust.letter l where trust.has_duty(asker, 'help') and l.organisation = asker.organisation
      and (l.sent_at is not null or not trust.has_died(trust.keys_of(array[l.citizen])))
    order by l.sent_at is not null, l.made_at desc, l.id limit 200
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 143, true, 1, f.citizen, '{}', '{}', asker.trace
    from found f group by f.citizen
  )
  select l.id, c.name, l.kind, l.made_at, l.printed_at, l.sent_at, (select h.contested_at from trust.help h where h.id = l.help)
  from found l join registries.citizen c on c.key = l.citizen
  order by l.sent_at is not null, l.made_at desc, l.id
$$;

create or replace function trust.print_letter(asker fhir.ask, letter uuid)
returns table (citizen_name text, kind text, said jsonb, made_at timestamptz, printed_at timestamptz, sent_at timestamptz)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  one trust.letter;
  stopped boolean;
begin
  select * into one from trust.letter l where l.id = letter and trust.has_duty(asker, 'help') and l.organisation = asker.organisation;
  if one.id is null then
    return;
  end if;
  stopped := one.sent_at is null and trust.has_died(trust.keys_of(array[one.citizen]));
  perform trust.note(asker, 87::smallint, one.citizen, case when not stopped then 1::smallint end, letter);
  if not stopped then
    return query select c.name, one.kind, one.said, one.made_at, one.printed_at, one.sent_at from registries.citizen c where c.key = one.citizen;
  end if;
end $$;

create or replace function trust.letter_printed(asker fhir.ask, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.letter l set printed_at = coalesce(l.printed_at, asker.at)
    where l.id = letter and trust.has_duty(asker, 'help') and l.organisation = asker.organisation
      and (l.sent_at is not null or not trust.has_died(trust.keys_of(array[l.citizen])));
  return found;
end $$;

create or replace function trust.send_letter(asker fhir.ask, letter uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.letter l set sent_at = asker.at, sent_by = asker.actor
    where l.id = letter and trust.has_duty(asker, 'help') and l.organisation = asker.organisation and l.sent_at is null and l.printed_at is not null
      and not trust.has_died(trust.keys_of(array[l.citizen]));
  return found;
end $$;

-- One refresh token takes the place of another; none of somebody who has died, however often an app comes with it. What was allowed, and the
-- token, stand as they were, for a death that was registered wrongly.
create or replace function trust.rotate_refresh_token(old_digest bytea, new_digest bytea, by_client text, bound_to text, moment timestamptz)
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
  if old.key <> bound_to or moment >= least(old.expires_at, allowed.ended_at, allowed.valid_to)
     or (allowed.kind = 1 and trust.has_died(trust.keys_of(array[allowed.actor]))) then
    return;
  end if;
  update trust.refresh_token set used_at = moment where digest = old_digest;
  insert into trust.refresh_token values (new_digest, allowed.id, bound_to, old.expires_at, null);
  update trust.authorisation set used_at = moment where id = allowed.id;
  return next allowed;
end $$;

create or replace function trust.refresh_token_of(wanted bytea, by_client text, moment timestamptz)
returns table (authorisation uuid, scope text, expires_at timestamptz) language sql stable security definer set search_path = trust, pg_temp as $$
  select a.id, a.scope, least(t.expires_at, a.valid_to)
  from trust.refresh_token t join trust.authorisation a on a.id = t.authorisation
  where t.digest = wanted and a.client = by_client and t.used_at is null and moment < least(t.expires_at, a.ended_at, a.valid_to)
    and not (a.kind = 1 and trust.has_died(trust.keys_of(array[a.actor])))
$$;

-- The asker's links, and those that others have to the asker's own calendar. A link to somebody else's calendar tells of that citizen, and
-- looking at it stands in their log, by the basis that opens their appointments or by none.
create or replace function trust.own_feeds(asker fhir.ask)
returns table (id uuid, mine boolean, subject bigint, about_me boolean, other_name text, detail text, made_at timestamptz, fetched_at timestamptz)
language plpgsql volatile security definer set search_path = trust, pg_temp as $$
#variable_conflict use_column
declare
  mine bigint[] := trust.own_keys(asker);
  one record;
begin
  if asker.kind <> 1 then
    return;
  end if;
  for one in
    select f.subject as whose, array_agg(f.id order by f.made_at, f.id) as links from trust.calendar_feed f
    where f.ended_at > asker.at and f.holder = any(mine) and not f.subject = any(mine) group by f.subject
  loop
    perform trust.note(asker, 226::smallint, one.whose, trust.sees_appointments(asker, one.whose), one.links[1]);
  end loop;
  return query
  select f.id, f.holder = any(mine), f.subject, f.subject = any(mine),
         case when f.subject = any(mine) or trust.sees_appointments(asker, f.subject) is not null then
           (select c.name from registries.citizen c where c.key = case when f.holder = any(mine) then f.subject else f.holder end) else '' end,
         f.detail, f.made_at, f.fetched_at
  from trust.calendar_feed f
  where f.ended_at > asker.at and (f.holder = any(mine) or f.subject = any(mine))
  order by f.made_at, f.id limit 100;
end $$;

-- As before; a way that is chosen, changed or left stands in the log of whoever chose it.
create or replace function trust.choose_way(asker fhir.ask, by_way text, to_address text, wanted boolean, code bytea, most_codes int) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
#variable_conflict use_variable
declare taken boolean;
begin
  if asker.kind <> 1 then
    return false;
  end if;
  insert into trust.notice_way as w (citizen, way, address, chosen_at, confirmed_at, code, wanted, codes, codes_since)
  values (asker.actor, by_way, to_address, asker.at, case when code is null and wanted then asker.at end, code, wanted, (code is not null)::int, asker.at)
  on conflict (citizen, way) do update set address = excluded.address, chosen_at = excluded.chosen_at, confirmed_at = excluded.confirmed_at,
    code = excluded.code, tries = 0, wanted = excluded.wanted,
    codes = excluded.codes + case when w.codes_since > asker.at - interval '1 day' then w.codes else 0 end,
    codes_since = case when w.codes_since > asker.at - interval '1 day' then w.codes_since else asker.at end
  where excluded.code is null or w.codes < most_codes or w.codes_since <= asker.at - interval '1 day';
  taken := found;
  perform trust.note(asker, 225::smallint, asker.actor, case when taken then 1::smallint end, asker.trace);
  return taken;
end $$;

-- As before; whether the code that came back was the right one stands in the log.
create or replace function trust.confirm_way(asker fhir.ask, by_way text, brought bytea) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare taken boolean;
begin
  update trust.notice_way w set tries = tries + 1 where asker.kind = 1 and w.citizen = asker.actor and w.way = by_way and w.code is not null and w.tries < 5;
  if not found then
    return false;
  end if;
  update trust.notice_way w set confirmed_at = asker.at, code = null
    where asker.kind = 1 and w.citizen = asker.actor and w.way = by_way and w.code = brought and w.chosen_at > asker.at - interval '1 day';
  taken := found;
  perform trust.note(asker, 225::smallint, asker.actor, case when taken then 1::smallint end, asker.trace);
  return taken;
end $$;

do $$
declare signature regprocedure := 'trust.register_acting(fhir.ask, uuid, text, text[], text, text[], smallint, timestamptz, timestamptz, text, smallint, boolean)';
begin
  execute format('alter function %s owner to helhed_trust', signature);
  execute format('revoke execute on function %s from public', signature);
  execute format('grant execute on function %s to helhed_app', signature);
end $$;

-- Open contacts and what places registered with an end far ahead, before such ends were bounded: from now on as if registered today.
update trust.relation r set valid_to = now() + interval '365 days' where r.class = 2 and r.valid_to > now() + interval '365 days';
