-- Phase: pre. Finding units by a word that few or none have, such as one that is spelt wrongly, no longer walks through all of them. Older code asks the
-- same function, and is answered the same.

-- Units that may have a word, as runs of its letters stand in their names: those it is looked for in, when they are few.
create function registries.is_rare(word text) returns boolean
language sql stable set search_path = registries, pg_temp as $$
  select length(word) >= 3 and (
    select count(*) from (select from registries.unit_name u where registries.grams(u.path) @> registries.grams(word) limit 500) c) < 500
$$;

-- As units_by_word, by looking at each that may have it.
create function registries.units_by_rare_word(word text, on_day date, row_limit int) returns table (place bigint, key bigint)
language sql stable rows 20 set search_path = registries, pg_temp as $$
  select row_number() over (), b.key from (
    select u.key from registries.unit_name u
    where registries.grams(u.path) @> registries.grams(word) and position(word in u.own) > 0 and (
      select f.said -> 'active' is distinct from 'false' from registries.unit_fact f
      where f.unit = u.key and f.known_to = 'infinity' and f.valid_from <= on_day and on_day < f.valid_to and f.said is not null)
    order by position(' ' || word in ' ' || u.own) = 0, length(u.own), u.own, u.key limit row_limit) b
$$;

-- As before; and where no word has three letters, the index knows nothing of them: asked all the same, it took seconds.
-- By several: each stands somewhere in the unit's own name or in the names of those above, one at least in its own. First those in whose own
-- name more of them stand, then those in which more begin words, then the shorter names. The conditions are written out for as many words
-- as there are: unnesting them for each of thousands of names takes five times as long.
create or replace function registries.units_by_words(words text[], on_day date, row_limit int) returns table (place bigint, key bigint)
language plpgsql stable rows 20 set search_path = registries, pg_temp as $$
declare
  each text[] := array(select format('$1[%s]', n) from generate_subscripts(words, 1) n);
  stands text := (select string_agg(format('(position(%s in u.own) > 0)::int', w), ' + ') from unnest(each) w);
  begins text := (select string_agg(format('(position('' '' || %s in '' '' || u.own) > 0)::int', w), ' + ') from unnest(each) w);
  lettered text := case when exists (select from unnest(words) w where length(w) >= 3) then 'registries.grams(u.path) @> $2 and ' else '' end;
  somewhere text := (select string_agg(format('position(%s in u.path) > 0', w), ' and ') from unnest(each) w);
begin
  return query execute format($sql$
    select row_number() over (), f.key from (
      select r.key from (
        select c.key from (
          select u.key, u.own, %s as hits, %s as begins from registries.unit_name u
          where %s%s offset 0
        ) c where c.hits > 0 order by c.hits desc, c.begins desc, length(c.own), c.own, c.key offset 0
      ) r where (
        select f.said -> 'active' is distinct from 'false' from registries.unit_fact f
        where f.unit = r.key and f.known_to = 'infinity' and f.valid_from <= $3 and $3 < f.valid_to and f.said is not null)
      limit $4
    ) f $sql$, stands, begins, lettered, somewhere)
  using words, array(select distinct g from unnest(words) w cross join unnest(registries.grams(w)) g), on_day, row_limit;
end $$;

create or replace function registries.find_units(words text[], on_day date, row_limit int)
returns table (key bigint, id uuid, name text, sor text, above text[])
language plpgsql stable security definer set search_path = registries, pg_temp as $$
declare
  rare boolean := cardinality(words) = 1 and registries.is_rare(words[1]);
begin
  return query
  with found as materialized (
    select f.place, f.key from registries.units_by_rare_word(words[1], on_day, row_limit) f where rare
    union all
    select f.place, f.key from registries.units_by_word(words[1], on_day, row_limit) f where cardinality(words) = 1 and not rare
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
      and p.proname in ('is_rare', 'units_by_rare_word') loop
    execute format('alter function %s owner to helhed_registries', signature);
    execute format('revoke execute on function %s from public', signature);
  end loop;
end $$;
