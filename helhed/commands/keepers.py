"""Keepers of the directory: whose system places organisations, registers jobs, and links citizens. Only the operator names them."""

from typing import NamedTuple
from uuid import UUID

from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, parse_id

_LIST = """
select o.id, o.name from registries.keeper k join registries.organisation o on o.key = k.organisation order by o.name, o.id"""
_ADD = """
insert into registries.keeper (organisation) select o.key from registries.organisation o where o.key = $1
on conflict do nothing returning organisation"""
_KNOWN = "select exists (select from registries.organisation where key = $1)"
_END = "delete from registries.keeper where organisation = $1 returning organisation"


class Keeper(NamedTuple):
    """An organisation that keeps the directory."""

    organisation: UUID
    name: str


async def list_keepers(connection: Connection) -> list[Keeper]:
    """All of them, by name."""
    return [Keeper(row["id"], row["name"]) for row in await connection.fetch(_LIST)]


async def add_keeper(connection: Connection, organisation: str) -> None:
    """Let an organisation's system keep the directory, from its next request on. Raises BadRequest or Unknown."""
    key = _key(organisation)
    if await connection.fetchval(_ADD, key) is None and not await connection.fetchval(_KNOWN, key):
        raise Unknown("No organisation is registered here under that id.")


async def end_keeper(connection: Connection, organisation: str) -> None:
    """No longer, from its next request on. Raises BadRequest or Unknown."""
    if await connection.fetchval(_END, _key(organisation)) is None:
        raise Unknown("That organisation is no keeper of the directory.")


def _key(text: str) -> int:
    identifier = parse_id(text.removeprefix("Organization/"))
    if identifier is None:
        raise BadRequest("Name it as Organization/ and its id here.")
    return key_of(identifier)
