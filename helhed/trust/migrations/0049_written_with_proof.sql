-- Phase: pre. Tables that widen who may see what, and the records they follow from, are written with a proof (foundation 0006), each
-- for its own duties. Older code proves nothing and is let write for as long as foundation.proof_demand says. Roles, duties, deadlines
-- and offices follow from the dated policy: whoever prepares the server writes them, and nobody who serves.
do $$
declare
  wanted record;
  signature regprocedure;
begin
  for wanted in
    select t.name, d.duties from (values
      ('''store''', array['fhir.resource', 'registries.citizen', 'registries.citizen_identifier', 'registries.organisation',
        'registries.professional', 'registries.professional_identifier', 'trust.past_contact']),
      ('''store'', ''person''', array['registries.unit_fact', 'registries.unit_plan', 'trust.employment', 'trust.mask', 'trust.recorder', 'trust.relation']),
      ('''person''', array['registries.citizen_link', 'trust.acting', 'trust.assistance', 'trust.block', 'trust.counter_act', 'trust.help', 'trust.mandate_offer',
        'trust.opening', 'trust.passkey', 'trust.passkey_invitation', 'trust.relative', 'trust.shield']),
      ('''apps''', array['trust.authorisation', 'trust.authorisation_code', 'trust.client', 'trust.launch', 'trust.refresh_token']),
      ('''witness''', array['foundation.log_cosignature']),
      -- nobody who serves has these duties
      ('''operator''', array['registries.keeper', 'trust.age_limit', 'trust.assertion_issuer', 'trust.counter_document', 'trust.deadline', 'trust.duty',
        'trust.emergency_rule', 'trust.exchange_client', 'trust.log_office', 'trust.role', 'trust.software_issuer', 'trust.system_client'])
    ) as d(duties, names), unnest(d.names) as t(name)
  loop
    execute format('create trigger only_proven before insert or update or delete on %s for each statement execute function foundation.only_proven(%s)',
                   wanted.name, wanted.duties);
  end loop;
  -- A subscription is an ask that is put again by itself: whose, about what and to where is written with proof, and how far it was told is not.
  create trigger only_proven before insert or delete or update of kind, actor, organisation, role, purpose, client, read_types, authorisation, type,
    citizen, criteria, endpoint, headers, content, ends_at on trust.subscription for each statement execute function foundation.only_proven('person');
  foreach signature in array array['trust.put_duties(text[], text[])', 'trust.put_counter_documents(text[], text[])', 'trust.put_log_offices(text[])']::regprocedure[] loop
    execute format('revoke execute on function %s from helhed_app', signature);
  end loop;
end $$;

-- The relations that these sources register, and no others. A contact (class A) gives one only to the organisation that wrote it or a
-- unit beneath: nobody opens a record for somebody else, or through a place that a block does not reach. Each follows from a row of
-- this transaction, whoever calls: a proof says that something is stored, the row says what.
create or replace function trust.put_relations(sources uuid[], registered uuid[], citizens bigint[], organisations bigint[], classes smallint[],
                                               starts timestamptz[], ends timestamptz[], writers bigint[])
returns void language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.relation r where r.source = any(sources);
  insert into trust.relation (source, citizen, organisation, class, valid_from, valid_to)
  select q.source, q.citizen, q.organisation, q.class, q.valid_from, q.valid_to
  from unnest(registered, citizens, organisations, classes, starts, ends, writers)
    as q(source, citizen, organisation, class, valid_from, valid_to, writer)
  where (q.class <> 2 or trust.is_within(q.organisation, q.writer)) and trust.just_stored(q.source, q.citizen)
  on conflict do nothing
$$;

-- Jobs, each registered by the custodian of its place or of one above it, or by a keeper of the directory, in a row of this
-- transaction; answers how many were taken up.
create or replace function trust.put_employments(sources uuid[], professionals bigint[], organisations bigint[], roles text[],
                                                 starts timestamptz[], ends timestamptz[], writers bigint[])
returns bigint language sql security definer set search_path = trust, pg_temp as $$
  with taken as (
    insert into trust.employment
    select q.source, q.professional, q.organisation, q.role, q.valid_from, q.valid_to
    from unnest(sources, professionals, organisations, roles, starts, ends, writers)
      as q(source, professional, organisation, role, valid_from, valid_to, writer)
    where (trust.is_within(q.organisation, q.writer) or exists (select from registries.keeper k where k.organisation = q.writer))
      and trust.just_stored(q.source, null)
    on conflict (source) do update set professional = excluded.professional, organisation = excluded.organisation,
      role = excluded.role, valid_from = excluded.valid_from, valid_to = excluded.valid_to
    returning 1
  )
  select count(*) from taken
$$;
