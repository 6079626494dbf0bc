-- Phase: first. Searches inside one citizen's record, many in one statement: nearly all of the traffic.
--
-- A wish is one such search: every token of all_tokens, at least one of any_tokens and of more_tokens when they are given,
-- none of no_tokens; date_prefix with its range on the primary date; newest first, after a cursor.
create type fhir.wish as (
  citizen bigint, type smallint, code bigint, all_tokens bigint[], any_tokens bigint[], more_tokens bigint[],
  no_tokens bigint[], date_prefix text, lo timestamptz, hi timestamptz, after_date timestamptz, after_id uuid, row_count int
);
alter type fhir.wish owner to helhed_fhir;

create function fhir.search_record_many(asks fhir.ask[], wishes fhir.wish[])
returns table (n bigint, rank int, id uuid, version int, updated timestamptz, dated text, body bytea)
language plpgsql security definer set search_path = fhir, pg_temp as $$
begin
  return query
  with asked as materialized (
    select row(q.kind, q.actor, q.organisation, q.role, q.purpose, q.client, q.read_types, q.write_types, q.at, q.trace)::fhir.ask as asker,
           row(q.citizen, q.type, q.code, q.all_tokens, q.any_tokens, q.more_tokens, q.no_tokens, q.date_prefix, q.lo, q.hi,
               q.after_date, q.after_id, q.row_count)::fhir.wish as wish, q.n
    from unnest(asks, wishes) with ordinality
      as q(kind, actor, organisation, role, purpose, client, read_types, write_types, at, trace,
           citizen, type, code, all_tokens, any_tokens, more_tokens, no_tokens, date_prefix, lo, hi, after_date, after_id, row_count, n)
  ), stood as materialized (
    select a.*, s as stand from asked a cross join lateral fhir.stand(a.asker) s
  ), seen as materialized (
    select a.n, row_number() over (partition by a.n order by r.date_lo desc, r.id desc)::int as rank,
           r.id, r.version, r.updated, r.date_lo, r.body, r.basis
    from stood a cross join lateral (
      select found.*, b.basis from (
        (select x.* from fhir.resource x
         where (a.wish).code is not null and x.citizen = (a.wish).citizen and x.type = (a.wish).type
           and x.code in ((a.wish).code, 0) and fhir.meets(x.deleted, x.tokens, x.date_lo, x.date_hi, x.id, a.wish)
         order by x.date_lo desc, x.id desc offset 0)
        union all
        (select x.* from fhir.resource x
         where (a.wish).code is null and x.citizen = (a.wish).citizen and x.type = (a.wish).type
           and fhir.meets(x.deleted, x.tokens, x.date_lo, x.date_hi, x.id, a.wish)
         order by x.date_lo desc, x.id desc offset 0)
      ) found cross join lateral fhir.basis(a.asker, a.stand, found.citizen, found.origin, found.type, found.ownership) b
      limit (a.wish).row_count + 1
    ) r
  ), logged as (
    insert into foundation.access_log
      (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, type, resources, versions, trace)
    select (a.asker).at, (a.asker).kind, (a.asker).actor, (a.asker).organisation, (a.asker).role, (a.asker).client,
           (a.asker).purpose, 4, b.basis is not null or v.resources is not null, coalesce(v.basis, b.basis), (a.wish).citizen,
           (a.wish).type, coalesce(v.resources, '{}'), coalesce(v.versions, '{}'), (a.asker).trace
    from stood a
    left join lateral (
      select array_agg(s.id) as resources, array_agg(s.version) as versions, min(s.basis) as basis
      from seen s where s.n = a.n and s.rank <= (a.wish).row_count
    ) v on true
    left join lateral fhir.basis(a.asker, a.stand, (a.wish).citizen, null, (a.wish).type, 1::smallint) b on true
  )
  select s.n, s.rank, s.id, s.version, s.updated, s.date_lo::text, s.body from seen s order by s.n, s.rank;
end $$;

create function fhir.meets(deleted boolean, tokens bigint[], date_lo timestamptz, date_hi timestamptz, id uuid, wish fhir.wish)
returns boolean language sql immutable parallel safe
return not deleted
  and ((wish).all_tokens is null or tokens @> (wish).all_tokens)
  and ((wish).any_tokens is null or tokens && (wish).any_tokens)
  and ((wish).more_tokens is null or tokens && (wish).more_tokens)
  and ((wish).no_tokens is null or not tokens && (wish).no_tokens)
  and ((wish).date_prefix is null or fhir.date_matches((wish).date_prefix, (wish).lo, (wish).hi, date_lo, date_hi))
  and ((wish).after_id is null or (date_lo, id) < ((wish).after_date, (wish).after_id));

alter function fhir.meets(boolean, bigint[], timestamptz, timestamptz, uuid, fhir.wish) owner to helhed_fhir;
alter function fhir.search_record_many(fhir.ask[], fhir.wish[]) owner to helhed_fhir;
grant execute on function fhir.search_record_many(fhir.ask[], fhir.wish[]) to helhed_app;
