-- Phase: pre. Devices by which a citizen wants to be told that there is a notice. New tables and functions only; older code tells no device.

-- A device that a citizen chose. What leaves is a number of notices; where they are read is behind the log-in.
create table trust.push_device (
  id uuid primary key,
  citizen bigint not null,
  endpoint text not null unique check (length(endpoint) <= 2000),  -- a push service's own address of the device (RFC 8030)
  receiver bytea not null check (length(receiver) = 65),           -- its public key, and the secret beside it (RFC 8291)
  secret bytea not null check (length(secret) = 16),
  sender bytea not null check (length(sender) = 65),               -- the public key of ours that the push service knows us by (RFC 8292)
  language text not null,
  since timestamptz not null,
  next_at timestamptz not null,
  attempts int not null default 0
);
create index push_device_citizen on trust.push_device (citizen);

-- What a device was told of, so that it is told once.
create table trust.push_told (
  device uuid not null references trust.push_device on delete cascade,
  notice uuid not null,
  primary key (device, notice)
);
alter table trust.push_device owner to helhed_trust;
alter table trust.push_told owner to helhed_trust;
create trigger only_proven before insert or update or delete on trust.push_device for each statement execute function foundation.only_proven('person');
create trigger only_proven before insert or update or delete on trust.push_told for each statement execute function foundation.only_proven('person');

-- A device is told no more, and its citizen's log says so.
create function trust.drop_push(device uuid, moment timestamptz, trace uuid) returns boolean language plpgsql as $$
declare whose bigint;
begin
  delete from trust.push_device d where d.id = device returning d.citizen into whose;
  if whose is null then
    return false;
  end if;
  perform trust.note(row(1::smallint, whose, null, '', 2::smallint, 'push', null, '{}', moment, trace)::fhir.ask, 232::smallint, whose, 1::smallint, device);
  return true;
end $$;

-- From now on by this device. A device is one citizen's: whoever chooses it ends what another had chosen on it. Returns what keeps it from being chosen; null
-- when it is.
create function trust.choose_push(asker fhir.ask, device uuid, at_endpoint text, receiver bytea, secret bytea, sender bytea, words text, at_most int) returns text
language plpgsql security definer set search_path = trust, pg_temp as $$
#variable_conflict use_variable
declare problem text;
begin
  if asker.kind <> 1 then
    return 'unknown';
  end if;
  perform pg_advisory_xact_lock(hashtext('trust.push_device'), hashtext(asker.actor::text));
  if (select count(*) from trust.push_device d where d.citizen = asker.actor and d.endpoint <> at_endpoint) >= at_most then
    problem := 'many';
  end if;
  perform trust.note(asker, 231::smallint, asker.actor, case when problem is null then 1::smallint end, device);
  if problem is null then
    perform trust.drop_push(d.id, asker.at, asker.trace) from trust.push_device d where d.endpoint = at_endpoint;
    insert into trust.push_device (id, citizen, endpoint, receiver, secret, sender, language, since, next_at)
    values (device, asker.actor, at_endpoint, receiver, secret, sender, words, asker.at, asker.at);
  end if;
  return problem;
end $$;

-- The asking citizen's devices.
create function trust.own_push(asker fhir.ask) returns table (id uuid, since timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select d.id, d.since from trust.push_device d where asker.kind = 1 and d.citizen = asker.actor order by d.since, d.id
$$;

-- No more by this device: by its citizen, from any device. False when there is none.
create function trust.end_push(asker fhir.ask, device uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if not exists (select from trust.push_device d where asker.kind = 1 and d.id = device and d.citizen = asker.actor) then
    return false;
  end if;
  return trust.drop_push(device, asker.at, asker.trace);
end $$;

-- Takes up devices that are to be told: of notices since they were chosen, of kinds that the citizen wants, that nobody has read and that the device was not
-- told of. pieces: how many wait for the citizen, of those; notices: which of them are new to the device. Several workers share them. The devices of the dead end when there would be something to tell.
create function trust.claim_push(moment timestamptz, lease interval, always text[], chosen text[], at_once int)
returns table (device uuid, endpoint text, receiver bytea, secret bytea, sender bytea, language text, pieces int, notices uuid[], attempts int)
language plpgsql security definer set search_path = trust, pg_temp as $$
#variable_conflict use_column
begin
  perform trust.drop_push(d.id, moment, gen_random_uuid()) from trust.push_device d
  where d.next_at <= moment
    and case when exists (select from trust.notice n where n.citizen = d.citizen and n.at >= d.since and n.read_at is null
                            and not exists (select from trust.push_told t where t.device = d.id and t.notice = n.id))
        then trust.has_died(trust.keys_of(array[d.citizen])) else false end;
  return query
  with waiting as (
    select d.id, count(*)::int as pieces, array_agg(n.id order by n.at) filter (where t.notice is null) as fresh
    from trust.push_device d join trust.notice n on n.citizen = d.citizen and n.at >= d.since and n.read_at is null
    left join trust.push_told t on t.device = d.id and t.notice = n.id
    where d.next_at <= moment
      and (n.kind = any(always) or coalesce((select c.wanted from trust.notice_choice c where c.citizen = n.citizen and c.kind = n.kind), not (n.kind = any(chosen))))
    group by d.id having count(*) filter (where t.notice is null) > 0
  ), taken as (
    select d.id from trust.push_device d where d.id in (select w.id from waiting w) and d.next_at <= moment
    order by d.next_at limit at_once for update skip locked
  ), held as (
    update trust.push_device d set next_at = moment + lease, attempts = d.attempts + 1 from taken t where d.id = t.id returning d.*
  )
  select h.id, h.endpoint, h.receiver, h.secret, h.sender, h.language, w.pieces, w.fresh, h.attempts from held h join waiting w on w.id = h.id;
end $$;

-- What became of telling a device: told (or given up), to be tried again at a time, or gone: its push service knows it no more.
create function trust.note_push(to_device uuid, of_notices uuid[], moment timestamptz, again_at timestamptz, gone boolean) returns void
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if gone then
    perform trust.drop_push(to_device, moment, gen_random_uuid());
    return;
  end if;
  if again_at is null then
    insert into trust.push_told (device, notice) select d.id, n from trust.push_device d, unnest(of_notices) n where d.id = to_device on conflict do nothing;
  end if;
  update trust.push_device d set next_at = coalesce(again_at, moment), attempts = case when again_at is null then 0 else d.attempts end where d.id = to_device;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('drop_push', 'choose_push', 'own_push', 'end_push', 'claim_push', 'note_push')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('choose_push', 'own_push', 'end_push', 'claim_push', 'note_push')
  loop
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
