"""Clients: apps and systems that may ask for tokens, as they were registered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from helhed.foundation.database import Pool
from helhed.foundation.lend import lend
from helhed.trust.identity.jose import FAPI_ALGORITHMS, SMART_ALGORITHMS

Profile = Literal["fapi", "smart"]
Kind = Literal["public", "confidential", "system"]


@dataclass(frozen=True, slots=True)
class Client:
    """One app or system."""

    id: str
    name: str
    profile: Profile
    kind: Kind
    redirect_uris: tuple[str, ...]
    launch_uri: str | None
    keys: Mapping[str, Any] | None  #: a JWK Set
    keys_uri: str | None
    scope: str  #: the most it may be allowed
    organisation: int | None
    bound: bool  #: its tokens are bound to a key of its own
    introspects: bool
    software_issuer: str | None
    registered_at: datetime
    ended_at: datetime

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What it may sign with."""
        return FAPI_ALGORITHMS if self.profile == "fapi" else SMART_ALGORITHMS


class Clients:
    """The registry of clients."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def named(self, id: str, moment: datetime) -> Client | None:
        """The client with this id, unless it is retired."""
        statement = "select * from trust.client_named($1, $2)"
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(statement, id, moment)
        return None if row is None else client_of(row)

    async def given(self, refresh_token: bytes, moment: datetime) -> Client | None:
        """The client that a refresh token, by its digest, was given to; used up or not."""
        statement = "select * from trust.client_given_refresh_token($1, $2)"
        async with lend(self._pool) as connection:
            row = await connection.fetchrow(statement, refresh_token, moment)
        return None if row is None else client_of(row)

    async def to_open(self, moment: datetime) -> list[Client]:
        """Those that can be opened from a record."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch("select * from trust.clients_to_open($1)", moment)
        return [client_of(row) for row in rows]


def client_of(row: Any) -> Client:
    """A row of ``trust.client``."""
    fields = {name: row[name] for name in Client.__slots__}
    keys = json.loads(fields["keys"]) if fields["keys"] else None
    return Client(**{**fields, "keys": keys, "redirect_uris": tuple(fields["redirect_uris"])})


def client_row(client: Client) -> tuple[Any, ...]:
    """``trust.client``, its columns in order."""
    fields = {name: getattr(client, name) for name in Client.__slots__}
    fields["keys"] = None if client.keys is None else json.dumps(client.keys)
    fields["redirect_uris"] = list(client.redirect_uris)
    return tuple(fields.values())
