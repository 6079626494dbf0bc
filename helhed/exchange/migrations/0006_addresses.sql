-- Phase: pre. Copies go where the address book says, as it stands when they go; what has no address waits and says why. New columns and
-- functions; older code carries to the address that was noted when the message came.
alter table exchange.delivery add column endpoint uuid, add column reason text, add column unaddressed_since timestamptz;
alter table exchange.delivery add column taken_as text;  -- the name in the address book of the older message that it goes as; null: as it came
grant execute on function registries.listings_of(bigint, text, timestamptz, timestamptz) to helhed_exchange;
grant select on registries.unit_listing to helhed_exchange;

-- Why a unit has no address for messages of a family: it is closed, its address has ended, or it never had one.
create function exchange.no_address(unit_key bigint, family text, moment timestamptz) returns text language sql stable as $$
  select case
    when not exists (select from registries.units_above(unit_key, (moment at time zone 'Europe/Copenhagen')::date, clock_timestamp()) a
                     where a.unit = unit_key and coalesce(a.said ->> 'active', 'true') <> 'false') then 'unit-closed'
    when exists (select from registries.unit_listing l join registries.organisation o on o.key = unit_key and l.unit = any(o.places)
                 where l.type = 'Endpoint' and lower(family) = any(l.codes) and l.valid_from <= moment) then 'address-ended'
    else 'no-address' end
$$;

-- The addresses of what is due to be sent, and as what it is taken (`older`: by event code, the older messages that say the same; a letter is
-- taken by its name, in XML with an X before it). The address book's, else what the receiver's own system said. Without one a copy is not tried: it
-- waits, says why, and is looked at again; after a while, or at once when its receiver is closed, it is given up and is its sender's move.
create function exchange.address_copies(moment timestamptz, patience interval, longest interval, older jsonb) returns int
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  due record;
  way record;
  own text;
  why text;
  names text[];
  done int := 0;
begin
  perform exchange.only_for_the_network();
  for due in
    select d.*, m.type as family from exchange.delivery d join exchange.message m on m.id = d.message
    where d.channel in ('rest', 'file') and d.state in ('waiting', 'sent') and d.not_before <= moment
    order by d.not_before limit 500 for update of d skip locked
  loop
    done := done + 1;
    way := null;
    names := array[due.family] || case when due.family like '%-message' then array(select jsonb_array_elements_text(coalesce(older -> due.family, '[]')))
                                       else array['x' || lower(due.family)] end;
    select r.endpoint, r.said ->> 'address' as address, nullif(n.name, case when due.family like '%-message' then due.family end) as taken_as into way
    from unnest(names) with ordinality n(name, place) cross join lateral registries.routes_of(due.receiver, n.name, moment, clock_timestamp()) r
    where due.channel = 'file' or r.said ->> 'address' ~ '^https?://' order by n.place, r.depth limit 1;
    own := (exchange.mode_of(due.receiver, due.family)).address;
    why := exchange.no_address(due.receiver, due.family, moment);
    if why <> 'unit-closed' and (due.channel = 'file' or coalesce(way.address, own) is not null) then
      update exchange.delivery d set endpoint = way.endpoint, address = coalesce(way.address, own), taken_as = way.taken_as, reason = null, unaddressed_since = null
      where d.id = due.id and (d.endpoint, d.address, d.taken_as, d.reason) is distinct from (way.endpoint, coalesce(way.address, own), way.taken_as, null);
    elsif why = 'unit-closed' or moment - due.unaddressed_since >= longest then
      update exchange.delivery d set state = 'given-up', reason = why, endpoint = null, changed_at = moment where d.id = due.id;
      perform exchange.step(due.message, moment, 'given-up', null, why);
    else
      if due.unaddressed_since is null then
        perform exchange.step(due.message, moment, 'no-address', null, why);
      end if;
      update exchange.delivery d set state = 'waiting', reason = why, endpoint = null, address = null, not_before = moment + patience, changed_at = moment,
        unaddressed_since = coalesce(d.unaddressed_since, moment) where d.id = due.id;
    end if;
  end loop;
  return done;
end $$;

-- What the receiver's own system answered, and of which copy: who took it, a message of which type, and the endpoint it was sent to.
create function exchange.settle_copy(asker fhir.ask, header_id text, from_sor text, answer text, what text, again_at timestamptz)
returns table (told text, receiver bigint, type text, endpoint uuid) language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  told := exchange.settle(asker, header_id, from_sor, answer, what, again_at);  -- trust.stands(asker) is asked there
  if told in ('acknowledged', 'refused') then
    update exchange.delivery d set reason = case when told = 'refused' then 'refused' end
    from exchange.message m join registries.organisation o on o.key = m.sender
    where d.message = m.id and m.header = header_id and (from_sor = '' or o.sor = from_sor) and exchange.beneath(asker, d.receiver)
    returning d.receiver, m.type, d.endpoint into receiver, type, endpoint;
  end if;
  return next;
end $$;

-- Why a carrier did not reach a receiver, for whoever looks at what waits.
create function exchange.note_reason(of_delivery uuid, why text) returns void language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  update exchange.delivery d set reason = why where d.id = of_delivery and d.state in ('waiting', 'sent');
end $$;

-- What came to an end without reaching its receiver, and was not told to its sender yet; and why.
create function exchange.unreached(at_most int)
returns table (delivery uuid, message uuid, organisation bigint, sender_id uuid, receiver_id uuid, patient uuid, state text, reason text)
language plpgsql security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  return query select e.*, d.reason from exchange.to_escalate(at_most) e join exchange.delivery d on d.id = e.delivery;
end $$;

-- What waits to be handed to receivers' systems, or came to nothing, by receiver, family and reason: counts, and no citizen. For whoever
-- keeps the network running.
create function exchange.stuck_seen(asker fhir.ask, since timestamptz)
returns table (organisation text, type text, channel text, reason text, ended boolean, messages bigint, oldest timestamptz, attempts int)
language plpgsql stable security definer set search_path = exchange, pg_temp as $$
begin
  if not exchange.keeps_running(asker) then
    return;
  end if;
  return query
  select o.name, m.type, d.channel,
         coalesce(d.reason, case d.state when 'sent' then 'not-acknowledged' when 'waiting' then 'not-fetched' else d.state end),
         d.state in ('refused', 'given-up', 'withheld'), count(*), min(m.received_at), max(d.attempts)
  from exchange.delivery d join exchange.message m on m.id = d.message join registries.organisation o on o.key = d.receiver
  where d.state in ('waiting', 'sent') or (d.state in ('refused', 'given-up') and d.changed_at >= since)
  group by 1, 2, 3, 4, 5 order by 5, min(m.received_at);
end $$;

do $$
declare name text;
begin
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace
    and p.proname in ('no_address', 'address_copies', 'settle_copy', 'note_reason', 'unreached', 'stuck_seen') loop
    execute format('alter function %s owner to helhed_exchange', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace
    and p.proname in ('address_copies', 'settle_copy', 'note_reason', 'unreached', 'stuck_seen', 'location_number') loop
    execute format('grant execute on function %s to helhed_app', name);
  end loop;
end $$;
alter function exchange.location_number(bigint, timestamptz) security definer set search_path = exchange, pg_temp;
