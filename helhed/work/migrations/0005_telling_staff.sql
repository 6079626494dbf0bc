-- Phase: first. Staff who choose it are told by e-mail that work waits at their unit: a number, and nothing of whom or what. New tables that
-- older code does not know.

-- Where somebody wants to be told of one unit's work, and when they were. An address counts once a code that was sent there came back.
create table work.staff_way (
  professional bigint not null,
  organisation bigint not null,     -- the unit whose queue it is
  role text not null,               -- in which they work there
  address text not null,
  chosen_at timestamptz not null,
  confirmed_at timestamptz,         -- from then on it is used
  code bytea,                       -- SHA-256 of what was sent to the address
  tries smallint not null default 0,
  codes smallint not null,          -- how many were sent since then
  codes_since timestamptz not null,
  digest boolean not null,          -- once a day
  overdue boolean not null,         -- as soon as something is late
  digest_told timestamptz not null, -- until when they have been told
  overdue_told timestamptz not null,
  attempts smallint not null default 0,
  next_at timestamptz not null,     -- a mail that is under way, or did not go, is tried again then
  primary key (professional, organisation)
);
create index staff_way_next on work.staff_way (next_at) where confirmed_at is not null;
alter table work.staff_way owner to helhed_work;
create trigger only_proven before insert or update or delete on work.staff_way for each statement execute function foundation.only_proven('person');

-- What the asker chose for the unit they act from.
create function work.own_staff_way(asker fhir.ask) returns table (address text, confirmed boolean, digest boolean, overdue boolean)
language sql stable security definer set search_path = work, pg_temp as $$
  select w.address, w.confirmed_at is not null, w.digest, w.overdue from fhir.footing_of(asker) s cross join work.staff_way w
  where asker.kind = 2 and s.active and w.professional = asker.actor and w.organisation = asker.organisation and w.address <> ''
$$;

-- From now on to this address, once the code has come back. False for who does not work there now, and when enough codes went out within a day.
-- An address that is left ('') keeps nothing but how many codes went out.
create function work.choose_staff_way(asker fhir.ask, to_address text, code bytea, by_day boolean, when_late boolean, most_codes int) returns boolean
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_variable
begin
  if asker.kind <> 2 or to_address <> '' and not exists (select from fhir.footing_of(asker) s where s.active) then
    return false;
  end if;
  insert into work.staff_way as w (professional, organisation, role, address, chosen_at, code, codes, codes_since, digest, overdue, digest_told, overdue_told, next_at)
  values (asker.actor, asker.organisation, asker.role, to_address, asker.at, code, (code is not null)::int, asker.at, by_day, when_late, asker.at, asker.at, asker.at)
  on conflict (professional, organisation) do update set role = excluded.role, address = excluded.address, chosen_at = excluded.chosen_at,
    confirmed_at = null, code = excluded.code, tries = 0, digest = excluded.digest, overdue = excluded.overdue, attempts = 0, next_at = excluded.next_at,
    codes = excluded.codes + case when w.codes_since > asker.at - interval '1 day' then w.codes else 0 end,
    codes_since = case when w.codes_since > asker.at - interval '1 day' then w.codes_since else asker.at end
  where excluded.code is null or w.codes < most_codes or w.codes_since <= asker.at - interval '1 day';
  return found;
end $$;

-- Whether the code that came back is the one that was sent, within a day and at the fifth try at the latest. What was late before is not told.
create function work.confirm_staff_way(asker fhir.ask, brought bytea) returns boolean
language plpgsql security definer set search_path = work, pg_temp as $$
begin
  update work.staff_way w set tries = tries + 1
  where asker.kind = 2 and exists (select from fhir.footing_of(asker) s where s.active) and w.professional = asker.actor and w.organisation = asker.organisation and w.code is not null and w.tries < 5;
  if not found then
    return false;
  end if;
  update work.staff_way w set confirmed_at = asker.at, code = null, digest_told = asker.at, overdue_told = asker.at
  where w.professional = asker.actor and w.organisation = asker.organisation and w.code = brought and w.chosen_at > asker.at - interval '1 day';
  return found;
end $$;

-- How much waits at a unit that somebody there may see, by the decision of every read: theirs to move or told to them, and what of it is late;
-- newly: late since a moment. Numbers alone, for whoever may see what they count; nobody's look is made. At most so many are counted.
create function work.waits_at(person bigint, unit bigint, as_role text, moment timestamptz, since timestamptz, most int)
returns table (pieces int, late int, newly int) language sql stable as $$
  with page as (
    select p.deadline_at, p.deadline_at <= moment and p.deadline_at > since
             or p.escalated_to = unit and exists (select from work.move m where m.task = p.task and m.what = 'escalated' and m.to_unit = unit and m.at > since) as fresh
    from (select row(2, person, unit, as_role, 1, 'helhed', null, null, moment, '00000000-0000-0000-0000-000000000000')::fhir.ask as ask) a
    cross join lateral fhir.footing_of(a.ask) s
    join lateral (select x.task from work.piece x where x.asked = unit and not x.over
                  union select x.task from work.piece x where x.escalated_to = unit and not x.over) own on true
    join work.piece p on p.task = own.task
    cross join lateral (select y.* from fhir.resource y where y.bucket = fhir.bucket(p.task) and y.id = p.task and not y.deleted offset 0) r
    cross join lateral fhir.basis(a.ask, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where s.active order by fresh desc limit most
  )
  select count(*)::int, (count(*) filter (where deadline_at <= moment))::int, (count(*) filter (where fresh))::int from page
$$;

-- Takes up those who are to be told: of the day, when its hour has passed, and of what has become late since they were told, not more often than
-- quiet. Marked before anything leaves; a worker that dies has it sent again after the lease. Whom nothing waits for is told nothing.
create function work.claim_staff_mail(moment timestamptz, lease interval, digest_at timestamptz, quiet interval, most int, at_once int)
returns table (professional bigint, organisation bigint, address text, pieces int, late int, attempts int, since timestamptz)
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_column
declare
  one work.staff_way;
  waits record;
  of_day boolean;
begin
  for one in select * from work.staff_way w where w.confirmed_at is not null and w.next_at <= moment
      and (w.digest and w.digest_told < digest_at and digest_at <= moment
           or w.overdue and w.overdue_told <= moment - quiet and (
             exists (select from work.piece p where p.asked = w.organisation and not p.over and p.deadline_at > w.overdue_told and p.deadline_at <= moment)
             or exists (select from work.piece p where p.escalated_to = w.organisation and not p.over and p.moved_at <= moment and p.next_at > w.overdue_told)))
      order by w.next_at limit at_once for update skip locked loop
    of_day := one.digest and one.digest_told < digest_at and digest_at <= moment;
    select * into waits from work.waits_at(one.professional, one.organisation, one.role, moment, one.overdue_told, most);
    if of_day and waits.pieces > 0 or one.overdue and waits.newly > 0 then
      update work.staff_way w set next_at = moment + lease, attempts = w.attempts + 1 where w.professional = one.professional and w.organisation = one.organisation;
      return query select one.professional, one.organisation, one.address, waits.pieces, waits.late, one.attempts + 1, one.next_at;
    else
      update work.staff_way w set overdue_told = moment, digest_told = case when of_day then moment else w.digest_told end
      where w.professional = one.professional and w.organisation = one.organisation;
    end if;
  end loop;
end $$;

-- What became of it: told (sent, or given up), or to be tried again at a time.
create function work.note_staff_mail(person bigint, unit bigint, moment timestamptz, again_at timestamptz) returns void
language sql security definer set search_path = work, pg_temp as $$
  update work.staff_way w set overdue_told = case when again_at is null then moment else w.overdue_told end,
    digest_told = case when again_at is null then moment else w.digest_told end,
    attempts = case when again_at is null then 0 else w.attempts end, next_at = coalesce(again_at, moment)
  where w.professional = person and w.organisation = unit
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'work'::regnamespace
    and p.proname in ('own_staff_way', 'choose_staff_way', 'confirm_staff_way', 'waits_at', 'claim_staff_mail', 'note_staff_mail') loop
    execute format('alter function %s owner to helhed_work', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
end $$;
grant execute on function work.own_staff_way(fhir.ask), work.choose_staff_way(fhir.ask, text, bytea, boolean, boolean, int),
  work.confirm_staff_way(fhir.ask, bytea), work.claim_staff_mail(timestamptz, interval, timestamptz, interval, int, int),
  work.note_staff_mail(bigint, bigint, timestamptz, timestamptz) to helhed_app;
