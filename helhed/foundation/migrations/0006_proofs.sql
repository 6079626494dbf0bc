-- Phase: pre. What widens who may see what is written only by a process that proves, in the same transaction, that it holds the
-- installation's key: a stolen password of helhed_app, or a statement smuggled into one of its connections, holds none. Older code
-- proves nothing; beside it a network that was in use goes on without proofs for a day after this ran, a new one not at all.

-- HMAC keys (RFC 2104), ready for use: the key's block under either pad. Nobody but this room's functions reads them.
create table foundation.proof_key (ipad bytea not null check (length(ipad) = 64), opad bytea not null check (length(opad) = 64));
create table foundation.proof_demand (one boolean primary key default true check (one), since timestamptz not null);
insert into foundation.proof_demand (since)
  select case when exists (select from foundation.access_log) then clock_timestamp() + interval '1 day' else '-infinity' end;

-- The keys that are accepted from now on, and no others. For whoever prepares the server: nobody else may call it.
create function foundation.put_proof_keys(ipads bytea[], opads bytea[]) returns void language sql as $$
  delete from foundation.proof_key;
  insert into foundation.proof_key select * from unnest(ipads, opads)
$$;

-- Whether this transaction was vouched for, for one of these duties. A proof is "duty second mac" and holds for this connection's
-- own server process and some minutes: copied to another connection, it proves nothing.
create function foundation.proven(duties text[]) returns boolean
language plpgsql stable security definer set search_path = foundation, pg_temp as $$
declare
  said text[] := string_to_array(current_setting('helhed.proof', true), ' ');
begin
  return coalesce(said[1] = any(duties) and abs(extract(epoch from clock_timestamp()) - said[2]::bigint) < 300
    and exists (select from foundation.proof_key k
                where encode(sha256(k.opad || sha256(k.ipad || convert_to(concat_ws(' ', said[1], said[2], pg_backend_pid()), 'UTF8'))), 'hex') = said[3]), false);
end $$;

-- Before a statement that writes such a table. Operators' commands and the preparation of the server log in as somebody else.
create function foundation.only_proven() returns trigger
language plpgsql security definer set search_path = foundation, pg_temp as $$
begin
  if session_user = 'helhed_app' and not foundation.proven(tg_argv[0:])
     and clock_timestamp() >= (select d.since from foundation.proof_demand d) then
    raise exception 'no proof that this was asked for: %', tg_relid::regclass using errcode = '42501';
  end if;
  return null;
end $$;

do $$
declare name text;
begin
  foreach name in array array['proof_key', 'proof_demand'] loop
    execute format('alter table foundation.%I owner to helhed_foundation', name);
  end loop;
  for name in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'foundation'::regnamespace and p.proname in ('put_proof_keys', 'proven', 'only_proven') loop
    execute format('alter function %s owner to helhed_foundation', name);
  end loop;
end $$;
