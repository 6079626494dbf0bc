"""What the upper rooms do inside every transaction that writes, and about it afterwards: composition for the processes that only store."""

from typing import Any

from helhed.exchange.messages.following import MessageTasks
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
    ),
    preparers=(ReplacementNumbers(), PatientLinks(), ProtectedAddresses(), Pieces()),
    witnesses=(NumbersOfOthers(),),
    is_alias=is_alias,
)


async def note_stored(connection: Connection, key: int, event: Any) -> None:
    """Something was stored: who delivered it, and what whoever follows it is to be told of."""
    await note_received(connection, key, event)
    await note_changes(connection, event)


async def note_received(connection: Connection, _key: int, event: Any) -> None:
    """A source delivered something: its last delivery shows on the completeness line."""
    if event["origin"] != "None":
        await prove(connection, Duty.STORE)
        statement = "select registries.note_received($1::bigint, $2::text::timestamptz)"
        await connection.execute(statement, int(event["origin"]), event["at"])


HANDLERS = {"resources-stored": note_stored}
