"""Reading and changing stamkort. What is stored is the national registers' row; who changed it, and that they might, is in the log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import Conflict, Forbidden, PreconditionFailed, Unknown, Unprocessable
from helhed.foundation.ids import bucket_of, new_id
from helhed.record.reading import record_of
from helhed.record.stamkort.bodies import own_body, relative_body, stated_now
from helhed.record.stamkort.card import Kept, OwnCard, RelativeCard, Stamkort, Stated, stamkort_of
from helhed.record.stamkort.rules import card_policy, sound_card, sound_relative
from helhed.trust.acting.master_data import SELF, Helped, in_name_of, may_change, see_helped
from helhed.trust.background import national_system, ordering_system

_ROWS = 200  #: of each type
_TYPE = "RelatedPerson"


class ChangedMeanwhile(Conflict):
    """Somebody else has changed it since you opened the page. Look at what it says now."""


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes whose card: the citizen or whoever acts for them, or staff by a help that has begun."""

    ask: Ask
    citizen: int
    help: UUID | None = None

    def stated(self, basis: int) -> Stated:
        """What is said of a field that they change."""
        by = "help" if self.help else "self" if basis == SELF else "acting"
        return Stated(self.ask.at, by)


class MasterData:
    """Stamkort of citizens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def helped(self, ask: Ask, help: UUID) -> Helped:
        """Whom staff help now. Raises Unknown."""
        return await see_helped(self._store.pool, ask, help)

    async def read(self, ask: Ask, citizen: int) -> Stamkort:
        """The card, as far as the asker may see it: one look. Raises Unknown."""
        rows = await self._store.citizen_rows(ask, citizen, ["Patient", _TYPE], _ROWS)
        found = stamkort_of(record_of([_Read(*row.version[:5], row.origin) for row in rows]), citizen)
        if found is None:
            raise Unknown
        return found

    async def read_helped(self, ask: Ask, helped: Helped) -> Stamkort:
        """The card of whom staff help, as the citizen's own look."""
        return await self.read(in_name_of(ask, helped), helped.citizen)

    async def change(self, editor: Editor, before: Stamkort, card: OwnCard, version: int) -> None:
        """The citizen's own card is this from now on. ``version`` is of the row that the editor saw, 0 for none.

        Raises Unsound, Forbidden, and ChangedMeanwhile.
        """
        today = editor.ask.at.astimezone(DANISH_TIME).date()
        card, kept = sound_card(card, today, protected=before.cpr.protected), before.kept
        if version != (kept.version if kept else 0):
            raise ChangedMeanwhile
        identifier = kept.id if kept else _own_id(before.cpr.patient)

        def body(now: Stated) -> dict[str, Any]:
            stated = stated_now(before.own, card, kept.stated if kept else {}, now)
            return own_body(before.cpr.patient, card, stated)

        await self._write(editor, identifier, kept, body)

    async def put_relative(
        self, editor: Editor, before: Stamkort, relative: RelativeCard, row: UUID | None, version: int
    ) -> None:
        """A relative, new (``row`` None) or changed. Raises Unsound, Unknown, Forbidden, Unprocessable, and ChangedMeanwhile."""
        relative = sound_relative(relative)
        old, kept = _relative(before, row)
        if kept is not None and version != kept.version:
            raise ChangedMeanwhile
        if kept is None and len(before.relatives) >= card_policy().most_relatives:
            raise Unprocessable("There are as many relatives as there may be.")

        def body(now: Stated) -> dict[str, Any]:
            return relative_body(
                before.cpr.patient, relative, stated_now(old, relative, kept.stated if kept else {}, now)
            )

        await self._write(editor, kept.id if kept else new_id(bucket_of(before.cpr.patient)), kept, body)

    async def remove_relative(self, editor: Editor, before: Stamkort, row: UUID, version: int) -> None:
        """A relative stands no longer; the history keeps it. Raises Unknown, Forbidden, and ChangedMeanwhile."""
        _, kept = _relative(before, row)
        assert kept is not None
        if version != kept.version:
            raise ChangedMeanwhile
        await self._write(editor, kept.id, kept, None)

    async def _write(
        self, editor: Editor, row: UUID, kept: Kept | None, body: Callable[[Stated], dict[str, Any]] | None
    ) -> None:
        """One transaction: whether the editor may, and the row. A refusal is in the log and changes nothing."""
        pool = self._store.pool
        system = ordering_system(kept.origin, editor.ask.at) if kept else await national_system(pool, editor.ask)
        try:
            async with self._store.session(system) as session:
                basis = await may_change(session.connection, editor.ask, editor.citizen, row, editor.help)
                if basis is not None:
                    await session.write([_change(row, kept, body and body(editor.stated(basis)))])
        except (PreconditionFailed, Conflict) as error:
            raise ChangedMeanwhile from error
        if basis is None:
            raise Forbidden("You may not change this card.")


def _change(row: UUID, kept: Kept | None, body: dict[str, Any] | None) -> Change:
    if body is None:
        return Change("DELETE", _TYPE, None, None, row, kept.version if kept else None)
    return Change("PUT" if kept else "POST", _TYPE, body, orjson.dumps(body), row, kept.version if kept else None)


def _relative(before: Stamkort, row: UUID | None) -> tuple[RelativeCard | None, Kept | None]:
    if row is None:
        return None, None
    for card, kept in before.relatives:
        if kept.id == row:
            return card, kept
    raise Unknown


def _own_id(patient: UUID) -> UUID:
    """The same for one citizen always, so that of two who begin a card at once one is told so."""
    noise = int.from_bytes(blake2b(patient.bytes, digest_size=16, person=b"stamkort").digest(), "big")
    free = ((1 << 128) - 1) ^ (0xF << 76) ^ (0x3FF << 66) ^ (0b11 << 62)
    return UUID(int=(noise & free) | (8 << 76) | (bucket_of(patient) << 66) | (0b10 << 62))


@dataclass(frozen=True, slots=True)
class _Read:
    """A row as ``record_of`` takes it."""

    type_name: str
    id: UUID
    version: int
    updated: datetime
    body: bytes
    origin: int
