-- Phase: pre. Finding units by one word that thousands have is as quick as by one that few have. Older code calls it as before.

-- The order in which units that are found by one word are told: whoever needs twenty of them walks along it.
create index unit_name_short on registries.unit_name (length(own), own, key);

-- Units open on a day by one word: first those in whose own name it begins a word, then the shorter names. A walk along the index that ends
-- with the last one that is wanted, however many there are.
create function registries.units_by_word(word text, on_day date, row_limit int) returns table (place bigint, key bigint)
language plpgsql stable set search_path = registries, pg_temp set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  found int;
begin
  return query
  select row_number() over (), b.key from (
    select u.key from registries.unit_name u
    where position(' ' || word in ' ' || u.own) > 0 and (
      select f.said -> 'active' is distinct from 'false' from registries.unit_fact f
      where f.unit = u.key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to and f.said is not null)
    order by length(u.own), u.own, u.key limit row_limit) b;
  get diagnostics found = row_count;
  return query
  select found + row_number() over (), b.key from (
    select u.key from registries.unit_name u
    where position(word in u.own) > 0 and position(' ' || word in ' ' || u.own) = 0 and (
      select f.said -> 'active' is distinct from 'false' from registries.unit_fact f
      where f.unit = u.key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to and f.said is not null)
    order by length(u.own), u.own, u.key limit row_limit - found) b;
end $$;

-- By several: each stands somewhere in the unit's own name or in the names of those above, one at least in its own. First those in whose own
-- name more of them stand, then those in which more begin words, then the shorter names. The conditions are written out for as many words
-- as there are: unnesting them for each of thousands of names takes five times as long.
create function registries.units_by_words(words text[], on_day date, row_limit int) returns table (place bigint, key bigint)
language plpgsql stable set search_path = registries, pg_temp as $$
declare
  each text[] := array(select format('$1[%s]', n) from generate_subscripts(words, 1) n);
  stands text := (select string_agg(format('(position(%s in u.own) > 0)::int', w), ' + ') from unnest(each) w);
  begins text := (select string_agg(format('(position('' '' || %s in '' '' || u.own) > 0)::int', w), ' + ') from unnest(each) w);
  somewhere text := (select string_agg(format('position(%s in u.path) > 0', w), ' and ') from unnest(each) w);
begin
  return query execute format($sql$
    select row_number() over (), f.key from (
      select r.key from (
        select c.key from (
          select u.key, u.own, %s as hits, %s as begins from registries.unit_name u
          where registries.grams(u.path) @> $2 and %s offset 0
        ) c where c.hits > 0 order by c.hits desc, c.begins desc, length(c.own), c.own, c.key offset 0
      ) r where (
        select f.said -> 'active' is distinct from 'false' from registries.unit_fact f
        where f.unit = r.key and f.known_to = 'infinity' and f.valid_from <= $3 and $3 < f.valid_to and f.said is not null)
      limit $4
    ) f $sql$, stands, begins, somewhere)
  using words, array(select distinct g from unnest(words) w cross join unnest(registries.grams(w)) g), on_day, row_limit;
end $$;

create or replace function registries.find_units(words text[], on_day date, row_limit int)
returns table (key bigint, id uuid, name text, sor text, above text[])
language plpgsql stable security definer set search_path = registries, pg_temp as $$
begin
  return query
  with found as materialized (
    select f.place, f.key from registries.units_by_word(words[1], on_day, row_limit) f where cardinality(words) = 1
    union all
    select f.place, f.key from registries.units_by_words(words, on_day, row_limit) f where cardinality(words) > 1
  )
  select o.key, o.id, o.name, o.sor, array(
    select x.name from unnest(o.places) with ordinality p(key, n) join registries.organisation x on x.key = p.key where p.n > 1 order by p.n)
  from found f join registries.organisation o on o.key = f.key order by f.place;
end $$;

do $$
declare signature regprocedure;
begin
  for signature in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = 'registries'::regnamespace
      and p.proname in ('units_by_word', 'units_by_words') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
end $$;
