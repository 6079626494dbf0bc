"""Masks of a part: a treating clinician hides elements of a row from those who act for the citizen, or from the citizen too.

Whoever a mask stops sees what is left of the row (``helhed.fhir.masking``), in every version that the clinician sees, and of every version to come.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

from helhed.fhir.changes import Version
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.masking import checked
from helhed.fhir.store import Past, Store, WriteSession
from helhed.fhir.store.parts import put_part, put_past_parts
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Conflict, HelhedError, Unknown
from helhed.foundation.proving import Duty, prove
from helhed.trust.acting.rights import Masking

_HIDE = "select trust.hide_part($1::fhir.ask, $2, $3::smallint, $4, $5, $6::text[], $7, $8, $9, $10::smallint)"
_PATIENT = TYPE_NUMBERS["Patient"]
_DONE, _MOVED = 1, 2
_PAGE = 50  #: versions


class MasksOfParts:
    """Sets masks of a part. ``ActingForOthers`` ends them, and tells of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def hide(self, ask: Ask, masking: Masking, elements: Sequence[str]) -> UUID:
        """Hide these elements of a row, and no others: what a mask of a part hid of it before is shown again, unless it is named.

        Durable when the call returns, with what is left of the row. Raises Unknown for a row that the clinician does not see or may
        not hide, BadRequest for elements that cannot be masked, Conflict when the row is being changed at this moment.
        """
        if masking.type_name not in TYPE_NUMBERS:
            raise Unknown
        names = checked(masking.type_name, elements)
        session: WriteSession | None = None
        try:
            async with self._store.session(ask) as session:
                current, past = await _versions(session, masking.type_name, masking.row)
                await prove(session.connection, Duty.STORE)
                mask = uuid4()
                values = (
                    mask,
                    TYPE_NUMBERS[masking.type_name],
                    masking.row,
                    current.version,
                    names,
                    masking.from_citizen,
                    masking.reason,
                    masking.until,
                )
                done = await session.connection.fetchval(_HIDE, ask_row(ask), *values, _PATIENT)
                if done != _DONE:
                    raise Conflict if done == _MOVED else Unknown
                await put_part(session.connection, current, names)
                await put_past_parts(session.connection, past, names)
        except HelhedError:
            if session is not None:
                await self._store.log_refusal(ask, session, [])
            raise
        return mask


async def _versions(session: WriteSession, type_name: str, row: UUID) -> tuple[Version, list[Version]]:
    """The row as it stands, and every version before that the clinician sees. Raises Unknown or Gone."""
    current = await session.read(type_name, row)
    past: list[Version] = []
    cursor: str | None = None
    while True:
        page = await session.past(Past(type_name, row, _PAGE, cursor=cursor))
        past += [one for one in page.matches if one.version < current.version]
        cursor = page.next_cursor
        if cursor is None:
            return current, past
