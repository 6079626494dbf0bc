-- Phase: pre. A citizen may block one document that a live source answered (fhir 0043), which was refused. Functions of the same shapes: older
-- code sets blocks through them.

-- Whether any block that may hold names one of these rows.
create function trust.is_blocked_by_name(ids uuid[], moment timestamptz) returns boolean
language sql stable security definer set search_path = trust, pg_temp as $$
  select exists (select from trust.block b where b.what_document = any(ids) and b.valid_to > moment)
$$;
create index block_document on trust.block (what_document) where what_document is not null;

-- As before, and a document may be one that a source answered.
create or replace function trust.block_of_shape(asker fhir.ask, citizen_key bigint, block uuid, shape jsonb) returns trust.block
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
           and r.citizen = any(trust.keys_of(array[citizen_key])))
         and not fhir.was_answered(b.what_document, trust.keys_of(array[citizen_key])))
     or b.what_from >= b.what_to or b.valid_from >= b.valid_to or b.valid_to <= asker.at then
    return null;
  end if;
  return b;
end $$;

-- As before, and an app that was opened for one patient holds no relation to anybody else: no source is asked about another for it.
create or replace function trust.held_relation(asker fhir.ask, citizen_key bigint) returns table (class smallint, valid_to timestamptz)
language sql stable security definer set search_path = trust, pg_temp as $$
  select held.class, held.valid_to from (
  select t.class, t.valid_to from fhir.stand(asker) s join trust.relation t on t.organisation = any(s.places)
  where asker.kind = 2 and s.active and t.citizen = any(trust.keys_of(array[citizen_key])) and (t.professional is null or t.professional = asker.actor)
    and t.valid_from <= asker.at and asker.at < t.valid_to
  union all
  select d.basis, trust.ends_after(p.ended_at, d.days, d.months)
  from fhir.footing_of(asker) s join trust.past_contact p on p.organisation = any(s.places) join trust.deadline d on d.basis = 15
  where asker.kind = 2 and s.active and p.citizen = any(trust.keys_of(array[citizen_key]))
    and p.ended_at <= asker.at and asker.at < trust.ends_after(p.ended_at, d.days, d.months)
  ) held
  where strpos(asker.client, '#') = 0 or coalesce(citizen_key = any(trust.opened_for(asker)), false)
  order by held.class, held.valid_to desc limit 1
$$;

-- Where live sources are asked, by all numbers of a citizen (fhir.ask_live_by_numbers).
grant select on registries.citizen_identifier to helhed_fhir;

do $$
begin
  alter function trust.is_blocked_by_name(uuid[], timestamptz) owner to helhed_trust;
  revoke execute on function trust.is_blocked_by_name(uuid[], timestamptz) from public;
  grant execute on function trust.is_blocked_by_name(uuid[], timestamptz) to helhed_fhir;
end $$;
