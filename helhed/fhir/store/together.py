"""Creates of several asks in one transaction: as many statements for all of them as one takes, and one commit.

Each ask is decided and logged as if it were alone. What is refused to one is refused to all: whoever calls tries them one by one then.
"""

from collections.abc import Sequence

from helhed.fhir.changes import Change, Written
from helhed.fhir.definitions import parameters_in_use
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.store.admitting import admit_many
from helhed.fhir.store.announcing import announce_many
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.hooks import Hooks, prepared_by, project
from helhed.fhir.store.inserting import put_rows
from helhed.fhir.store.looks import Looks
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.writing import Prepared, add_created
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.database import Connection
from helhed.foundation.proving import Duty, prove


class Together:
    """Writes of several systems inside one transaction. Made by ``sessions.Sessions.together``."""

    def __init__(
        self, connection: Connection, hooks: Hooks, signer: CursorSigner, knowledge: Knowledge | None = None
    ) -> None:
        self.connection = connection  #: for rows that an upper room keeps in the same transaction
        self._hooks = hooks
        self._signer = signer
        self._knowledge = knowledge
        self._edition = parameters_in_use().edition

    async def create(self, asked: Sequence[tuple[Ask, Sequence[Change]]]) -> list[list[Written]]:
        """Make the creates of each ask, all of them of systems. Raises what the first that fails would raise alone."""
        assert all(ask.kind is ActorKind.SYSTEM for ask, _ in asked)  # a person is an author, and claims what they see
        if self._knowledge is not None:
            for ask, changes in asked:
                await self._knowledge.check(ask.organisation, ask.at, changes)
        await prove(self.connection, Duty.STORE)
        every = [(ask, change) for ask, changes in asked for change in changes]
        ready = iter(await prepared_by(self.connection, self._hooks, every))
        writes = [(ask, Prepared(), Looks(ask, self._signer)) for ask, _ in asked]
        written = [
            [add_created(prepared, ask, next(ready)) for _ in changes]
            for (ask, prepared, _), (_, changes) in zip(writes, asked, strict=True)
        ]
        await admit_many(self.connection, [(ask_row(ask), prepared, looks) for ask, prepared, looks in writes])
        rows = _all([prepared for _, prepared, _ in writes])
        await put_rows(self.connection, rows)
        await project(self.connection, self._hooks, rows.stored, {})
        looked = [row for _, _, looks in writes for row in looks.rows()]
        await announce_many(self.connection, [(ask, one.stored) for ask, one, _ in writes], self._edition, looked)
        return written


def _all(each: Sequence[Prepared]) -> Prepared:
    rows = Prepared()
    for one in each:
        rows.resources += one.resources
        rows.strings += one.strings
        rows.dates += one.dates
        rows.stored += one.stored
    return rows
