-- Phase: pre. What citizens are told of: one row for each notice, written in the transaction that it tells of, so that neither is
-- there without the other. New only: older code tells nobody, and reads nothing of it.

create table trust.notice (
  id uuid primary key default gen_random_uuid(),
  citizen bigint not null,
  at timestamptz not null,
  kind text not null,               -- a kind of trust/policy/notices.json
  about uuid not null,              -- the ticket, consent, mandate, relation or report that it tells of
  professional bigint,              -- who did it, when somebody did
  organisation bigint,
  read_at timestamptz,
  unique (about, kind, citizen)     -- told once
);
create index notice_citizen on trust.notice (citizen, at desc);
alter table trust.notice owner to helhed_trust;

-- Tell a citizen. Only functions of this room call it.
create function trust.tell(citizen_key bigint, moment timestamptz, what text, about uuid, by_professional bigint, by_organisation bigint)
returns void language sql security definer set search_path = trust, pg_temp
begin atomic
  insert into trust.notice (citizen, at, kind, about, professional, organisation)
  values (citizen_key, moment, what, tell.about, by_professional, by_organisation)
  on conflict on constraint notice_about_kind_citizen_key do nothing;
end;
alter function trust.tell(bigint, timestamptz, text, uuid, bigint, bigint) owner to helhed_trust;
