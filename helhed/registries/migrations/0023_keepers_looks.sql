-- Phase: pre. What keepers of the directory do about a link itself is no act on the data of the wrong citizen. A function restated under its
-- signature; older code reads the same columns.
create or replace function registries.acted_while_linked(asker fhir.ask, link uuid, replaced_key bigint, kept_key bigint, patient_type smallint)
returns table (problem text, linked_at timestamptz, unlinked_at timestamptz, kind smallint, actor uuid, actor_name text, organisation uuid,
               organisation_name text, role text, looks_at_replaced bigint, looks_at_kept bigint, writes_on_replaced bigint, writes_on_kept bigint,
               first_at timestamptz, last_at timestamptz)
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  last registries.citizen_link;
  wrong text;
begin
  select l.* into last from registries.citizen_link l where l.replaced = replaced_key and l.kept = kept_key order by l.linked_at desc, l.id limit 1;
  wrong := case when not registries.keeps(asker, (select s from fhir.stand(asker) s), patient_type) then 'forbidden' when last.id is null then 'apart' end;
  perform registries.note_link(asker, 162::smallint,
    array(select c.key from registries.citizen c where c.key in (replaced_key, kept_key)), wrong is null, coalesce(last.id, link));
  if wrong is not null then
    return query select wrong, null::timestamptz, null::timestamptz, null::smallint, null::uuid, null::text, null::uuid, null::text, null::text,
      null::bigint, null::bigint, null::bigint, null::bigint, null::timestamptz, null::timestamptz;
    return;
  end if;
  return query
  with acts as (
    select a.kind, a.actor, a.organisation, a.role, a.citizen, a.action in (5, 6, 7) as writes, a.at
    from foundation.access_log a
    where a.citizen in (replaced_key, kept_key) and a.permitted and a.action not in (23, 24, 162, 171, 172)
      and a.at >= last.linked_at and a.at <= coalesce(last.unlinked_at, asker.at)
  ), people as (
    select a.kind, a.actor, a.organisation, a.role,
      count(*) filter (where a.citizen = replaced_key and not a.writes) as looks_replaced,
      count(*) filter (where a.citizen = kept_key and not a.writes) as looks_kept,
      count(*) filter (where a.citizen = replaced_key and a.writes) as wrote_replaced,
      count(*) filter (where a.citizen = kept_key and a.writes) as wrote_kept,
      min(a.at) as first_at, max(a.at) as last_at
    from acts a group by a.kind, a.actor, a.organisation, a.role
  )
  select null::text, last.linked_at, last.unlinked_at, p.kind, w.id, w.name, o.id, o.name, p.role,
    p.looks_replaced, p.looks_kept, p.wrote_replaced, p.wrote_kept, p.first_at, p.last_at
  from (select) one left join people p on true
  left join registries.professional w on p.kind = 2 and w.key = p.actor
  left join registries.organisation o on o.key = p.organisation
  order by p.looks_replaced + p.wrote_replaced > 0 and p.looks_kept + p.wrote_kept > 0 desc, p.first_at, p.actor;
end $$;
