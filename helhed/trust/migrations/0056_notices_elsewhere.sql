-- Phase: pre. Notices carried elsewhere: by which ways a citizen wants to be told that there is something, and what became of each. New
-- tables that older code does not know: it goes on telling on the page alone.

-- A way that a citizen chose. An e-mail address counts when a code that was sent there came back.
create table trust.notice_way (
  citizen bigint not null,
  way text not null check (way in ('email', 'letter')),
  address text not null,            -- of e-mail; '' for letters, which go where the CPR number leads
  chosen_at timestamptz not null,
  confirmed_at timestamptz,         -- from then on it is used
  code bytea,                       -- SHA-256 of what was sent to the address
  tries smallint not null default 0,
  wanted boolean not null,
  codes smallint not null,          -- how many were sent since then
  codes_since timestamptz not null,
  primary key (citizen, way)
);

-- What became of a notice on its way. Begun before anything leaves, so that whoever is killed in between leaves a mark.
create table trust.notice_delivery (
  notice uuid not null,
  way text not null,
  state text not null check (state in ('begun', 'sent', 'delivered', 'given-up')),
  attempts int not null,
  next_at timestamptz not null,     -- when it is tried again, as long as it has not been sent
  at timestamptz not null,
  receipt text not null default '',
  primary key (notice, way)
);
create index notice_delivery_waiting on trust.notice_delivery (next_at) where state = 'begun';
alter table trust.notice_way owner to helhed_trust;
alter table trust.notice_delivery owner to helhed_trust;
create trigger only_proven before insert or update or delete on trust.notice_way for each statement execute function foundation.only_proven('person');
create trigger only_proven before insert or update or delete on trust.notice_delivery for each statement execute function foundation.only_proven('person');

-- The ways of the asking citizen.
create function trust.notice_ways(asker fhir.ask) returns table (way text, address text, confirmed boolean)
language sql stable security definer set search_path = trust, pg_temp as $$
  select w.way, w.address, w.confirmed_at is not null from trust.notice_way w where asker.kind = 1 and w.citizen = asker.actor and w.wanted order by w.way
$$;

-- From now on by this way; code: what has to come back first, null where nothing has to. A way that is not wanted keeps nothing but how many
-- codes went out. False when more went out within a day than may: nobody's post is flooded, and nobody gets new tries without end.
create function trust.choose_way(asker fhir.ask, by_way text, to_address text, wanted boolean, code bytea, most_codes int) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
#variable_conflict use_variable
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
  return found;
end $$;

-- Whether the code that came back is the one that was sent, within a day and at the fifth try at the latest.
create function trust.confirm_way(asker fhir.ask, by_way text, brought bytea) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.notice_way w set tries = tries + 1 where asker.kind = 1 and w.citizen = asker.actor and w.way = by_way and w.code is not null and w.tries < 5;
  if not found then
    return false;
  end if;
  update trust.notice_way w set confirmed_at = asker.at, code = null
    where asker.kind = 1 and w.citizen = asker.actor and w.way = by_way and w.code = brought and w.chosen_at > asker.at - interval '1 day';
  return found;
end $$;

-- Takes up notices that are to be carried: those since a way was confirmed, of kinds that the citizen wants, that nobody has begun, and those
-- whose time has come again. What waits for a way that was left, or whose new address is not confirmed, goes nowhere any more. Several workers share them. number: the CPR number, for letters alone.
create function trust.claim_notices(moment timestamptz, lease interval, ways text[], always text[], chosen text[], at_once int)
returns table (notice uuid, way text, address text, number text, attempts int)
language plpgsql security definer set search_path = trust, pg_temp as $$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock(hashtext('helhed notices'));
  update trust.notice_delivery d set state = 'given-up', at = moment
  where d.state = 'begun' and d.next_at <= moment and not exists (
    select from trust.notice n join trust.notice_way w on w.citizen = n.citizen and w.confirmed_at is not null where n.id = d.notice and w.way = d.way);
  insert into trust.notice_delivery (notice, way, state, attempts, next_at, at)
  select n.id, w.way, 'begun', 0, moment, moment
  from trust.notice_way w join trust.notice n on n.citizen = w.citizen and n.at >= w.confirmed_at and n.read_at is null
  where w.way = any(ways) and not trust.has_died(trust.keys_of(array[n.citizen]))
    and (n.kind = any(always) or coalesce((select c.wanted from trust.notice_choice c where c.citizen = n.citizen and c.kind = n.kind), not (n.kind = any(chosen))))
    and not exists (select from trust.notice_delivery d where d.notice = n.id and d.way = w.way)
  order by n.at limit at_once;
  return query
  with taken as (
    select d.notice as id, d.way as by_way from trust.notice_delivery d
    where d.state = 'begun' and d.next_at <= moment and d.way = any(ways)
      and not exists (select from trust.notice n where n.id = d.notice and trust.has_died(trust.keys_of(array[n.citizen])))
    order by d.next_at limit at_once for update skip locked
  ), held as (
    update trust.notice_delivery d set next_at = moment + lease, attempts = d.attempts + 1, at = moment
    from taken t where d.notice = t.id and d.way = t.by_way returning d.notice as id, d.way as by_way, d.attempts as tried
  )
  select h.id, h.by_way, w.address, case when h.by_way = 'letter' then c.cpr end, h.tried
  from held h join trust.notice n on n.id = h.id
  join trust.notice_way w on w.citizen = n.citizen and w.way = h.by_way and w.confirmed_at is not null
  left join registries.citizen c on c.key = n.citizen;
end $$;

-- What became of it: sent, delivered (with the receipt), given up, or to be tried again (begun, at a time).
create function trust.note_delivery(of_notice uuid, by_way text, became text, moment timestamptz, again_at timestamptz, said text) returns void
language sql security definer set search_path = trust, pg_temp as $$
  update trust.notice_delivery d set state = became, at = moment, next_at = coalesce(again_at, d.next_at), receipt = coalesce(nullif(said, ''), d.receipt)
  where d.notice = of_notice and d.way = by_way and d.state <> 'delivered'
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace
      and p.proname in ('notice_ways', 'choose_way', 'confirm_way', 'claim_notices', 'note_delivery')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
