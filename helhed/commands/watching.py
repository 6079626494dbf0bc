"""Organisations whose security officers watch over the whole network. Only the operator names them."""

from typing import NamedTuple
from uuid import UUID

from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, parse_id

_LIST = """
select o.id, o.name from trust.watch_office f join registries.organisation o on o.key = f.organisation order by o.name, o.id"""
_ADD = """
insert into trust.watch_office (organisation) select o.key from registries.organisation o where o.key = $1
on conflict do nothing returning organisation"""
_KNOWN = "select exists (select from registries.organisation where key = $1)"
_END = "delete from trust.watch_office where organisation = $1 returning organisation"


class Office(NamedTuple):
    """An organisation that watches over all."""

    organisation: UUID
    name: str


async def list_offices(connection: Connection) -> list[Office]:
    """All of them, by name."""
    return [Office(row["id"], row["name"]) for row in await connection.fetch(_LIST)]


async def add_office(connection: Connection, organisation: str) -> None:
    """Its security officers see every case from their next request on. Raises BadRequest or Unknown."""
    key = _key(organisation)
    if await connection.fetchval(_ADD, key) is None and not await connection.fetchval(_KNOWN, key):
        raise Unknown("No organisation is registered here under that id.")


async def end_office(connection: Connection, organisation: str) -> None:
    """No longer, from their next request on. Raises BadRequest or Unknown."""
    if await connection.fetchval(_END, _key(organisation)) is None:
        raise Unknown("That organisation does not watch over the network.")


def _key(text: str) -> int:
    identifier = parse_id(text.removeprefix("Organization/"))
    if identifier is None:
        raise BadRequest("Name it as Organization/ and its id here.")
    return key_of(identifier)
