"""SHAK and SOR, each to the other on a day; and who still sends SHAK."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.foundation.errors import BadRequest
from helhed.registries.identifiers import SHAK, SOR
from helhed.registries.shak import Pair, ShakCodes, names_shak, read_map, take_in_map
from tests.support.door import Door
from tests.unit.registries.region import Region
from tests.unit.registries.test_arranging_units import keeper_of

OK, BAD_REQUEST = 200, 400
FILE = """\ufeffSHAK-kode;SOR-kode;Navn;Fra dato;Til dato
990101;31000016005;Et;2015-01-01;9999-12-31
990101;41000016006;To;01-01-2020;31-12-2029
9901;21000016003;Tre;;
"""
NEW_YEAR = date(2020, 1, 1)


def parts(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The parts of each parameter of that name, by their names."""
    return [
        {part["name"]: next(value for key, value in part.items() if key != "name") for part in one["part"]}
        for one in told.get("parameter", ())
        if one["name"] == name
    ]


def test_a_published_map_is_read_by_the_names_of_its_columns() -> None:
    assert list(read_map(FILE.splitlines())) == [
        Pair("990101", "31000016005", date(2015, 1, 1), None),
        Pair("990101", "41000016006", NEW_YEAR, date(2030, 1, 1)),
        Pair("9901", "21000016003", date(1900, 1, 1), None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a;b\n1;2",
        "shak;sor\n99;31000016005",
        "shak;sor\n990101;x",
        "shak;sor;fra\n990101;31000016005;2020-02-30",
        "shak;sor;fra;til\n990101;31000016005;2020-01-02;2020-01-01",
    ],
)
def test_what_is_no_map_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BadRequest, match=r"Line 2|heading"):
        list(read_map(text.splitlines()))


async def test_a_code_is_translated_both_ways_to_one_or_several_as_of_a_day(region: Region) -> None:
    await take_in_map(region.world.owner, read_map(FILE.splitlines()), "map.csv")
    door = Door(region.world, region.ask)
    for system, code, day, expected in (
        (SHAK, "990101", "2026-01-01", [("31000016005", "narrower"), ("41000016006", "narrower")]),
        (SHAK, "990101", "2018-01-01", [("31000016005", "equivalent")]),
        (SHAK, "990101", "2010-01-01", []),
        (SOR, "41000016006", "2026-01-01", [("990101", "wider")]),
        (SHAK, "9901", "2026-01-01", [("21000016003", "equivalent")]),
    ):
        status, told = await door.get(f"/fhir/Organization/$shak-translate?system={system}&code={code}&date={day}")
        assert (status, told["parameter"][0]) == (OK, {"name": "result", "valueBoolean": bool(expected)})
        assert [(one["concept"]["code"], one["equivalence"]) for one in parts(told, "match")] == expected
    for wrong in ("system=x&code=1", f"system={SHAK}", f"system={SHAK}&code=1&date=soon"):
        assert (await door.get(f"/fhir/Organization/$shak-translate?{wrong}"))[0] == BAD_REQUEST


async def test_a_unit_that_says_both_of_itself_is_translated_and_found_by_either(region: Region) -> None:
    now = await region.stored(region.ward)
    numbers = [{"system": SHAK, "value": "990102"}, {"system": SOR, "value": "51000016007"}]
    await region.world.change(region.ask, region.ward, {**now, "identifier": numbers})
    door = Door(region.world, region.ask)
    _, told = await door.get(f"/fhir/Organization/$shak-translate?system={SHAK}&code=990102")
    (match,) = parts(told, "match")
    assert (match["concept"], match["unit"], match["source"]) == (
        {"system": SOR, "code": "51000016007", "display": "Afsnit"},
        {"reference": f"Organization/{region.ward}"},
        "unit",
    )
    for asked in (f"{SHAK}|990102", "990102", f"{SOR}|51000016007"):
        _, found = await door.get(f"/fhir/Organization/$unit-find?identifier={asked}")
        assert [one["resource"]["id"] for one in found["entry"]] == [str(region.ward)]
    _, none = await door.get(f"/fhir/Organization/$unit-find?identifier={SOR}|990102")
    assert "entry" not in none


_MAPS = st.lists(
    st.lists(st.tuples(st.sampled_from(["9901", "9902", "990101"]), st.sampled_from(["11000016001", "21000016002"]), st.integers(0, 9), st.integers(1, 9)), max_size=5),
    min_size=1, max_size=3,
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(maps=_MAPS, day=st.integers(-1, 19), heard=st.integers(0, 2))
async def test_what_a_map_said_then_of_a_day_is_told(region: Region, maps: list[Any], day: int, heard: int) -> None:
    known, said = [], []
    for one in maps:
        pairs = {
            Pair(shak, sor, NEW_YEAR + timedelta(begins), NEW_YEAR + timedelta(begins + days))
            for shak, sor, begins, days in one
        }
        if pairs:
            await take_in_map(region.world.owner, pairs, "map")
            said.append(pairs)
            known.append(await region.world.owner.fetchval("select clock_timestamp()"))
    if not known:
        return
    heard, on = min(heard, len(known) - 1), NEW_YEAR + timedelta(day)
    holds = {
        (pair.shak, pair.sor) for pair in said[heard] if pair.begins <= on and (pair.ends is None or on < pair.ends)
    }
    codes = ShakCodes(region.world.store.pool)
    for shak in ("9901", "9902", "990101"):
        found = await codes.translate(shak, None, on, known[heard])
        assert {one.sor for one in found} == {sor for own, sor in holds if own == shak}
    for sor in ("11000016001", "21000016002"):
        found = await codes.translate(None, sor, on, known[heard])
        assert {one.shak for one in found} == {own for own, code in holds if code == sor}
        assert all(one.back == len({code for own, code in holds if own == one.shak}) for one in found)


async def test_whoever_still_sends_shak_is_counted_and_told_to_those_above(region: Region) -> None:
    await keeper_of(region, region.north)
    hospital = Door(region.world, replace(region.world.system(region.north), at=region.now))
    region_door = Door(region.world, region.ask)
    unit = {
        "resourceType": "Organization",
        "name": "Nyt",
        "partOf": {"reference": f"Organization/{region.north}"},
        "identifier": [{"system": SHAK, "value": "990109"}],
    }
    assert (await hospital.post("/fhir/Organization", unit))[0] == 201
    for _ in range(2):
        assert (await hospital.get("/fhir/Organization?identifier=urn%3Ahelhed%3Ashak%7C990109"))[0] == OK
    await hospital.search("Organization", {"identifier": f"{SHAK}|990109"})
    await hospital.get("/fhir/Organization?identifier=urn:helhed:shakespeare|1")
    await hospital.post("/fhir/Organization", {**unit, "name": ["wrong"]})
    _, told = await region_door.get("/fhir/Organization/$shak-report")
    assert sorted(
        (one["act"], one["type"], one["times"], one["organization"]["display"]) for one in parts(told, "use")
    ) == [
        ("search", "Organization", 3, "Nord"),
        ("write", "Organization", 1, "Nord"),
    ]
    stranger = Door(region.world, region.world.system(await region.world.organisation("En anden")))
    assert (await stranger.get("/fhir/Organization/$shak-report"))[1] == {"resourceType": "Parameters"}
    keeper = Door(region.world, await keeper_of(region, region.north))
    assert len(parts((await keeper.get("/fhir/Organization/$shak-report"))[1], "use")) == 2
    columns = await region.world.owner.fetch("select * from registries.shak_use")
    assert "990109" not in str([dict(row) for row in columns])


def test_the_system_is_known_however_it_is_written() -> None:
    assert [
        names_shak(raw)
        for raw in (b'"urn:helhed:shak"', b"urn%3Ahelhed%3ashak%7C1", b"urn:helhed:shakes", b"shak", b"")
    ] == [True, True, False, False, False]
