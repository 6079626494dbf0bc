-- Phase: pre. Searches for words (_text, _content): the bodies of a few citizens' rows are read through; there is no index
-- of words. Plans name whose rows, and the application refuses such a search without.

-- Whether every word stands in a text, in whatever case.
create function fhir.has_words(written text, words text[]) returns boolean language sql immutable parallel safe
return (select coalesce(bool_and(position(lower(w) in lower(written)) > 0), false) from unnest(words) w);

-- The words of the narrative, without its markup.
create function fhir.where_text(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  '(%1$s.citizen = any(%2$L::bigint[]) and fhir.has_words(regexp_replace(convert_from(%1$s.body, ''UTF8'')::jsonb #>> ''{text,div}'', ''<[^>]*>'', '' '', ''g''), %3$L::text[]))',
  alias, fhir.array_text(condition -> 'citizens'), fhir.texts(condition -> 'words'));

-- The words of everything that is written in a row.
create function fhir.where_content(condition jsonb, alias text, depth int) returns text language sql stable
return format(
  '(%1$s.citizen = any(%2$L::bigint[]) and fhir.has_words((select string_agg(w #>> ''{}'', '' '') from '
  'jsonb_path_query(convert_from(%1$s.body, ''UTF8'')::jsonb, ''$.** ? (@.type() == "string")'') w), %3$L::text[]))',
  alias, fhir.array_text(condition -> 'citizens'), fhir.texts(condition -> 'words'));

do $$
declare signature regprocedure;
begin
  for signature in select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'fhir'::regnamespace and p.proname in ('has_words', 'where_text', 'where_content')
  loop
    execute format('alter function %s owner to helhed_fhir', signature);
  end loop;
end $$;
