-- Phase: pre. Blocks of replacement CPR numbers for whoever may be cut off. New columns with defaults, a new table and functions; older
-- code goes on taking single numbers, and a trigger keeps what it stores from taking a number that is held for somebody.

-- Numbers that one organisation may give while it is cut off, by the days its system and ours agree on.
create table registries.number_block (
  id uuid primary key,              -- the asker's, so that one order asked twice is one block
  organisation bigint not null,     -- holds it, with the units beneath
  reserved_by bigint not null,      -- itself, or a keeper of the directory
  reserved_at timestamptz not null,
  issue_until timestamptz not null, -- until then it gives numbers to people
  deliver_until timestamptz not null,  -- until then their Patients are taken in
  free_from timestamptz not null,   -- what is unused then is reserved anew for others
  returned_at timestamptz,
  check (reserved_at < issue_until and issue_until <= deliver_until and deliver_until <= free_from)
);
create index number_block_organisation on registries.number_block (organisation);
create index number_block_free_from on registries.number_block (free_from) where returned_at is null;
alter table registries.number_block owner to helhed_registries;

alter table registries.replacement_cpr
  add column block uuid,            -- held for whoever holds the block
  add column claimed_at timestamptz,  -- when its holder delivered the Patient
  add column citizen bigint,        -- whose it is, for ever
  add column free boolean not null default false,  -- was in a block, is given by another block only
  add column brought boolean not null default false;  -- issued elsewhere: taken in with a Patient, never issued here
create index replacement_cpr_block on registries.replacement_cpr (block) where block is not null;
create index replacement_cpr_free on registries.replacement_cpr (number) where free;
update registries.replacement_cpr p set citizen = i.citizen
  from registries.citizen_identifier i where i.system = 'urn:oid:1.2.208.176.1.6.1.1' and i.value = p.number;
insert into registries.replacement_cpr (number, brought)
  select i.value, true from registries.citizen_identifier i where i.system = 'urn:oid:1.2.208.176.1.6.1.1' on conflict do nothing;

-- A replacement number is one citizen's for ever, also when its Patient no longer says so; one that is held for somebody is nobody's
-- until its holder delivers it; one that was issued elsewhere is never issued here.
create function registries.keep_number_of_one() returns trigger language plpgsql security definer set search_path = registries, pg_temp as $$
begin
  insert into registries.replacement_cpr (number, brought) values (new.value, true) on conflict do nothing;
  update registries.replacement_cpr p set citizen = new.citizen
  where p.number = new.value and p.citizen is null and not p.brought and not p.free and (p.block is null or p.claimed_at is not null);
  if not exists (select from registries.replacement_cpr p where p.number = new.value
                   and (p.brought or p.citizen = new.citizen or p.citizen = any(registries.joined(new.citizen)))) then
    raise unique_violation using message = 'the replacement number is not this citizen''s';
  end if;
  return new;
end $$;
create trigger keep_number_of_one before insert on registries.citizen_identifier
  for each row when (new.system = 'urn:oid:1.2.208.176.1.6.1.1') execute function registries.keep_number_of_one();

-- Whether a system asks about the numbers that an organisation holds: its own, or a keeper of the directory's, at work, with a token
-- that writes Patients.
create function registries.may_hold_numbers(asker fhir.ask, holder bigint, patient_type smallint) returns boolean language sql stable as $$
  select asker.kind = 3 and coalesce((select s.active from fhir.stand(asker) s), false)
    and (asker.write_types is null or patient_type = any(asker.write_types))
    and exists (select from registries.organisation o where o.key = holder)
    and (asker.organisation = holder or exists (select from registries.keeper k where k.organisation = asker.organisation))
$$;

-- One log row for an act about a block: it names no citizen.
create function registries.note_block(asker fhir.ask, action smallint, done boolean, block uuid) returns void language sql as $$
  insert into foundation.access_log
    (at, kind, actor, organisation, role, client, purpose, action, permitted, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, action, done, array[block], '{}',
          asker.trace)
$$;

-- Unused numbers of a block, all or those named, are free for the next block. Answers how many.
create function registries.free_numbers(of_block uuid, named text[]) returns int language sql as $$
  with freed as (
    update registries.replacement_cpr p set block = null, free = true
    where p.block = of_block and p.claimed_at is null and (named is null or p.number = any(named))
    returning 1
  )
  select count(*)::int from freed
$$;

-- What nobody delivered of blocks whose time has long passed is free. A holder that was cut off longer than that is refused, and its
-- patients get other numbers: nobody else's.
create function registries.free_old_blocks(moment timestamptz) returns void language plpgsql as $$
declare
  old uuid;
begin
  for old in update registries.number_block b set returned_at = moment
             where b.returned_at is null and b.free_from <= moment returning b.id loop
    perform registries.free_numbers(old, null);
  end loop;
end $$;

-- Put so many numbers into a block: free ones first, then candidates that nobody ever had. Answers how many it got.
create function registries.fill_block(into_block uuid, wanted int, candidates text[]) returns int language plpgsql as $$
declare
  again int;
  new_ones int;
begin
  update registries.replacement_cpr p set block = into_block, free = false
  from (select f.number from registries.replacement_cpr f where f.free order by f.number limit wanted for update) f where p.number = f.number;
  get diagnostics again = row_count;
  insert into registries.replacement_cpr (number, block)
  select c.number, into_block
  from (select distinct u.number from unnest(candidates) u(number)
        where not exists (select from registries.replacement_cpr p where p.number = u.number) limit wanted - again) c
  order by c.number on conflict do nothing;
  get diagnostics new_ones = row_count;
  return again + new_ones;
end $$;

-- Reserve a block: what is wrong ('forbidden', 'taken', 'returned', 'most', 'short'), or its numbers. The same order again answers the same numbers.
create function registries.reserve_numbers(asker fhir.ask, block uuid, holder bigint, wanted int, candidates text[], until timestamptz,
                                           deliver timestamptz, free timestamptz, most_unused int, most_by_keeper int, patient_type smallint)
returns table (problem text, number text)
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  held registries.number_block;
  wrong text;
begin
  perform pg_advisory_xact_lock(7166748392);
  select b.* into held from registries.number_block b where b.id = block;
  wrong := case
    when not registries.may_hold_numbers(asker, holder, patient_type) then 'forbidden'
    when held.id is not null and held.organisation <> holder then 'taken'
    when held.returned_at is not null then 'returned'
    when held.id is not null then null
    when wanted + (select count(*) from registries.replacement_cpr p join registries.number_block b on b.id = p.block
                   where b.organisation = holder and p.claimed_at is null)
         > case when exists (select from registries.keeper k where k.organisation = asker.organisation) then most_by_keeper else most_unused end then 'most' end;
  if wrong is null and held.id is null then
    perform registries.free_old_blocks(asker.at);
    insert into registries.number_block values (block, holder, asker.organisation, asker.at, until, deliver, free);
    if registries.fill_block(block, wanted, candidates) < wanted then
      return query select 'short', null::text;  -- undone by the caller, who tries with more candidates
      return;
    end if;
  end if;
  perform registries.note_block(asker, 160::smallint, wrong is null, block);
  if wrong is not null then
    return query select wrong, null::text;
    return;
  end if;
  return query select null::text, p.number from registries.replacement_cpr p where p.block = reserve_numbers.block order by p.number;
end $$;

-- A holder delivers: these of its numbers may be stored with their Patients, in this transaction. Answers how many may.
create function registries.claim_numbers(asker fhir.ask, numbers text[]) returns int
language sql security definer set search_path = registries, pg_temp as $$
  with claimed as (
    update registries.replacement_cpr p set claimed_at = asker.at
    from registries.number_block b
    where p.number = any(numbers) and p.block = b.id and p.claimed_at is null and p.citizen is null and asker.at < b.deliver_until
      and b.organisation = any(array(select unnest(o.places) from registries.organisation o where o.key = asker.organisation))
      and asker.kind = 3 and coalesce((select s.active from fhir.stand(asker) s), false)
    returning 1
  )
  select count(*)::int from claimed
$$;

-- Give back what was not used: all of a block, or the numbers named. Answers how many; null when the asker may not.
create function registries.return_numbers(asker fhir.ask, block uuid, named text[], patient_type smallint) returns int
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  holder bigint;
  allowed boolean;
begin
  perform pg_advisory_xact_lock(7166748392);
  holder := (select b.organisation from registries.number_block b where b.id = block);
  allowed := holder is not null and registries.may_hold_numbers(asker, holder, patient_type);
  perform registries.note_block(asker, 161::smallint, allowed, block);
  if not allowed then
    return null;
  end if;
  update registries.number_block b set returned_at = asker.at where b.id = block and b.returned_at is null and named is null;
  return registries.free_numbers(block, named);
end $$;

-- The blocks of an organisation, and how many of their numbers are with a citizen, and unused.
create function registries.number_blocks(asker fhir.ask, holder bigint, patient_type smallint)
returns table (id uuid, reserved_at timestamptz, issue_until timestamptz, deliver_until timestamptz, free_from timestamptz, returned_at timestamptz, given bigint, unused bigint)
language sql stable security definer set search_path = registries, pg_temp as $$
  select b.id, b.reserved_at, b.issue_until, b.deliver_until, b.free_from, b.returned_at,
         count(p.number) filter (where p.claimed_at is not null), count(p.number) filter (where p.claimed_at is null)
  from registries.number_block b left join registries.replacement_cpr p on p.block = b.id
  where b.organisation = holder and registries.may_hold_numbers(asker, holder, patient_type)
  group by b.id order by b.reserved_at, b.id
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('keep_number_of_one', 'may_hold_numbers', 'note_block', 'free_numbers', 'free_old_blocks', 'fill_block',
                        'reserve_numbers', 'claim_numbers', 'return_numbers', 'number_blocks') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
    if signature::text ~ '(reserve_numbers|claim_numbers|return_numbers|number_blocks)\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
