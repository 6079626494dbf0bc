"""Whoever has a number that a refused Patient carries was named by it: an answer that says so is a look at them."""

from collections.abc import Sequence

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Connection
from helhed.foundation.ids import key_of
from helhed.registries.projections import numbers_in

_NOTE = "select registries.note_named($1::fhir.ask, $2::smallint, $3::smallint, $4::text[], $5::text[], $6)"


class NumbersOfOthers:
    """A row in the log of each citizen whose number stood in a Patient that was not stored."""

    types = frozenset({"Patient"})

    async def refused(self, connection: Connection, ask: Ask, changes: Sequence[Change]) -> None:
        """Beside the row of the citizen who was to be changed."""
        for change in changes:
            numbers = numbers_in(change.resource or {})
            if not numbers:
                continue
            action = Action.CREATE if change.method == "POST" else Action.UPDATE
            own = None if change.id is None else key_of(change.id)
            systems, values = map(list, zip(*numbers, strict=True))
            await connection.execute(_NOTE, ask_row(ask), int(action), TYPE_NUMBERS["Patient"], systems, values, own)
