-- Phase: pre. Who is close to a citizen, as the citizen says: whether they may be called, and what they may be told. A relative reads
-- nothing because of it. Staff see it on the same bases as the record; calling somebody is a disclosure and stands in the log.

create table trust.relative (
  id uuid primary key,
  citizen bigint not null,
  name text not null,
  relation text not null,
  phone text not null,
  may_be_called boolean not null,
  told_of text[] not null,           -- what they may be told: words of the page
  note text not null,
  set_at timestamptz not null,
  ended_at timestamptz
);
create index relative_citizen on trust.relative (citizen) where ended_at is null;
alter table trust.relative owner to helhed_trust;

create function trust.own_relatives(asker fhir.ask) returns setof trust.relative
language sql stable security definer set search_path = trust, pg_temp as $$
  select r.* from trust.relative r where r.citizen = any(trust.own_keys(asker)) and r.ended_at is null order by r.set_at, r.id limit 50
$$;

create function trust.put_relative(asker fhir.ask, relative uuid, called text, how text, number text, may_call boolean, may_tell text[], wish text)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if asker.kind <> 1 or btrim(called) = '' or (select count(*) from trust.own_relatives(asker)) >= 20 then
    return false;
  end if;
  insert into trust.relative (id, citizen, name, relation, phone, may_be_called, told_of, note, set_at)
  values (relative, asker.actor, called, how, number, may_call, may_tell, wish, asker.at);
  perform trust.note(asker, 82::smallint, asker.actor, 1::smallint, relative);
  return true;
end $$;

create function trust.end_relative(asker fhir.ask, relative uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  update trust.relative r set ended_at = asker.at where r.id = relative and r.citizen = any(trust.own_keys(asker)) and r.ended_at is null;
  if not found then
    return false;
  end if;
  perform trust.note(asker, 82::smallint, asker.actor, 1::smallint, relative);
  return true;
end $$;

-- For staff, by the basis they have for what the record says of relatives; a row in the log, denied ones too.
create function trust.relatives_of(asker fhir.ask, citizen_key bigint, relative_type smallint) returns setof trust.relative
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  found_basis smallint := (
    select b.basis from fhir.footing_of(asker) s cross join lateral fhir.whole_basis(asker, s, citizen_key, relative_type) b where asker.kind = 2);
begin
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 1, found_basis is not null, found_basis,
          citizen_key, relative_type, '{}', '{}', asker.trace);
  if found_basis is not null then
    return query select r.* from trust.relative r
      where r.citizen = any(trust.keys_of(array[citizen_key])) and r.ended_at is null order by r.set_at, r.id;
  end if;
end $$;

-- Somebody was called, when the citizen allows it; the citizen is told.
create function trust.call_relative(asker fhir.ask, relative uuid, relative_type smallint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  who trust.relative;
  found_basis smallint;
begin
  select * into who from trust.relative r where r.id = relative and r.ended_at is null;
  found_basis := (select b.basis from fhir.footing_of(asker) s cross join lateral fhir.whole_basis(asker, s, who.citizen, relative_type) b
                  where asker.kind = 2 and who.may_be_called);
  if who.id is not null then
    perform trust.note(asker, 83::smallint, who.citizen, found_basis, relative);
  end if;
  if found_basis is null then
    return false;
  end if;
  perform trust.tell(who.citizen, asker.at, 'relative-called', asker.trace, asker.actor, asker.organisation);
  return true;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('own_relatives', 'put_relative', 'end_relative', 'relatives_of', 'call_relative')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
