-- Phase: pre. Blocks with a validity, changed in one step, with their history; consents in a list; and what somebody would see if a
-- block held, answered by the decision itself. A column that may be empty, and new functions beside the old: older code sets and ends
-- blocks as before.

alter table trust.block add column replaces uuid;  -- the block that this one took the place of

-- A block as its shape says, or nothing when it names what nobody knows or what is not the citizen's. With nothing said it holds from
-- now on: without a beginning, for no clock of another worker is then too late for it.
create function trust.block_of_shape(asker fhir.ask, citizen_key bigint, block uuid, shape jsonb) returns trust.block
language plpgsql stable as $$
declare
  b trust.block := jsonb_populate_record(null::trust.block,
    '{"valid_from": "-infinity", "valid_to": "infinity", "who_alone": false, "what_alone": false, "shown": false}'::jsonb || shape
    || jsonb_build_object('id', block, 'citizen', citizen_key, 'set_by', asker.actor, 'set_at', asker.at, 'ended_by', null, 'ended_at', null));
begin
  if exists (select from unnest(array[b.who_organisation, b.what_organisation]) k
             where k is not null and not exists (select from registries.organisation o where o.key = k))
     or exists (select from unnest(array[b.who_professional, b.what_author]) k
                where k is not null and not exists (select from registries.professional p where p.key = k))
     or (b.what_document is not null and not exists (
           select from fhir.resource r where r.bucket = fhir.bucket(b.what_document) and r.id = b.what_document
           and r.citizen = any(trust.keys_of(array[citizen_key]))))
     or b.what_from >= b.what_to or b.valid_from >= b.valid_to or b.valid_to <= asker.at then
    return null;
  end if;
  return b;
end $$;

create function trust.insert_block(b trust.block, replaced uuid) returns boolean language plpgsql as $$
begin
  insert into trust.block (id, citizen, who_organisation, who_professional, who_alone, what_organisation, what_alone, what_author, what_from,
                           what_to, what_document, shown, valid_from, valid_to, set_by, set_at, replaces)
  values (b.id, b.citizen, b.who_organisation, b.who_professional, b.who_alone, b.what_organisation, b.what_alone, b.what_author, b.what_from,
          b.what_to, b.what_document, b.shown, b.valid_from, b.valid_to, b.set_by, b.set_at, replaced)
  on conflict (id) do nothing;
  return found;
end $$;

-- Set a block, in place of another when one is named: both or neither. Sent twice it is set once, and the answer is the same.
create function trust.put_block(asker fhir.ask, block uuid, shape jsonb, replaced uuid) returns boolean
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  own bigint[] := trust.own_keys(asker);
  b trust.block;
  in_force boolean;
begin
  select x.valid_to > asker.at into in_force from trust.block x where x.id = replaced and x.citizen = any(own) for update;
  if exists (select from trust.block x where x.id = block) then
    return exists (select from trust.block x where x.id = block and x.citizen = any(own));
  end if;
  b := case when asker.kind = 1 and (replaced is null or in_force and not trust.is_app(asker)) then trust.block_of_shape(asker, asker.actor, block, shape) end;
  if b.id is null then
    return false;
  end if;
  if trust.insert_block(b, replaced) then
    update trust.block x set valid_to = asker.at, ended_by = asker.actor, ended_at = asker.at where x.id = replaced;
    perform trust.note(asker, 12::smallint, asker.actor, 1::smallint, replaced) where replaced is not null;
    perform trust.note(asker, 11::smallint, asker.actor, 1::smallint, block);
  end if;
  return true;
end $$;

-- Every block the citizen ever set, the newest first.
create function trust.own_blocks(asker fhir.ask) returns setof trust.block
language sql stable security definer set search_path = trust, pg_temp as $$
  select b.* from trust.block b where asker.kind = 1 and b.citizen = any(trust.own_keys(asker)) order by b.set_at desc, b.id limit 1000
$$;

-- Every consent, likewise.
create function trust.own_consents(asker fhir.ask)
returns table (id uuid, professional bigint, organisation bigint, block uuid, valid_from timestamptz, valid_to timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select o.id, o.professional, o.organisation, o.block, o.valid_from, o.valid_to from trust.opening o
  where asker.kind = 1 and o.citizen = any(trust.own_keys(asker)) and o.basis = 13 order by o.valid_from desc, o.id limit 1000
$$;

-- As before; sent twice it is given once.
create or replace function trust.give_consent(asker fhir.ask, consent uuid, to_professional bigint, to_organisation bigint, for_block uuid, until timestamptz)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if exists (select from trust.opening o where o.id = consent) then
    return exists (select from trust.opening o where o.id = consent and o.basis = 13 and o.citizen = any(trust.own_keys(asker)));
  end if;
  if asker.kind <> 1 or trust.is_app(asker) or until <= asker.at or (to_professional is null and to_organisation is null)
     or (to_professional is not null and not exists (select from registries.professional p where p.key = to_professional))
     or (to_organisation is not null and not exists (select from registries.organisation o where o.key = to_organisation))
     or (for_block is not null and not exists (select from trust.block b where b.id = for_block and b.citizen = any(trust.own_keys(asker)))) then
    return false;
  end if;
  insert into trust.opening (id, citizen, basis, professional, organisation, block, valid_from, valid_to)
  values (consent, asker.actor, 13, to_professional, to_organisation, for_block, asker.at, until)
  on conflict (id) do nothing;
  if found then
    perform trust.note(asker, 15::smallint, asker.actor, 1::smallint, consent);
  end if;
  return true;
end $$;

-- --- what would they see? -----------------------------------------------------------------------------------------------------

-- Whether the asker may try blocks of a citizen: oneself, or who acts for the citizen in consents; by which basis.
create function trust.may_try(asker fhir.ask, citizen_key bigint, consent_type smallint) returns smallint language sql stable
return case when citizen_key = any(trust.own_keys(asker)) then 1::smallint
            when asker.kind = 1 then trust.acting_basis(asker, trust.keys_of(array[citizen_key]), consent_type, null, null, '{}', null, '-infinity', '-infinity') end;

-- The decision on each row that the asker sees, for a reader. One object: the row's id to the basis, null for what is hidden. Whom a row
-- concerns beside the citizen is left aside: whether they block is theirs to know, and no answer may depend on it.
create function trust.decided_for(asker fhir.ask, reader fhir.ask, citizen_key bigint, types smallint[]) returns jsonb language sql volatile as $$
  select coalesce(jsonb_object_agg(r.id, b.basis), '{}')
  from fhir.footing_of(asker) mine cross join fhir.footing_of(reader) s
  cross join unnest(trust.keys_of(array[citizen_key])) k(key)
  cross join lateral (
    select x.*, coalesce(x.clinical_lo, x.date_lo) as lo, coalesce(x.clinical_hi, x.date_hi) as hi
    from fhir.resource x where x.citizen = k.key and x.type = any(types) and not x.deleted offset 0) r
  cross join lateral fhir.basis(asker, mine, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, r.concerns, r.lo, r.hi) seen
  left join lateral fhir.basis(reader, s, r.citizen, r.origin, r.type, r.ownership, r.id, r.authors, r.contents, null, r.lo, r.hi) b on true
$$;

-- What a reader sees of each row now, and what they would see with a block of ``shape`` set and ``without`` ended. The facts are put
-- where the decision reads them, the decision is asked, and all of it is taken back: nobody else ever meets them. A reader without a
-- key of a professional is somebody of that role at that place; ``in_contact`` says that the place treats the citizen. When a block
-- begins and ends is left aside: it is told as it will be while it holds.
create function trust.try_block(asker fhir.ask, citizen_key bigint, reader_key bigint, place bigint, in_role text, in_contact boolean,
                                shape jsonb, without uuid, types smallint[], consent_type smallint)
returns table (id uuid, today smallint, then_seen smallint) language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  allowed smallint := case when asker.kind = 1 then trust.may_try(asker, citizen_key, consent_type) end;
  reader fhir.ask := row(2, coalesce(reader_key, 0), place, in_role, 1, '', null, null, asker.at, asker.trace)::fhir.ask;
  tried trust.block;
  before jsonb;
  after jsonb;
begin
  insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
  values (asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 70, allowed is not null, allowed, citizen_key, '{}', '{}', asker.trace);
  if allowed is null then
    return;
  end if;
  begin
    insert into trust.employment (source, professional, organisation, role, valid_from, valid_to)
      select gen_random_uuid(), 0, place, in_role, '-infinity', 'infinity' where reader_key is null;
    insert into trust.relation (source, citizen, organisation, class, valid_from, valid_to)
      select gen_random_uuid(), citizen_key, place, 2, '-infinity', 'infinity' where in_contact;
    before := trust.decided_for(asker, reader, citizen_key, types);
    if shape is not null then
      tried := trust.block_of_shape(asker, citizen_key, gen_random_uuid(), shape - 'valid_from' - 'valid_to');
      perform trust.insert_block(tried, null) where tried.id is not null;
    end if;
    update trust.block b set valid_to = asker.at where b.id = without and b.citizen = any(trust.keys_of(array[citizen_key]));
    after := trust.decided_for(asker, reader, citizen_key, types);
    raise exception using errcode = 'HH001', message = 'taken back';
  exception when sqlstate 'HH001' then
    null;
  end;
  return query select b.key::uuid, (b.value #>> '{}')::smallint, (after ->> b.key)::smallint from jsonb_each(before) b;
end $$;

-- Where professionals work now, in which role: what the public register says.
create function trust.workplaces(professionals bigint[], moment timestamptz)
returns table (professional bigint, organisation bigint, role text) language sql stable security definer set search_path = trust, pg_temp as $$
  select distinct e.professional, e.organisation, e.role from trust.employment e
  where e.professional = any(professionals) and e.valid_from <= moment and moment < e.valid_to order by 1, 2, 3
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in (
      'block_of_shape', 'insert_block', 'put_block', 'own_blocks', 'own_consents', 'may_try', 'decided_for', 'try_block', 'workplaces')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text ~ '(put_block|own_blocks|own_consents|try_block|workplaces)\(' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
