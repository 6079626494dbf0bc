-- Phase: pre. Assistants as the two see it: whom a professional is responsible for, who could be, and under whom an assistant works.

create function trust.assistances_of(asker fhir.ask)
returns table (id uuid, i_am_responsible boolean, other_name text, role text, write_types smallint[], since timestamptz, until timestamptz, holds boolean)
language sql stable security definer set search_path = trust, pg_temp as $$
  select a.id, a.principal = asker.actor,
         (select p.name from registries.professional p where p.key = case when a.principal = asker.actor then a.assistant else a.principal end),
         a.role, a.write_types, a.valid_from, a.valid_to,
         asker.at < a.valid_to and (a.principal = asker.actor or a.id = (
           select n.id from trust.assistance n
           where n.assistant = asker.actor and n.organisation = asker.organisation and n.valid_from <= asker.at and asker.at < n.valid_to
           order by n.valid_from desc, n.id limit 1))
  from trust.assistance a
  where asker.kind = 2 and asker.actor in (a.principal, a.assistant) and a.organisation = asker.organisation
  order by asker.at < a.valid_to desc, a.valid_from desc, a.id limit 200
$$;

-- Who is employed to assist where a professional works, and has nobody to answer for them, or the asker.
create function trust.assistants_at(asker fhir.ask) returns table (professional bigint, name text, responsible_name text)
language sql stable security definer set search_path = trust, pg_temp as $$
  select distinct on (p.name, x.professional) x.professional, p.name, (select q.name from registries.professional q where q.key = n.principal)
  from trust.employment x join trust.role r on r.role = x.role and r.assists
  join registries.professional p on p.key = x.professional
  left join lateral (
    select a.principal from trust.assistance a
    where a.assistant = x.professional and a.organisation = asker.organisation and a.valid_from <= asker.at and asker.at < a.valid_to
    order by a.valid_from desc, a.id limit 1) n on true
  where asker.kind = 2 and x.organisation = asker.organisation and x.professional <> asker.actor
    and x.valid_from <= asker.at and asker.at < x.valid_to
    and exists (select from fhir.footing_of(asker) s join trust.role mine on mine.role = asker.role and mine.authorised
                where s.active and s.principal is null)
  order by p.name, x.professional
$$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('assistances_of', 'assistants_at')
  loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
