-- Phase: pre. The same function with the same verdicts; older code is answered by it too.
--
-- The planner holds a plan for the very parameters of a call cheaper than it is to make: it planned the whole decision anew in each write.
-- Planned once for each connection, the verdict costs a fifth. What it looks at is found by citizen and type, whoever they are.
alter function fhir.admit(fhir.ask, smallint, bigint[], smallint[], smallint[]) set plan_cache_mode = force_generic_plan;
