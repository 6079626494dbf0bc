-- Phase: pre. Relations from appointments and from visitation: a place registers them for itself or for a unit beneath, never for
-- somebody else. A new function; what was stored before gives its relation when it is written again.

create function trust.add_own_relations(registered uuid[], citizens bigint[], organisations bigint[], classes smallint[],
                                        starts timestamptz[], ends timestamptz[], writers bigint[])
returns void language sql security definer set search_path = trust, pg_temp as $$
  insert into trust.relation (source, citizen, organisation, class, valid_from, valid_to)
  select q.source, q.citizen, q.organisation, q.class, q.valid_from, q.valid_to
  from unnest(registered, citizens, organisations, classes, starts, ends, writers)
    as q(source, citizen, organisation, class, valid_from, valid_to, writer)
  where trust.is_within(q.organisation, q.writer) and q.valid_from < q.valid_to and trust.just_stored(q.source, q.citizen)
  on conflict do nothing
$$;
alter function trust.add_own_relations(uuid[], bigint[], bigint[], smallint[], timestamptz[], timestamptz[], bigint[]) owner to helhed_trust;
grant execute on function trust.add_own_relations(uuid[], bigint[], bigint[], smallint[], timestamptz[], timestamptz[], bigint[]) to helhed_app;
