-- Phase: first. Who works in a place is found by an index: queues, lists of colleagues and counters ask it for one place among all. Reads alone use it.
create index employment_place on trust.employment (organisation, role);
