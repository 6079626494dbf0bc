"""Population figures as they were released: tables of protected counts. What stands here never knows an unprotected one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import orjson

from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import BadRequest, Conflict, Unknown

PLACES = ("region", "municipality")
SEXES = ("female", "male")
#: what a table can be divided by
DIVISIONS = (*PLACES, "sex", "age")
_RELEASES = "select id, day, definition from insight.releases()"
_FIGURES = "select place, sex, band, value from insight.figures($1, $2, $3, $4, $5, $6, $7, $8)"
_RELEASE = "select problem, released from insight.release_figures($1::jsonb, $2)"
_REFUSED = {
    "too-soon": "The last release is too recent: the difference between the two would be about few people.",
    "overlaps": "This definition divides people so that the difference from what was released before would be about few of them.",
}


class FiguresRefused(Conflict):
    """These figures may not be released."""


@dataclass(frozen=True, slots=True)
class Release:
    """Figures that were released together."""

    number: int
    day: date  #: who counts lived then
    definition: Mapping[str, Any]  #: ``data/scheme.json`` as it was then

    @property
    def measures(self) -> tuple[str, ...]:
        """What was counted."""
        return tuple(one["name"] for one in self.definition["measures"])

    @property
    def least(self) -> int:
        """No number stands for fewer people."""
        return int(self.definition["least"])

    @property
    def base(self) -> int:
        """What every number is a multiple of."""
        return int(self.definition["base"])

    @property
    def bands(self) -> tuple[str, ...]:
        """Age bands: from and to, both included, in years; the last has no end (``80-``)."""
        lowest = sorted(self.definition["bands"])
        return (*(f"{low}-{high - 1}" for low, high in pairwise(lowest)), f"{lowest[-1]}-")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table that somebody asks for. Empty filters leave nothing out."""

    measure: str
    divided_by: tuple[str, ...] = ()  #: of DIVISIONS
    places: tuple[str, ...] = ()  #: names of municipalities or regions
    sexes: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    release: int | None = None  #: None is the newest


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of a table. What the table is not divided by is None."""

    place: str | None  #: "" is those of whom no municipality is known
    sex: str | None
    band: str | None
    value: int | None  #: None is hidden: it is not certain that enough people are behind it


@dataclass(frozen=True, slots=True)
class Table:
    """A table of one measure, of one release."""

    release: Release
    wanted: Wanted
    rows: tuple[Row, ...]


class Figures:
    """Reads what was released, with the application's rights."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def releases(self) -> Sequence[Release]:
        """All of them, newest first."""
        return [
            Release(row["id"], row["day"], orjson.loads(row["definition"])) for row in await self._pool.fetch(_RELEASES)
        ]

    async def table(self, wanted: Wanted) -> Table:
        """The table. BadRequest when it cannot be divided so; Unknown when there is no such release or measure."""
        found = [one for one in await self.releases() if wanted.release in (None, one.number)]
        if not found:
            raise Unknown("No figures have been released yet." if wanted.release is None else "No such release.")
        release = found[0]
        _check(wanted, release)
        place = next((one for one in PLACES if one in wanted.divided_by), None)
        rows = await self._pool.fetch(
            _FIGURES, release.number, wanted.measure, place, "sex" in wanted.divided_by, "age" in wanted.divided_by,
            list(wanted.places) or None, list(wanted.sexes) or None, list(wanted.bands) or None,
        )  # fmt: skip
        return Table(release, wanted, tuple(Row(*row) for row in rows))


def _check(wanted: Wanted, release: Release) -> None:
    if wanted.measure not in release.measures:
        raise Unknown(f"There is no such measure. There are: {', '.join(release.measures)}.")
    if not set(wanted.divided_by) <= set(DIVISIONS) or set(PLACES) <= set(wanted.divided_by):
        raise BadRequest("A table is divided by region or municipality, and by sex and age.")
    if not set(wanted.sexes) <= set(SEXES):
        raise BadRequest("Sex is female or male.")
    if not set(wanted.bands) <= set(release.bands):
        raise BadRequest(f"Ages go in bands: {', '.join(release.bands)}.")
    areas = release.definition["areas"]
    if not set(wanted.places) <= {*areas, *areas.values()}:
        raise BadRequest("There is no municipality or region of that name in these figures.")


async def release_figures(connection: Connection, definition: Mapping[str, Any], moment: datetime) -> int:
    """Count, protect and release, with the owner's rights; the number of the release. FiguresRefused, and why."""
    row = await connection.fetchrow(_RELEASE, orjson.dumps(definition).decode(), moment)
    assert row is not None
    if row["problem"]:
        raise FiguresRefused(_REFUSED[row["problem"]])
    return int(row["released"])
