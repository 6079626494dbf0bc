-- Phase: first. One piece of work as a unit sees it, with what was done with it and what the asker may do. Older code does not know it.

-- The piece, who the patient is and its receipts, as one look; nothing for who may not see the Task. ours, sent, has: whether the asker's place
-- is asked, asked for it, and has it. reaches: see work.receipts.
create function work.one_piece(asker fhir.ask, row_id uuid)
returns table (task uuid, version int, body bytea, kind text, status text, requester text, owner text, holder text, asked text, asked_us boolean,
               assignee text, urgent boolean, asked_at timestamptz, moved_at timestamptz, due_at timestamptz, deadline_at timestamptz, step smallint,
               escalated_to text, over boolean, patient uuid, patient_name text, patient_cpr text, patient_born date, unseen boolean,
               owner_key bigint, ours boolean, sent boolean, has boolean, moves jsonb)
language plpgsql security definer set search_path = work, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with seen as materialized (
    select p.*, r.version, r.body, r.concerns, b.basis from fhir.footing_of(asker) s
    join fhir.resource r on r.bucket = fhir.bucket(row_id) and r.id = row_id and not r.deleted
    join work.piece p on p.task = r.id
    cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,
      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b
    where asker.kind = 2
  ), logged as (
    insert into foundation.access_log (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace, concerned)
    select asker.at, asker.kind, asker.actor, asker.organisation, asker.role, asker.client, asker.purpose, 182, x.task is not null, x.basis,
           coalesce(x.citizen, (select p.citizen from work.piece p where p.task = row_id)), array[row_id], array[coalesce(x.version, 0)], asker.trace, x.concerns
    from (select 1) one left join seen x on true
  )
  select g.task, g.version, g.body, g.kind, g.status, q.name, coalesce(o.name, ''), coalesce(h.name, ''), coalesce(a.name, ''), work.of_unit(asker, g.asked),
         w.name, g.urgent, g.asked_at, g.moved_at, g.due_at, g.deadline_at, g.step, e.name, g.over, c.patient, c.name, c.cpr, c.birth_date,
         g.asked is distinct from g.holder and g.asked is not null and not work.seen_by_unit(g.asked, g.task, asker.at),
         g.owner, work.of_unit(asker, g.owner), work.of_unit(asker, g.requester) or work.of_unit(asker, g.origin), work.of_unit(asker, g.holder),
         (select coalesce(jsonb_agg(jsonb_build_object('what', m.what, 'at', m.at, 'unit', u.name, 'to_unit', t.name, 'person', n.name) order by m.id), '[]')
          from work.move m left join registries.organisation u on u.key = m.unit left join registries.organisation t on t.key = m.to_unit
          left join registries.professional n on n.key = m.to_person where m.task = g.task)
  from seen g
  left join registries.citizen c on c.key = g.citizen
  left join registries.organisation q on q.key = g.requester left join registries.organisation o on o.key = g.owner
  left join registries.organisation h on h.key = g.holder left join registries.organisation a on a.key = g.asked
  left join registries.organisation e on e.key = g.escalated_to left join registries.professional w on w.key = g.assignee;
end $$;
alter function work.one_piece(fhir.ask, uuid) owner to helhed_work;
revoke execute on function work.one_piece(fhir.ask, uuid) from public;
grant execute on function work.one_piece(fhir.ask, uuid) to helhed_app;
