"""Local copies of the register: whole, and then what changed since the last one.

A copy holds statements, each by its kind and number: how a unit is in some days, what is listed for it, which SHAK code is which SOR code;
and from and to when each was held true. What is sent again replaces what is there. So a copy answers as of any day by itself.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest
from helhed.foundation.lend import lend

_COPY = "select until::text, kind, id, line::text from registries.unit_copy($1::text::pg_snapshot, $2, $3, $4)"
_NOW = "select pg_current_snapshot()::text"
_FOLLOWS = "select registries.copy_follows($1::text::pg_snapshot)"
_MOST = 5000
_KINDS = frozenset({"", "listing", "shak", "unit"})
_SIGNS = frozenset("0123456789:,")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a copy."""

    lines: tuple[dict[str, Any], ...]
    next: str  #: what to ask for next: the rest of this copy, or what changed after it
    more: bool  #: whether there is a rest


class UnitCopies:
    """Gives copies out. Public: organisations are nobody's secret."""

    def __init__(self, pool: Pool, most: int = _MOST) -> None:
        self._pool, self._most = pool, most

    async def part(self, mark: str | None) -> Part:
        """From the beginning (None), or from where the last part said. Raises BadRequest for a mark that cannot be followed."""
        since, until, kind, number = _mark(mark)
        async with lend(self._pool) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            now: str = await connection.fetchval(_NOW)
            if not await connection.fetchval(_FOLLOWS, since):
                raise BadRequest("That copy is not of this register as it is now. Begin anew, without since.")
            rows = await connection.fetch(_COPY, since, kind, number, self._most)
        until = until or now
        lines = tuple({"kind": row["kind"], "id": row["id"], **orjson.loads(row["line"])} for row in rows)
        if len(rows) == self._most:
            return Part(lines, ";".join((since or "", until, rows[-1]["kind"], str(rows[-1]["id"]))), True)
        return Part(lines, f"{until};;;0", False)


def _mark(mark: str | None) -> tuple[str | None, str, str, int]:
    """What the copy follows, what the next one will, and after which statement it goes on."""
    if mark is None:
        return None, "", "", 0
    parts = mark.split(";")
    try:
        since, until, kind, number = parts
        if set(since + until) - _SIGNS or kind not in _KINDS or not 0 <= int(number) < 1 << 62:
            raise ValueError(mark)
    except ValueError:
        raise BadRequest("The parameter since is what the last part gave as next.") from None
    return since or None, until, kind, int(number)
