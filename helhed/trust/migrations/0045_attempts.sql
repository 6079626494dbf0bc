-- Phase: pre. Failed attempts at the endpoints of the authorisation server, counted for all workers together. Older code counts by itself
-- and knows nothing of this.

create table trust.failed_attempt (
  who bytea primary key,              -- digest of the client that was named and the address it came from
  moments timestamptz[] not null,     -- of the last failures, the newest last
  last_at timestamptz not null
);
create index failed_attempt_last on trust.failed_attempt (last_at);
alter table trust.failed_attempt owner to helhed_trust;

create function trust.attempts_lately(whose bytea, moment timestamptz, within interval) returns int
language sql stable security definer set search_path = trust, pg_temp as $$
  select coalesce((select count(*)::int from trust.failed_attempt f, unnest(f.moments) m where f.who = whose and m > moment - within), 0)
$$;

-- One more. Of each no more failures are kept than count, and of all no more than are known: the oldest goes.
create function trust.note_attempt(whose bytea, moment timestamptz, within interval, most_failed int, most_known int) returns void
language plpgsql security definer set search_path = trust, pg_temp as $$
begin
  perform set_config('synchronous_commit', 'off', true);  -- what a machine that dies forgets is the last moment's counts
  insert into trust.failed_attempt as f values (whose, array[moment], moment)
  on conflict (who) do update set last_at = greatest(f.last_at, excluded.last_at),
    moments = (select array_agg(x.at order by x.at) from (
      select m as at from unnest(f.moments || excluded.moments) m where m > moment - within order by m desc limit most_failed) x);
  delete from trust.failed_attempt f where f.who in (
    select x.who from trust.failed_attempt x where x.last_at <= moment - within limit 100 for update skip locked);
  delete from trust.failed_attempt f where f.who in (
    select x.who from trust.failed_attempt x order by x.last_at desc offset most_known limit 100 for update skip locked);
end $$;

-- What counts no more.
create function trust.forget_attempts(moment timestamptz, within interval) returns void
language sql security definer set search_path = trust, pg_temp as $$
  delete from trust.failed_attempt f where f.last_at <= moment - within
$$;

do $$
declare signature regprocedure;
begin
  foreach signature in array array['trust.attempts_lately(bytea, timestamptz, interval)', 'trust.note_attempt(bytea, timestamptz, interval, int, int)',
                                   'trust.forget_attempts(timestamptz, interval)']::regprocedure[] loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
