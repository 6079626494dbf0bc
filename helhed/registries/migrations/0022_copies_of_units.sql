-- Phase: pre. Local copies of the register: whole, and what changed since. Which transaction wrote or ended a statement is kept beside it: moments
-- would miss one that began earlier and was committed later. Older code writes as before, and the columns fill themselves.
alter table registries.unit_fact add column written xid8 not null default pg_current_xact_id(), add column ended xid8;
alter table registries.unit_listing add column written xid8 not null default pg_current_xact_id(), add column ended xid8;
alter table registries.shak_map add column written xid8 not null default pg_current_xact_id(), add column ended xid8;

create function registries.note_ended() returns trigger language plpgsql set search_path = registries, pg_temp as $$
begin
  new.ended := pg_current_xact_id();
  return new;
end $$;
create trigger note_ended before update of known_to on registries.unit_fact for each row execute function registries.note_ended();
create trigger note_ended before update of known_to on registries.unit_listing for each row execute function registries.note_ended();
create trigger note_ended before update of known_to on registries.shak_map for each row execute function registries.note_ended();
create index unit_fact_written on registries.unit_fact (written);
create index unit_fact_ended on registries.unit_fact (ended) where ended is not null;
create index unit_listing_written on registries.unit_listing (written);
create index unit_listing_ended on registries.unit_listing (ended) where ended is not null;

-- Whether a snapshot can be of this database: one of another, or of a time that was restored away, is none.
create function registries.copy_follows(since pg_snapshot) returns boolean language sql stable set search_path = registries, pg_temp as $$
  select since is null or pg_snapshot_xmax(since) <= pg_snapshot_xmax(pg_current_snapshot())
$$;

-- Statements that were written or ended since a snapshot (null: all), in the order of their kind and number, after one. The first column of
-- each is the snapshot that the next copy follows; a statement of a transaction that is still under way is in the next.
create function registries.unit_copy(since pg_snapshot, after_kind text, after_id bigint, row_limit int)
returns table (until pg_snapshot, kind text, id bigint, line jsonb) language sql stable security definer set search_path = registries, pg_temp as $$
  with told as (
    select 'unit' as kind, f.id, f.written, f.ended, jsonb_build_object('unit', o.id, 'sor', o.sor, 'from', f.valid_from, 'to', nullif(f.valid_to, 'infinity'),
             'knownFrom', f.known_from, 'knownTo', nullif(f.known_to, 'infinity'), 'said', f.said) as line
    from registries.unit_fact f join registries.organisation o on o.key = f.unit
    where since is null or f.written >= pg_snapshot_xmin(since) or f.ended >= pg_snapshot_xmin(since)
    union all
    select 'listing', l.id, l.written, l.ended, jsonb_build_object('unit', o.id, 'source', l.type || '/' || l.source,
             'from', nullif(l.valid_from, '-infinity'), 'to', nullif(l.valid_to, 'infinity'),
             'knownFrom', l.known_from, 'knownTo', nullif(l.known_to, 'infinity'), 'said', l.said)
    from registries.unit_listing l join registries.organisation o on o.key = l.unit
    where since is null or l.written >= pg_snapshot_xmin(since) or l.ended >= pg_snapshot_xmin(since)
    union all
    select 'shak', m.id, m.written, m.ended, jsonb_build_object('shak', m.shak, 'sor', m.sor, 'from', m.valid_from, 'to', nullif(m.valid_to, 'infinity'),
             'knownFrom', m.known_from, 'knownTo', nullif(m.known_to, 'infinity'))
    from registries.shak_map m
    where since is null or m.written >= pg_snapshot_xmin(since) or m.ended >= pg_snapshot_xmin(since)
  )
  select pg_current_snapshot(), t.kind, t.id, t.line from told t
  where (since is null or not pg_visible_in_snapshot(t.written, since) or (t.ended is not null and not pg_visible_in_snapshot(t.ended, since)))
    and (t.kind, t.id) > (after_kind, after_id)
  order by t.kind, t.id limit row_limit
$$;

do $$
declare signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('note_ended', 'copy_follows', 'unit_copy') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
  grant execute on function registries.copy_follows(pg_snapshot), registries.unit_copy(pg_snapshot, text, bigint, int) to helhed_app;
end $$;
