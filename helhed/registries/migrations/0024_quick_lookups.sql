-- Phase: pre. A look-up of a unit takes as long when a whole register was just taken in. Older code asks the same functions, and is answered sooner.

-- What is written goes into the index at once. Left in a list beside it, until somebody cleans up, every look-up would read all of the list:
-- 70 ms instead of 1 behind a register of 30,000 units.
alter index registries.unit_name_grams set (fastupdate = off);
alter index registries.unit_fact_identifiers set (fastupdate = off);
select gin_clean_pending_list('registries.unit_name_grams'), gin_clean_pending_list('registries.unit_fact_identifiers');

-- They answer a page, not thousands: whoever joins the units to what they found reads those units, and not the whole register.
alter function registries.units_by_word(text, date, int) rows 20;
alter function registries.units_by_words(text[], date, int) rows 20;
