-- Phase: pre. Copies for systems that speak the older syntaxes: by which numbers their letters went. A new column and functions; older code hands over FHIR alone.
alter table exchange.delivery add column numbers text[] not null default '{}';
create index delivery_numbers on exchange.delivery using gin (numbers);

-- As what receivers' systems take these copies: the name in the address book, or null for the message as it came.
create function exchange.forms_of(deliveries uuid[]) returns table (delivery uuid, taken_as text)
language plpgsql stable security definer set search_path = exchange, pg_temp as $$
begin
  perform exchange.only_for_the_network();
  return query select d.id, d.taken_as from exchange.delivery d where d.id = any(deliveries);
end $$;

-- A copy goes as a letter in an envelope of this number; what the letter names alone is told to who follows the message.
create function exchange.note_letter(of_delivery uuid, envelope_number text, moment timestamptz, more text) returns void
language plpgsql security definer set search_path = exchange, pg_temp as $$
declare
  of_message uuid;
begin
  perform exchange.only_for_the_network();
  update exchange.delivery d set numbers = d.numbers || envelope_number where d.id = of_delivery and not envelope_number = any(d.numbers)
  returning d.message into of_message;
  if of_message is not null then
    perform exchange.step(of_message, moment, 'written-as-letter', null, more);
  end if;
end $$;

-- The message whose letter went to the asker's organisation under a number, and its sender: the newest, where a number came twice.
create function exchange.copy_of_number(asker fhir.ask, envelope_number text) returns table (header text, sender text)
language plpgsql stable security definer set search_path = exchange, pg_temp as $$
begin
  if asker.kind <> 3 or not trust.stands(asker) then
    return;
  end if;
  return query
  select m.header, o.sor from exchange.delivery d join exchange.message m on m.id = d.message join registries.organisation o on o.key = m.sender
  where d.numbers @> array[envelope_number] and exchange.beneath(asker, d.receiver) order by m.number desc limit 1;
end $$;

do $$
declare name text;
begin
  for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'exchange'::regnamespace
    and p.proname in ('forms_of', 'note_letter', 'copy_of_number') loop
    execute format('alter function %s owner to helhed_exchange', name);
    execute format('grant execute on function %s to helhed_app', name);
  end loop;
end $$;
