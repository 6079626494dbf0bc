-- Phase: pre. Whoever is called Anne-Marie is found by Anne and by Marie, as names that are looked for are taken apart. Older code asks the same.

-- Letters as they are written without a Danish keyboard, and a word for each part of a name (`helhed.registries.matching.plain_words`).
create or replace function registries.plain_name(name text) returns text language sql immutable parallel safe
return replace(replace(replace(replace(name, 'æ', 'ae'), 'ø', 'oe'), 'å', 'aa'), '-', ' ');
