-- Phase: pre. The same function with the same promise; older code is answered by it too.
--
-- Whoever took part in a contact under a job that has since been taken off the register took part in it all the same: the follow-up
-- of one's own work (16) looks at every job somebody ever had, as a block on what somebody recorded does.
create or replace function trust.was_in_contact(asker fhir.ask, stand fhir.footing, keys bigint[], by_basis smallint) returns boolean
language sql stable as $$
  select exists (
    select from trust.past_contact p join trust.deadline d on d.basis = by_basis
    where p.citizen = any(keys) and p.organisation = any(stand.places)
      and p.ended_at <= asker.at and asker.at < trust.ends_after(p.ended_at, d.days, d.months)
      and (by_basis <> 16 or (
        asker.purpose = 5 and stand.principal is null
        and exists (select from trust.role r where r.role = asker.role and r.authorised)
        and p.people && (array[asker.actor] || array(select x.key from trust.recorder x where x.professional = asker.actor)))))
$$;
