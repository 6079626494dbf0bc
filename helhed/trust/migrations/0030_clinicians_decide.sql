-- Phase: pre. What a treating clinician decides about those who act for a citizen: which rows are hidden from them, with a reason and an
-- end, and whether the parents of a youth see the record. New columns with defaults; older code goes on without them.

alter table trust.mask
  add column reason text not null default '',
  add column set_by bigint,
  add column set_in bigint;

-- From the citizen too only for a reason and a time.
create function trust.hide_row(asker fhir.ask, mask uuid, type_number smallint, row_id uuid, from_citizen_too boolean, why text, until timestamptz)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if btrim(why) = '' or until <= asker.at or (from_citizen_too and until = 'infinity')
     or not coalesce((select s.principal is null from fhir.footing_of(asker) s), false)
     or not trust.set_mask(asker, mask, type_number, row_id, from_citizen_too) then
    return false;
  end if;
  update trust.mask m set reason = why, valid_to = until, set_by = asker.actor, set_in = asker.organisation where m.id = mask;
  return true;
end $$;

-- What is hidden of a citizen now, for a clinician who treats them: which row and why, not what it says.
create function trust.masks_on(asker fhir.ask, citizen_key bigint, patient_type smallint)
returns table (id uuid, resource uuid, type smallint, from_citizen boolean, reason text, since timestamptz, until timestamptz, set_by_name text)
language sql stable security definer set search_path = trust, pg_temp as $$
  select m.id, m.resource, r.type, m.from_citizen, m.reason, m.valid_from, m.valid_to,
         (select p.name from registries.professional p where p.key = m.set_by)
  from trust.mask m left join fhir.resource r on r.bucket = fhir.bucket(m.resource) and r.id = m.resource
  where trust.clinician_basis(asker, citizen_key, patient_type) is not null and m.citizen = any(trust.keys_of(array[citizen_key]))
    and m.valid_from <= asker.at and asker.at < m.valid_to
  order by m.valid_from desc, m.id
$$;

-- Past the birthday on which custody ends, and before the one on which a clinician's decision does.
create function trust.is_youth(citizen_key bigint, moment timestamptz) returns boolean language sql stable as $$
  select coalesce((select trust.has_turned(citizen_key, g.ends_at_age, moment) from trust.age_limit g where g.basis = 9), false)
    and not coalesce((select trust.has_turned(citizen_key, g.ends_at_age, moment) from trust.age_limit g where g.basis = 14), true)
$$;

-- Who acts for a citizen, or did by custody until the birthday: for a clinician who treats them.
create function trust.acting_on(asker fhir.ask, citizen_key bigint, patient_type smallint)
returns table (id uuid, actor_name text, basis smallint, scopes text[], ground text, until timestamptz, holds boolean, may_decide boolean)
language sql stable security definer set search_path = trust, pg_temp as $$
  select a.id, (select c.name from registries.citizen c where c.key = a.actor), a.basis, a.scopes, a.ground, trust.acting_ends(a),
         asker.at < trust.acting_ends(a),
         a.basis = 9 and asker.at >= trust.acting_ends(a) and trust.is_youth(a.citizen, asker.at)
         and not exists (select from trust.acting d where d.citizen = a.citizen and d.actor = a.actor and d.basis = 14 and asker.at < trust.acting_ends(d))
  from trust.acting a
  where trust.clinician_basis(asker, citizen_key, patient_type) is not null and a.citizen = any(trust.keys_of(array[citizen_key]))
    and a.valid_from <= asker.at and asker.at < a.valid_to
    and (asker.at < trust.acting_ends(a) or (a.basis = 9 and trust.is_youth(a.citizen, asker.at)))
  order by 7 desc, 2, a.id
$$;

-- A clinician decides that a parent, who had custody until the birthday, sees the record of a youth: for a reason and a time.
create function trust.decide_for_youth(asker fhir.ask, acting uuid, custody uuid, why text, until timestamptz, patient_type smallint)
returns boolean language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  parent trust.acting;
begin
  select * into parent from trust.acting a where a.id = custody and a.basis = 9 and asker.at < a.valid_to;
  if parent.id is null or btrim(why) = '' or until <= asker.at or until = 'infinity' or not trust.is_youth(parent.citizen, asker.at)
     or not coalesce((select s.principal is null from fhir.footing_of(asker) s), false)
     or not trust.let_act(asker, acting, parent.citizen, parent.actor, 14::smallint, null, true, asker.at, until, patient_type) then
    return false;
  end if;
  update trust.acting a set ground = why where a.id = acting;
  return true;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('hide_row', 'masks_on', 'acting_on', 'is_youth', 'decide_for_youth')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    if signature::text !~ 'is_youth' then
      execute format('grant execute on function %s to helhed_app', signature);
    end if;
  end loop;
end $$;
