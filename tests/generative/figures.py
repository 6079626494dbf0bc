"""Those who attack population figures, and a crowd for them to attack. They know everything that was released, cell by cell (more than
any table shows), how large each group is, and the rules; not where the rounding of a cell starts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations, product
from random import Random
from typing import Any

import orjson

from helhed.foundation.database import Connection
from helhed.insight.scheme import scheme

#: the counting is taken out of the way, so that a crowd is a table; what protects is as it is
CROWD = """
create table insight.crowd (person bigint, grid text, area text, sex text, band text, part text);
alter table insight.crowd owner to helhed_insight;
create or replace function insight.members(definition jsonb, day date)
returns table (person bigint, grid text, area text, sex text, band text, part text) language sql stable as
  $$ select m.person, m.grid, m.area, m.sex, case when definition ? 'one_band' then '0-' else m.band end, m.part from insight.crowd m $$;
create or replace function insight.people(definition jsonb, day date)
returns table (key bigint, person bigint, area text, sex text, band text) language sql stable as
  $$ select person, person, area, sex, case when definition ? 'one_band' then '0-' else band end from insight.crowd where grid = 'citizens' $$;
"""
AREAS = {"Lille Kommune": "Nord", "Stor Kommune": "Nord", "Alene Kommune": "Syd"}
BANDS = ("0-64", "65-79", "80-")
PARTS = ("diabetes", "copd", "heart", "diabetes+heart", "diabetes+copd+heart")
LEAST, SMALLEST_GROUP = 3, 21
_INSERT = "insert into insight.crowd values ($1, $2, $3, $4, $5, $6)"

Cell = tuple[str, str, str, str, str]  #: grid, area, sex, band, part


def small_scheme() -> dict[str, Any]:
    """The scheme in use, of three invented municipalities."""
    return {**scheme(), "areas": AREAS, "bands": [0, 65, 80], "days_between": 1}


@dataclass
class Crowd:
    """People who come, fall ill, recover and go."""

    rng: Random
    people: dict[int, dict[str, str]] = field(default_factory=dict)  #: grid -> part, and area, sex, band
    next: int = 1

    @classmethod
    def drawn(cls, seed: int) -> "Crowd":
        """Groups of every size, small counts in most cells, and groups in which nearly everybody is ill."""
        crowd = cls(Random(seed))
        for area, sex, band in product(AREAS, ("female", "male", "other"), BANDS):
            size = crowd.rng.choice((0, 1, 2, 20, 24, 40)) if sex != "other" else crowd.rng.choice((0, 0, 1, 3))
            ill = crowd.rng.choice((0.05, 0.2, 1))
            for number in range(size):
                crowd.born(area, sex, band, ill, "" if ill < 1 else PARTS[0] if number else PARTS[1])
        return crowd

    def born(self, area: str, sex: str, band: str, ill: float, part: str = "") -> None:
        """One more, with this if ill."""
        one = {"area": area, "sex": sex, "band": band, "citizens": "all"}
        if self.rng.random() < ill:
            one["conditions"] = part or self.rng.choice(PARTS)
        if self.rng.random() < max(ill, 0.3):
            one["vaccinated"] = "yes"
        if self.rng.random() < 0.3:
            one["contacts"] = self.rng.choice(("seen", "admitted"))
        self.people[self.next] = one
        self.next += 1

    def lives_on(self, changes: int) -> None:
        """Something happens to so many of them."""
        for _ in range(changes):
            one = self.people[self.rng.choice(list(self.people))]
            what = self.rng.randrange(4)
            if what == 0:
                self.born(one["area"], one["sex"], one["band"], 0.5)
            elif what == 1:
                one["conditions"] = self.rng.choice(PARTS)
            elif what == 2:
                one.pop("conditions", None)
            else:
                one["vaccinated"] = "yes"

    def counts(self) -> Counter[Cell]:
        """How many are in each cell, in truth."""
        return Counter((row[1], row[2], row[3], row[4], row[5]) for row in self.rows())

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """As they stand in the table."""
        for person, one in self.people.items():
            for grid in ("citizens", "conditions", "vaccinated", "contacts"):
                if grid in one:
                    yield person, grid, one["area"], one["sex"], one["band"], one[grid]


@dataclass(frozen=True)
class Seen:
    """One release: what was true, and what was released."""

    number: int
    truth: Counter[Cell]
    told: Mapping[Cell, int]
    held: Mapping[Cell, int]


async def release(owner: Connection, crowd: Crowd, definition: Mapping[str, Any], moment: datetime) -> Seen | str:
    """Release figures of the crowd; the problem when that is refused."""
    await owner.execute("delete from insight.crowd")
    await owner.executemany(_INSERT, list(crowd.rows()))
    row = await owner.fetchrow(
        "select * from insight.release_figures($1::jsonb, $2)", orjson.dumps(definition).decode(), moment
    )
    assert row is not None
    if row["problem"]:
        return str(row["problem"])
    told = await owner.fetch(
        "select grid, area, sex, band, part, value from insight.figure where release = $1", row["released"]
    )
    held = await owner.fetch("select grid, area, sex, band, part, held from insight.cell")
    return Seen(row["released"], crowd.counts(), *({tuple(one)[:5]: one[5] for one in rows} for rows in (told, held)))


async def releases(owner: Connection, seed: int, begin: datetime, times: int) -> list[Seen]:
    """A crowd that lives on between so many releases."""
    crowd, found = Crowd.drawn(seed), []
    for number in range(times):
        seen = await release(owner, crowd, small_scheme(), begin + timedelta(days=2 * number))
        assert isinstance(seen, Seen), seen
        found.append(seen)
        crowd.lives_on(crowd.rng.choice((1, 2, 40)))
    return found


# --- attacks: each raises AssertionError when it tells of one or two people ----------------------------------------------


async def shown_for_few(owner: Connection, seen: Seen) -> None:
    """No number in any table stands for fewer people than the least."""
    measures = {
        "citizens": ("citizens", None, False), "diabetes": ("conditions", "diabetes", False), "copd": ("conditions", "copd", False),
        "several": ("conditions", None, True), "vaccinated": ("vaccinated", None, False), "admitted": ("contacts", "admitted", False),
    }  # fmt: skip
    for (name, measure), place, by_sex, by_band in product(
        measures.items(), (None, "region", "municipality"), (False, True), (False, True)
    ):
        for row in await owner.fetch(
            "select * from insight.figures($1, $2, $3, $4, $5, null, null, null)",
            seen.number,
            name,
            place,
            by_sex,
            by_band,
        ):
            if row["value"] is not None:
                behind = sum(people for cell, people in seen.held.items() if _within(cell, measure, row))
                assert behind >= LEAST, (name, dict(row), behind)


def _within(cell: Cell, measure: tuple[str, str | None, bool], row: Any) -> bool:
    grid, area, sex, band, part = cell
    wanted, of, several = measure
    groups = part.split("+")
    return (
        grid == wanted and (of is None or of in groups) and (not several or len(groups) > 1)
        and row["place"] in {None, area, AREAS[area]} and row["sex"] in {None, sex} and row["band"] in {None, band}
    )  # fmt: skip


def sizes_of_groups(seen: Seen, base: int = LEAST) -> None:
    """Whoever knows how many live in a group, and every number released about it, bounds each cell: not between one and two."""
    for group in {cell[1:4] for cell in seen.told if cell[0] != "citizens"}:
        for grid in ("conditions", "vaccinated", "contacts"):
            cells = {cell: value for cell, value in seen.told.items() if cell[0] == grid and cell[1:4] == group}
            size = seen.truth[("citizens", *group, "all")]
            assert size >= SMALLEST_GROUP - (base - 1), (group, size)
            for cell, value in cells.items():
                lowest = max(value - (base - 1), 0)
                others = sum(max(other - (base - 1), 0) for name, other in cells.items() if name != cell)
                highest = min(value + base - 1, size - others)
                assert not (lowest >= 1 and highest < LEAST), (cell, lowest, highest)


def everybody_else_known(history: Sequence[Seen], base: int = LEAST) -> None:
    """Whoever knows of every single change between the releases tries each beginning and each start, and keeps what fits."""
    for cell in {cell for seen in history for cell in seen.told}:
        fitting = [
            first for first, start in product(range(12), range(base)) if _fits(cell, history, first, start, base)
        ]
        if history[0].held.get(cell, 0) < 12:
            assert fitting, cell
            for seen in history:
                moved = seen.held.get(cell, 0) - history[0].held.get(cell, 0)
                now = {first + moved for first in fitting}
                assert not now <= set(range(1, LEAST)), (cell, now)


def _fits(cell: Cell, history: Sequence[Seen], first: int, start: int, base: int) -> bool:
    for seen in history:
        people = first + seen.held.get(cell, 0) - history[0].held.get(cell, 0)
        if people < 0 or (cell in seen.told and base * ((people + start) // base) != seen.told[cell]):
            return False
    return True


def differences(history: Sequence[Seen]) -> None:
    """A cell that is told otherwise than before differs by the least people or more."""
    for before, after in combinations(history, 2):
        for cell in before.told.keys() & after.told.keys():
            if before.told[cell] != after.told[cell]:
                assert abs(before.held[cell] - after.held[cell]) >= LEAST, cell


def far_from_the_truth(history: Sequence[Seen], base: int = LEAST) -> None:
    """Protection is no licence: no cell that is told is further from the truth than rounding and holding back make it."""
    for seen in history:
        for cell, value in seen.told.items():
            assert abs(value - seen.truth[cell]) <= (base - 1) + (LEAST - 1), (cell, value, seen.truth[cell])
