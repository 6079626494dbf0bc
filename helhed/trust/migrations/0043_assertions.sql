-- Phase: pre. Whose assertions are taken, and which clients may change them for tokens: new tables that older code does not know.

create table trust.assertion_issuer (
  issuer text primary key,
  name text not null,
  profile text not null,             -- a profile of trust/policy/assertions.json
  certificates text[] not null,      -- PEM: the one in use, and the next
  trusted_at timestamptz not null,
  ended_at timestamptz not null default 'infinity',
  vouches_for text[] not null check (vouches_for <@ array['professional', 'citizen'] and cardinality(vouches_for) > 0)
);

create table trust.exchange_client (
  client text primary key references trust.client (id),
  care_providers text[] not null,    -- whom its assertions may speak for: the kind of number, a bar, the number
  citizens boolean not null,         -- whether citizens' assertions are taken from it
  allowed_at timestamptz not null,
  ended_at timestamptz not null default 'infinity'
);

create function trust.assertion_issuer_named(wanted text, moment timestamptz) returns table (profile text, certificates text[], vouches_for text[])
language sql stable security definer set search_path = trust, pg_temp as $$
  select i.profile, i.certificates, i.vouches_for from trust.assertion_issuer i
  where i.issuer = wanted and i.trusted_at <= moment and moment < i.ended_at
$$;

create function trust.may_exchange(wanted text, moment timestamptz) returns table (care_providers text[], citizens boolean)
language sql stable security definer set search_path = trust, pg_temp as $$
  select e.care_providers, e.citizens from trust.exchange_client e where e.client = wanted and e.allowed_at <= moment and moment < e.ended_at
$$;

-- Whether what a token was exchanged for still holds, as it did when the token was made: the issuer is trusted for such people, and the
-- client may bring those of this care provider (null: citizens).
create function trust.exchange_holds(by_issuer text, by_client text, place text, begun timestamptz, moment timestamptz) returns boolean
language sql stable as $$
  select exists (select from trust.assertion_issuer i where i.issuer = by_issuer and i.trusted_at <= begun and moment < i.ended_at
                 and case when place is null then 'citizen' else 'professional' end = any(i.vouches_for))
    and exists (select from trust.exchange_client e where e.client = by_client and e.allowed_at <= begun and moment < e.ended_at
                and case when place is null then e.citizens else place = any(e.care_providers) end)
$$;
alter function trust.exchange_holds(text, text, text, timestamptz, timestamptz) owner to helhed_trust;

do $$
declare
  name text;
  signature text;
begin
  foreach name in array array['assertion_issuer', 'exchange_client'] loop
    execute format('alter table trust.%I owner to helhed_trust', name);
  end loop;
  foreach signature in array array['trust.assertion_issuer_named(text, timestamptz)', 'trust.may_exchange(text, timestamptz)'] loop
    execute format('alter function %s owner to helhed_trust', signature);
    execute format('grant execute on function %s to helhed_app', signature);
  end loop;
end $$;
