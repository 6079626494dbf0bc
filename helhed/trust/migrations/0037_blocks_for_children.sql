-- Phase: pre. Whoever acts for a citizen by a basis that the policy names (custody) sets and ends blocks for them: one row in the log, with
-- both names. Those who act by a mandate or as proxies do not. New functions.

-- By which of these bases the asker acts for the citizen, for everything, right now.
create function trust.acts_wholly(asker fhir.ask, citizen_key bigint, bases smallint[]) returns smallint language sql stable as $$
  select min(a.basis) from trust.acting a
  where asker.kind = 1 and a.actor = any(trust.own_keys(asker)) and a.citizen = any(trust.keys_of(array[citizen_key])) and a.basis = any(bases)
    and a.types is null and a.valid_from <= asker.at and asker.at < trust.acting_ends(a)
$$;

create function trust.blocks_for(asker fhir.ask, citizen_key bigint, bases smallint[])
returns table (id uuid, who text, person text, what text, narrow boolean, since timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select b.id, (select o.name from registries.organisation o where o.key = b.who_organisation),
         (select p.name from registries.professional p where p.key = b.who_professional),
         (select o.name from registries.organisation o where o.key = b.what_organisation), b.narrow, b.set_at
  from trust.block b
  where trust.acts_wholly(asker, citizen_key, bases) is not null and b.citizen = any(trust.keys_of(array[citizen_key])) and asker.at < b.valid_to
  order by b.set_at, b.id
$$;

create function trust.set_block_for(asker fhir.ask, citizen_key bigint, bases smallint[], block uuid, who bigint) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := trust.acts_wholly(asker, citizen_key, bases);
begin
  if who is not null and not exists (select from registries.organisation o where o.key = who) then
    return false;
  end if;
  perform trust.note(asker, 11::smallint, citizen_key, allowed, block);
  if allowed is null then
    return false;
  end if;
  insert into trust.block (id, citizen, who_organisation, valid_from, set_by, set_at)
  values (block, citizen_key, who, asker.at, asker.actor, asker.at);
  return true;
end $$;

create function trust.end_block_for(asker fhir.ask, citizen_key bigint, bases smallint[], block uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := trust.acts_wholly(asker, citizen_key, bases);
begin
  perform trust.note(asker, 12::smallint, citizen_key, allowed, block);
  if allowed is null then
    return false;
  end if;
  update trust.block b set valid_to = asker.at, ended_by = asker.actor, ended_at = asker.at
    where b.id = block and b.citizen = any(trust.keys_of(array[citizen_key])) and b.valid_to > asker.at;
  return found;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('acts_wholly', 'blocks_for', 'set_block_for', 'end_block_for')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text !~ 'acts_wholly' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
