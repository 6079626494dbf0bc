"""What the upper rooms do inside every transaction that writes, and about it afterwards: composition for the processes that only store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from helhed.exchange.messages.following import MessageTasks
from helhed.exchange.messages.notifying import Stays
from helhed.fhir.store import Hooks
from helhed.foundation.database import Connection
from helhed.foundation.proving import Duty, prove
from helhed.registries.linking import PatientLinks
from helhed.registries.naming import NumbersOfOthers
from helhed.registries.numbers import ReplacementNumbers
from helhed.registries.projections import Citizens, Organisations, Professionals
from helhed.registries.protection import ProtectedAddresses
from helhed.registries.regional import is_alias
from helhed.registries.units.listing import Listings
from helhed.registries.units.stating import Units
from helhed.trust.projections import Employments, Relations
from helhed.trust.subscriptions.store import note_changes
from helhed.work.projecting import Pieces

_RECEIVED = "select registries.note_received(o, at) from unnest($1::bigint[], $2::timestamptz[]) with ordinality q(o, at, n) order by n"

HOOKS = Hooks(
    projections=(
        Citizens(),
        Organisations(),
        Units(),
        Listings(),
        Professionals(),
        ProtectedAddresses(),
        Employments(),
        Relations(),
        Pieces(),
        MessageTasks(),
        Stays(),
    ),
    preparers=(ReplacementNumbers(), PatientLinks(), ProtectedAddresses(), Pieces()),
    witnesses=(NumbersOfOthers(),),
    is_alias=is_alias,
)


async def note_stored(connection: Connection, _key: int, event: Any) -> None:
    """Something was stored: who delivered it, and what whoever follows it is to be told of."""
    await note_many_stored(connection, [event])


async def note_many_stored(connection: Connection, events: Sequence[Any]) -> None:
    """The same of several, oldest first."""
    await note_received(connection, events)
    await note_changes(connection, events)


async def note_received(connection: Connection, events: Sequence[Any]) -> None:
    """Sources delivered something: the last delivery of each shows on the completeness line."""
    last: dict[int, datetime] = {}
    for event in events:
        if event["origin"] != "None":
            origin, at = int(event["origin"]), datetime.fromisoformat(event["at"])
            last[origin] = max(at, last.get(origin, at))
    if last:
        await prove(connection, Duty.STORE)
        origins = sorted(last)  # in one order, as several workers deliver
        await connection.execute(_RECEIVED, origins, [last[one] for one in origins])


HANDLERS = {"resources-stored": note_stored}
TOGETHER = {"resources-stored": note_many_stored}
