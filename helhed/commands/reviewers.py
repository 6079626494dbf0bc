"""Who reviews broken glasses for the whole network, when a place does not. Only the operator names them."""

from typing import NamedTuple
from uuid import UUID

from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, parse_id

_LIST = """
select o.id, o.name, (select count(distinct e.professional) from trust.employment e join trust.role r on r.role = e.role and r.may_review
                      where e.organisation = o.key and e.valid_from <= now() and now() < e.valid_to) as people
from trust.network_reviewer n join registries.organisation o on o.key = n.organisation order by o.name, o.id"""
_ADD = """
insert into trust.network_reviewer (organisation) select o.key from registries.organisation o where o.key = $1
on conflict do nothing returning organisation"""
_KNOWN = "select exists (select from registries.organisation where key = $1)"
_END = "delete from trust.network_reviewer where organisation = $1 returning organisation"


class Reviewing(NamedTuple):
    """An organisation whose reviewers review for the network."""

    organisation: UUID
    name: str
    people: int  #: with the role in it now; nothing comes to an organisation without any


async def list_reviewers(connection: Connection) -> list[Reviewing]:
    """All of them, by name."""
    return [Reviewing(row["id"], row["name"], row["people"]) for row in await connection.fetch(_LIST)]


async def add_reviewer(connection: Connection, organisation: str) -> None:
    """Let an organisation's reviewers review for the network, from their next request on. Raises BadRequest or Unknown."""
    key = _key(organisation)
    if await connection.fetchval(_ADD, key) is None and not await connection.fetchval(_KNOWN, key):
        raise Unknown("No organisation is registered here under that id.")


async def end_reviewer(connection: Connection, organisation: str) -> None:
    """No longer, from their next request on. Raises BadRequest or Unknown."""
    if await connection.fetchval(_END, _key(organisation)) is None:
        raise Unknown("That organisation does not review for the network.")


def _key(text: str) -> int:
    identifier = parse_id(text.removeprefix("Organization/"))
    if identifier is None:
        raise BadRequest("Name it as Organization/ and its id here.")
    return key_of(identifier)
