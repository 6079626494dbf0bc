"""Dates: each prefix at each precision, on the primary date and on the others (FHIR R4 search, section 3.1.1.4.5)."""

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from helhed.foundation.errors import BadRequest
from tests.support.world import NOW
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: name -> the primary date of an Observation; days and moments without a zone are Danish time (UTC+1 in November)
ROWS: dict[str, dict[str, Any]] = {
    "year": {"effectiveDateTime": "2024"},
    "month": {"effectiveDateTime": "2024-11"},
    "day": {"effectiveDateTime": "2024-11-20"},
    "noon": {"effectiveDateTime": "2024-11-20T12:00:00+01:00"},
    "night": {"effectiveDateTime": "2024-11-20T23:30:00Z"},
    "stay": {"effectivePeriod": {"start": "2024-11-19", "end": "2024-11-21"}},
    "ongoing": {"effectivePeriod": {"start": "2024-11-21"}},
    "never": {},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def named(library: Scene) -> dict[UUID, str]:
    made = {}
    for name, dated in ROWS.items():
        made[await library.world.put(library.custodian, library.result(**dated))] = name
    return made


async def finds(library: Scene, named: dict[UUID, str], url: str) -> str:
    found = await library.world.found(library.doctor, f"Observation?status=final&{url}")
    return " ".join(sorted(named[one] for one in found if one in named))


@pytest.mark.parametrize(
    ("test", "names"),
    [
        ("2024", "day month night noon stay year"),
        ("eq2024-11", "day month night noon stay"),
        ("2024-11-20", "day noon"),
        ("2024-11-21", "night"),
        ("2024-11-20T12:00:00+01:00", "noon"),
        ("2024-11-20T11:00Z", "noon"),
        ("2024-11-20T12:00", "noon"),
        ("2024-11-20T12:00:00Z", ""),
        ("ne2024-11-20", "month night ongoing stay year"),
        ("ne2024", "ongoing"),
        ("gt2024-11-20", "month night ongoing stay year"),
        ("gt2024-11-30", "ongoing year"),
        ("ge2024-11-20", "day month night noon ongoing stay year"),
        ("ge2024-11-21", "month night ongoing year"),  # the stay neither lies in that day nor ends after it
        ("lt2024-11-20", "month stay year"),
        ("lt2024-11-01", "year"),
        ("le2024-11-20", "day month noon stay year"),
        ("le2024-11-20T12:00:00+01:00", "day month noon stay year"),
        ("sa2024-11-20", "night ongoing"),
        ("sa2024-11-19", "day night noon ongoing"),
        ("sa2024-11-20T12:00:00+01:00", "night ongoing"),
        ("eb2024-11-21", "day noon"),
        ("eb2024-11-20T12:00:01+01:00", "noon"),
        ("eb2024-11-22", "day night noon stay"),
        ("2024-11-21,2024-11-20T12:00:00+01:00", "night noon"),
    ],
)
async def test_the_primary_date(library: Scene, named: dict[UUID, str], test: str, names: str) -> None:
    assert await finds(library, named, f"date={test}") == names


async def test_two_dates_are_the_ends_of_a_range(library: Scene, named: dict[UUID, str]) -> None:
    assert await finds(library, named, "date=ge2024-11-20&date=le2024-11-20") == "day month noon stay year"


async def test_a_row_without_a_date_is_found_by_its_absence_only(library: Scene, named: dict[UUID, str]) -> None:
    assert await finds(library, named, "date:missing=true") == "never"
    assert "never" not in await finds(library, named, "date=ne1999")


async def test_approximately_is_a_tenth_of_the_way_to_today(library: Scene) -> None:
    """1930 is close enough to 1926, from a century away; 1985 is not."""
    world = library.world
    near = await world.observation(library.patient, library.hospital, "ap", effectiveDateTime="1926-01-01")
    assert await world.found(library.doctor, "Observation?code=ap&date=ap1930") == [near]
    assert await world.found(library.doctor, "Observation?code=ap&date=ap1985") == []


@pytest.mark.parametrize(
    ("test", "count"),
    [("1958-03-14", 1), ("1958", 1), ("ge1958-03-14", 1), ("gt1958-03-14", 0), ("lt1958-03-15", 1), ("sa1958", 0)],
)
async def test_dates_other_than_the_primary_one(library: Scene, test: str, count: int) -> None:
    found = await library.world.found(library.doctor, f"Encounter?patient.birthdate={test}")
    assert len(found) == count


@pytest.mark.parametrize(
    ("test", "count"),
    [(f"ge{NOW:%Y-%m-%d}", 1), (f"lt{NOW:%Y-%m-%d}", 0), (f"{NOW:%Y-%m-%dT%H:%M}Z", 1), ("ne2026", 0), ("sa2026", 0)],
)
async def test_when_a_row_was_last_written(library: Scene, test: str, count: int) -> None:
    found = await library.world.found(library.doctor, f"Patient?_lastUpdated={test}")
    assert len(found) == count


@pytest.mark.parametrize("test", ["2023-02-29", "2024-13", "xx2024", "20241120", "2024-11-20T25:00", "today", "ge"])
async def test_what_is_no_date_is_refused(library: Scene, named: dict[UUID, str], test: str) -> None:
    with pytest.raises(BadRequest):
        await finds(library, named, f"date={test}")
