"""The address book for messages: by which endpoint a unit takes a type of message, and when it last took one.

An Endpoint of the unit itself counts before one of a unit above it, as they stood on the day. The types are MedCom's: the event code of
a FHIR message (``care-communication-message``) or the name of an older one (``XDIS91``), in whatever case, as ``Endpoint.payloadType``
has them. Nobody but who stands above a unit, or keeps the directory, says where its messages go.

Shape for rooms that send. All run on the caller's connection, so that a delivery is noted in the transaction that settles the message::

    found = await route(connection, unit, "XDIS91", now)   # None: the unit takes no such messages, here or above
    ...                                                    # send to found.address, addressed by found.gln
    await delivered(connection, found, "XDIS91", now)      # the receiver answered that it took it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

import orjson

from helhed.foundation.database import Connection
from helhed.registries.units.listing import NEVER_ENDS

#: the code system of FHIR messages in ``Endpoint.payloadType`` (MedCom)
EVENTS = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-eventCodes"
_ROUTES = "select * from registries.routes_of($1, $2, $3, coalesce($4, clock_timestamp()))"
_DELIVERED = "select registries.route_delivered($1, $2, $3)"


@cache
def message_types() -> Mapping[str, Mapping[str, str]]:
    """``message_types.json``: names of the types in use, by code in lower case and then by language."""
    found = orjson.loads((files(__package__) / "message_types.json").read_bytes())
    return {one["code"]: {"da": one["da"], "en": one["en"]} for one in found["types"]}


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a unit."""

    endpoint: UUID  #: id of the Endpoint
    unit: int  #: key of the Organization whose endpoint it is: the one asked for, or one above it
    depth: int  #: how many steps above the one asked for; 0: its own
    message_types: frozenset[str]  #: what it takes, in lower case
    connection: str  #: code of Endpoint.connectionType
    address: str  #: of the technology that ``connection`` names
    gln: (
        str | None
    )  #: location number (EAN) that messages are addressed to: the endpoint's, else the unit's own or inherited one
    name: str
    until: datetime | None  #: when it ends; None when no end is known
    submitted_by: int  #: key of the organisation that says so
    known_since: datetime
    delivered_at: datetime | None  #: last delivery, of the type that was asked for
    deliveries: int


async def routes_of(
    connection: Connection, unit: int, message_type: str | None, at: datetime, known: datetime | None = None
) -> list[Route]:
    """Every route to the unit with key ``unit`` at ``at``, nearest first, of one type or (None) of all.

    ``known``: as it was known at a moment; None is now. Empty when there is none, or no such unit.
    """
    return [_route(row) for row in await connection.fetch(_ROUTES, unit, message_type, at, known)]


async def route(connection: Connection, unit: int, message_type: str, at: datetime) -> Route | None:
    """The route that takes messages of the type to the unit at ``at``; None when nothing does: the sender keeps it and says so."""
    return next(iter(await routes_of(connection, unit, message_type, at)), None)


async def delivered(connection: Connection, taken: Route, message_type: str, at: datetime) -> None:
    """Note that a message of the type was taken at ``at``. Sent is not delivered: call it when the receiver has acknowledged."""
    await connection.execute(_DELIVERED, taken.endpoint, message_type, at)


def _route(row: Any) -> Route:
    said = orjson.loads(row["said"])
    return Route(
        endpoint=row["endpoint"],
        unit=row["unit"],
        depth=row["depth"],
        message_types=frozenset(row["codes"]),
        connection=said.get("connectionType", {}).get("code", ""),
        address=said.get("address", ""),
        gln=row["gln"],
        name=said.get("name", ""),
        until=None if row["valid_to"].year == NEVER_ENDS.year else row["valid_to"],
        submitted_by=row["origin"],
        known_since=row["known_from"],
        delivered_at=row["delivered_at"],
        deliveries=row["deliveries"],
    )
