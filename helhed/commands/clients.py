"""Clients and the trust list, as the operator keeps them."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Conflict, Unknown
from helhed.trust.identity.clients import Client, client_row
from helhed.trust.identity.jose import Unsound, public_key
from helhed.trust.identity.registration import client_from

_ADD = """
insert into trust.client select c.* from (select ($1::trust.client).*) c
where c.organisation is null or exists (select from registries.organisation o where o.key = c.organisation)
on conflict (id) do nothing returning id"""
_LIST = """
select c.id, c.name, c.kind, c.profile, c.scope, c.ended_at < $1 as ended from trust.client c order by c.name, c.id"""
_RETIRE = "update trust.client set ended_at = $2 where id = $1 and ended_at > $2 returning id"
_TRUST = """
insert into trust.software_issuer (issuer, name, keys, trusted_at) values ($1, $2, $3, $4)
on conflict (issuer) do update set name = excluded.name, keys = excluded.keys, ended_at = 'infinity'"""
_TRUSTED = "select issuer, name from trust.software_issuer where ended_at > $1 order by issuer"
_TRUST_NO_MORE = "update trust.software_issuer set ended_at = $2 where issuer = $1 and ended_at > $2 returning issuer"
_FAR = timedelta(days=365_000)


class Listed(NamedTuple):
    """One client, for the operator's eyes."""

    id: str
    name: str
    kind: str
    profile: str
    scope: str
    ended: bool


async def register(connection: Connection, told: dict[str, Any], now: datetime) -> Client:
    """Registers a client. Raises OAuthError for what cannot be registered, Conflict or Unknown."""
    client = client_from(told, now)
    row = (*client_row(client)[:-1], now + _FAR)
    if await connection.fetchval(_ADD, row) is None:
        known = await connection.fetchval("select exists (select from trust.client where id = $1)", client.id)
        raise (
            Conflict("A client is registered by that client_id.")
            if known
            else Unknown("No organisation is registered here under that id.")
        )
    return client


async def listed(connection: Connection, now: datetime) -> list[Listed]:
    """Every client."""
    return [Listed(*row) for row in await connection.fetch(_LIST, now)]


async def retire(connection: Connection, id: str, now: datetime) -> None:
    """No longer: its tokens hold no more from the next request on. Raises Unknown."""
    if await connection.fetchval(_RETIRE, id, now) is None:
        raise Unknown("No client is registered by that client_id.")


async def trust(connection: Connection, told: dict[str, Any], now: datetime) -> str:
    """Takes an issuer of software statements on the trust list, or its new keys. Raises BadRequest."""
    try:
        issuer, name, keys = told["issuer"], told["name"], told["jwks"]["keys"]
        for key in keys:
            public_key(key)
        if not (issuer and name and keys and isinstance(issuer, str) and isinstance(name, str)):
            raise Unsound
    except (KeyError, TypeError, Unsound):
        raise BadRequest("Say issuer, name and jwks with public keys.") from None
    await connection.execute(_TRUST, issuer, name, json.dumps({"keys": keys}), now)
    return issuer


async def trusted(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """Who is on the trust list."""
    return [(row["issuer"], row["name"]) for row in await connection.fetch(_TRUSTED, now)]


async def trust_no_more(connection: Connection, issuer: str, now: datetime) -> None:
    """Takes an issuer off the trust list. Clients it vouched for stay until they are retired. Raises Unknown."""
    if await connection.fetchval(_TRUST_NO_MORE, issuer, now) is None:
        raise Unknown("That issuer is not on the trust list.")


def read(file: Path) -> dict[str, Any]:
    """A description in JSON. Raises BadRequest."""
    try:
        told = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadRequest(f"{file} is not a file with JSON.") from error
    if not isinstance(told, dict):
        raise BadRequest(f"{file} holds no JSON object.")
    return told
