"""Whose assertions are taken, and which systems may change them for tokens, as the operator keeps them."""

from datetime import datetime
from typing import Any, NamedTuple

from cryptography import x509

from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Unknown
from helhed.trust.identity.exchange.policy import profiles

_TRUST = """
insert into trust.assertion_issuer as known (issuer, name, profile, certificates, trusted_at, vouches_for) values ($1, $2, $3, $4, $5, $6)
on conflict (issuer) do update set name = excluded.name, profile = excluded.profile, certificates = excluded.certificates,
  vouches_for = excluded.vouches_for, ended_at = 'infinity',
  trusted_at = case when known.ended_at <= excluded.trusted_at then excluded.trusted_at else known.trusted_at end"""
_TRUST_NO_MORE = "update trust.assertion_issuer set ended_at = $2 where issuer = $1 and ended_at > $2 returning issuer"
_ALLOW = """
insert into trust.exchange_client as known (client, care_providers, citizens, allowed_at)
select c.id, $2, $3, $4 from trust.client c where c.id = $1 and c.kind = 'system' and c.ended_at > $4
on conflict (client) do update set care_providers = excluded.care_providers, citizens = excluded.citizens, ended_at = 'infinity',
  allowed_at = case when known.ended_at <= excluded.allowed_at then excluded.allowed_at else known.allowed_at end
returning client"""
_ALLOW_NO_MORE = "update trust.exchange_client set ended_at = $2 where client = $1 and ended_at > $2 returning client"
_ISSUERS = "select issuer, name, profile from trust.assertion_issuer where ended_at > $1 order by issuer"
_CLIENTS = "select client, care_providers, citizens from trust.exchange_client where ended_at > $1 order by client"


PEOPLE = frozenset({"citizen", "professional"})  #: whom an issuer may vouch for


class Issuer(NamedTuple):
    """Whose assertions are taken."""

    issuer: str
    name: str
    profile: str


class Exchanger(NamedTuple):
    """Who may change them."""

    client: str
    care_providers: list[str]
    citizens: bool


async def trust(connection: Connection, told: dict[str, Any], now: datetime) -> str:
    """Takes assertions of an issuer from now on, or by its new certificates. Raises BadRequest."""
    try:
        issuer, name, profile, certificates = (told[key] for key in ("issuer", "name", "profile", "certificates"))
        vouches_for = list(told["vouches_for"])
        for one in certificates:
            x509.load_pem_x509_certificate(one.encode())
        if not (issuer and name and certificates and vouches_for and profile in profiles()):
            raise ValueError
        if not all(isinstance(one, str) for one in (issuer, name)) or not set(vouches_for) <= PEOPLE:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        known = " or ".join(profiles())
        people = " and ".join(sorted(PEOPLE))
        said = f"Say issuer, name, profile ({known}), vouches_for as a list of {people}, and certificates as a list of PEM texts."
        raise BadRequest(said) from None
    await connection.execute(_TRUST, issuer, name, profile, certificates, now, vouches_for)
    return str(issuer)


async def trust_no_more(connection: Connection, issuer: str, now: datetime) -> None:
    """Takes them no longer, from the next request on. Raises Unknown."""
    if await connection.fetchval(_TRUST_NO_MORE, issuer, now) is None:
        raise Unknown("Assertions of that issuer are not taken.")


async def allow(connection: Connection, told: dict[str, Any], now: datetime) -> str:
    """Lets a system change assertions about people of these care providers. Raises BadRequest or Unknown."""
    client, providers, citizens = told.get("client_id"), told.get("care_providers", []), told.get("citizens", False)
    sound = isinstance(providers, list) and all(isinstance(one, str) and one.count("|") == 1 for one in providers)
    if not isinstance(client, str) or not sound or not isinstance(citizens, bool) or not (providers or citizens):
        raise BadRequest('Say client_id, care_providers as ["cvr|12345678"], and citizens (true or false).')
    if await connection.fetchval(_ALLOW, client, providers, citizens, now) is None:
        raise Unknown("No system is registered by that client_id.")
    return client


async def allow_no_more(connection: Connection, client: str, now: datetime) -> None:
    """It changes none any more, from the next request on. Raises Unknown."""
    if await connection.fetchval(_ALLOW_NO_MORE, client, now) is None:
        raise Unknown("That client changes no assertions.")


async def listed(connection: Connection, now: datetime) -> tuple[list[Issuer], list[Exchanger]]:
    """Both lists."""
    issuers = [Issuer(*row) for row in await connection.fetch(_ISSUERS, now)]
    return issuers, [Exchanger(*row) for row in await connection.fetch(_CLIENTS, now)]
