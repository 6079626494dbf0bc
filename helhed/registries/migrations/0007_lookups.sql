-- Phase: pre. How many different people somebody looks up, counted by all workers together; older code counts by itself.
--
-- Who asks and who is asked for are keyed digests: the table alone names nobody.
create table registries.lookup (
  asker bytea not null,
  person bytea not null,
  at timestamptz not null,
  primary key (asker, person)
) with (fillfactor = 70);  -- room beside a row for its next moment
alter table registries.lookup owner to helhed_registries;

-- One asker names people now. Each limit says how many within so many seconds are slowed and how many refused. Somebody known
-- within a limit's time is not held by that limit, and one who is refused is not counted.
create function registries.note_lookups(asker bytea, people bytea[], moment timestamptz, seconds int[], slow_after int[], refuse_after int[],
                                        out slowed boolean, out refused boolean)
language plpgsql security definer set search_path = registries, pg_temp as $$
declare
  one bytea;
  known timestamptz;
  slow boolean;
  refuse boolean;
begin
  perform set_config('synchronous_commit', 'off', true);  -- what a machine that dies forgets is the last moment's counts
  perform pg_advisory_xact_lock(hashtextextended(encode(note_lookups.asker, 'hex'), 0));  -- one at a time, whichever worker
  slowed := false;
  refused := false;
  delete from lookup l where l.asker = note_lookups.asker
    and l.at <= moment - make_interval(secs => (select max(s) from unnest(seconds) s));
  foreach one in array people loop
    known := (select l.at from lookup l where l.asker = note_lookups.asker and l.person = one);
    select coalesce(bool_or(c.many >= x.slow), false), coalesce(bool_or(c.many >= x.refuse), false) into slow, refuse
    from unnest(seconds, slow_after, refuse_after) x(within, slow, refuse)
    cross join lateral (
      select count(*) as many from lookup l where l.asker = note_lookups.asker and l.at > moment - make_interval(secs => x.within)) c
    where known is null or known <= moment - make_interval(secs => x.within);
    slowed := slowed or slow;
    refused := refused or refuse;
    if not refuse then
      insert into lookup as l values (note_lookups.asker, one, moment)
      on conflict on constraint lookup_pkey do update set at = excluded.at;
    end if;
  end loop;
end $$;

-- What no limit looks at any more, of askers who did not come back.
create function registries.forget_lookups() returns void language sql security definer set search_path = registries, pg_temp
begin atomic
  delete from registries.lookup where at < clock_timestamp() - interval '2 days';
end;

alter function registries.note_lookups(bytea, bytea[], timestamptz, int[], int[], int[]) owner to helhed_registries;
alter function registries.forget_lookups() owner to helhed_registries;
grant execute on function registries.note_lookups(bytea, bytea[], timestamptz, int[], int[], int[]), registries.forget_lookups() to helhed_app;
