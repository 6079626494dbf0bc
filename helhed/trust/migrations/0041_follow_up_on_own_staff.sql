-- Phase: pre. An organisation follows up on the looks of its own staff: who looked when and why, without saying at whom. Older code
-- asks for none of it.

-- Looks of the staff of the asker's organisation in a day: a sample that is the same each time it is asked for, or the emergencies, the
-- refused, the declared, or one person's. Citizens are numbers that mean something on this page only.
-- A look-up of name and number carries the basis of broken glass (8) when no relation gives another, and breaks nothing: it is no emergency.
create function trust.staff_looks(asker fhir.ask, since timestamptz, until timestamptz, which text, staff bigint, row_limit int)
returns table (id bigint, moment timestamptz, actor bigint, actor_name text, role text, organisation_name text, action smallint,
               permitted boolean, basis smallint, citizen bigint, seen int, delivered boolean)
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  if not trust.keeps_log(asker) then
    perform trust.note(asker, 96::smallint, null, null, md5('staff ' || which)::uuid);
    return;
  end if;
  perform trust.note(asker, 96::smallint, null, 7::smallint, md5('staff ' || which)::uuid);
  return query
  select l.id, coalesce(l.occurred_at, l.at), l.actor, coalesce(p.name, l.local->>'name'), l.role, o.name, l.action, l.permitted, l.basis,
         l.citizen, cardinality(l.resources), l.source is not null
  from foundation.access_log l
  join registries.organisation o on o.key = l.organisation and asker.organisation = any(o.places)
  left join registries.professional p on p.key = l.actor
  where l.kind = 2 and l.at >= since and l.at < least(until, since + interval '31 days') and l.citizen is not null
    and l.action in (1, 2, 3, 4, 8, 9, 10, 14)
    and (staff is null or l.actor = staff)
    and case which
      when 'noed' then l.basis = 8 and l.action <> 8 or l.action = 14
      when 'afvist' then not l.permitted
      when 'erklaeret' then l.basis = 4 or l.action = 10
      else true end
  order by case when which = 'stikproeve' then md5(l.id || 'sample') else '' end, coalesce(l.occurred_at, l.at) desc, l.id desc
  limit least(row_limit, 200);
end $$;
alter function trust.staff_looks(fhir.ask, timestamptz, timestamptz, text, bigint, int) owner to helhed_trust;
grant execute on function trust.staff_looks(fhir.ask, timestamptz, timestamptz, text, bigint, int) to helhed_app;
