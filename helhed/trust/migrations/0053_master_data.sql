-- Phase: pre. Who changes what a citizen says of themselves (the stamkort): the citizen; who acts for them in all of it, or by a mandate that names
-- it; and staff who help, for as long as they help. Each attempt is in the citizen's log. New functions; older code asks none of them.

-- By which basis the asker may change the card, with the row of the log; null when they may not. Whoever it is about is told when it was not they.
create function trust.change_master_data(asker fhir.ask, citizen_key bigint, about uuid, help_id uuid, related_type smallint) returns smallint
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help;
  given smallint;
begin
  if help_id is not null then
    h := trust.helped(asker, help_id);
    given := case when h.id is not null and citizen_key = any(trust.keys_of(array[h.citizen])) then 1 end;
    perform trust.note(asker, 173::smallint, citizen_key, given, help_id);
    if given is not null then
      perform trust.note(trust.in_name_of(asker, citizen_key), 173::smallint, citizen_key, 1::smallint, about);
      perform trust.tell(citizen_key, asker.at, 'master-data-changed', about, asker.actor, asker.organisation);
      perform trust.write_letter(asker, h, 'master-data', about, '{}'::jsonb, gen_random_uuid());
    end if;
    return given;
  end if;
  given := (
    select b.basis from fhir.footing_of(asker) s cross join lateral fhir.whole_basis(asker, s, citizen_key, related_type) b where asker.kind = 1);
  given := case when given in (1, 9, 10, 11, 12) then given end;  -- a decision of insight for a youth's parents is for reading
  perform trust.note(asker, 173::smallint, citizen_key, given, about);
  if given > 1 then
    perform trust.tell(citizen_key, asker.at, 'master-data-changed', about, null, null);
  end if;
  return given;
end $$;

-- Whom the asker helps, to show the card; in the citizen's log.
create function trust.see_master_data(asker fhir.ask, help_id uuid) returns table (citizen bigint, patient uuid, name text)
language plpgsql security definer set search_path = trust, pg_temp as $$
declare
  h trust.help := trust.helped(asker, help_id);
begin
  if h.id is null then
    return;
  end if;
  perform trust.note(asker, 174::smallint, h.citizen, 1::smallint, help_id);
  return query select c.key, c.patient, c.name from registries.citizen c where c.key = h.citizen;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'trust'::regnamespace and p.proname in ('change_master_data', 'see_master_data') loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('revoke execute on function %s from public', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
