"""Whoever keeps a unit says on its page where its messages go and what it offers, from a day on; others are refused, and told why."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from helhed.foundation.ask import Action
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.ids import key_of
from helhed.registries.addressing import Route, routes_of
from helhed.registries.units.keeping_listings import UnitListings, right_address, with_period
from tests.unit.registries.region import LATER_DAYS, Region
from tests.unit.registries.test_address_book import endpoint
from tests.unit.registries.test_arranging_units import keeper_of, with_system
from tests.unit.registries.test_unit_pages import OK, UNPROCESSABLE, somebody, typed

LETTER: Mapping[str, str] = {"slags_meddelelse": "xdis91", "modtages_paa": "https://afsnit.example/breve"}


async def ways(region: Region, unit: UUID, day: date) -> list[Route]:
    """By which routes the unit takes letters on a day."""
    noon = datetime.combine(day, datetime.min.time(), DANISH_TIME) + timedelta(hours=12)
    return await routes_of(region.world.owner, key_of(unit), "XDIS91", noon)


async def test_a_place_for_messages_counts_from_its_day_and_is_told_before(region: Region) -> None:
    keeper = await somebody(region, await keeper_of(region, region.north))
    assert await typed(keeper, region.ward, "modtag", **LETTER, gln="5790000000005", dag=region.later.isoformat()) == OK
    assert await ways(region, region.ward, region.today) == []
    (way,) = await ways(region, region.ward, region.later)
    assert (way.address, way.gln, way.submitted_by) == (LETTER["modtages_paa"], "5790000000005", key_of(region.north))
    nobody = await somebody(region)
    await nobody.get(f"/enheder/{region.ward}")
    assert "Begynder eller slutter" in nobody.text
    assert "Korrespondancebrev (XDIS91) på https://afsnit.example/breve" in nobody.text
    rows = await region.world.owner.fetch(
        "select permitted from foundation.access_log where action = $1", int(Action.LIST_FOR_UNIT)
    )
    assert [row["permitted"] for row in rows] == [True]


async def test_what_is_planned_is_taken_back_and_what_would_end_goes_on(region: Region) -> None:
    keeper = await somebody(region, await keeper_of(region, region.north))
    await typed(keeper, region.ward, "modtag", **LETTER, dag=region.later.isoformat())
    assert await typed(keeper, region.ward, "behold", hvad=keeper.field("hvad")) == OK
    assert await ways(region, region.ward, region.later) == []
    await typed(keeper, region.ward, "modtag", **LETTER, dag=region.today.isoformat())
    assert await typed(keeper, region.ward, "stop", hvad=keeper.field("hvad"), dag=region.later.isoformat()) == OK
    days = (region.later - timedelta(1), region.later)
    assert [len(await ways(region, region.ward, day)) for day in days] == [1, 0]
    assert await typed(keeper, region.ward, "behold", hvad=keeper.field("hvad")) == OK
    assert [len(await ways(region, region.ward, day)) for day in days] == [1, 1]
    assert await typed(keeper, region.ward, "behold", hvad=keeper.field("hvad")) == UNPROCESSABLE
    assert "ikke planlagt noget, der kan tages tilbage" in keeper.text


async def test_a_service_is_offered_from_its_day_until_it_is_stopped(region: Region) -> None:
    keeper = await somebody(region, await keeper_of(region, region.north))
    day = region.later.isoformat()
    assert await typed(keeper, region.ward, "tilbyd", ydelse="Lungefunktion", speciale="Neurologi", dag=day) == OK
    nobody = await somebody(region)
    await nobody.get(f"/enheder/{region.ward}")
    assert ("Ingen ydelser er registreret" in nobody.text, "Lungefunktion, Neurologi" in nobody.text) == (True, True)
    await nobody.get(f"/enheder/{region.ward}?dag={day}")
    assert "Ingen ydelser er registreret" not in nobody.text
    after = (region.later + timedelta(5)).isoformat()
    assert await typed(keeper, region.ward, "stop", hvad=keeper.field("hvad"), dag=after) == OK
    await nobody.get(f"/enheder/{region.ward}?dag={after}")
    assert "Ingen ydelser er registreret" in nobody.text


async def test_a_keeper_further_up_stops_what_the_units_own_system_registered(region: Region) -> None:
    await with_system(region, region.north)
    await region.world.put(region.world.system(region.north), endpoint(region.ward, "https://own.example", "XDIS91"))
    keeper = await somebody(region, await keeper_of(region, region.region))
    await keeper.get(f"/enheder/{region.ward}")
    assert await typed(keeper, region.ward, "stop", hvad=keeper.field("hvad"), dag=region.later.isoformat()) == OK
    assert await ways(region, region.ward, region.later) == []
    assert len(await ways(region, region.ward, region.today + timedelta(1))) == 1


async def test_what_is_refused_is_said_in_plain_words_and_changes_nothing(region: Region) -> None:
    keeper = await somebody(region, await keeper_of(region, region.north))
    day, past = region.later.isoformat(), (region.today - timedelta(1)).isoformat()
    stranger = await region.world.put(region.ask, endpoint(region.south, "https://south.example", "XDIS91"))
    closed = await region.unit("Lukker", region.north)
    await region.plans.close(region.ask, closed, region.later)
    for unit, act, fields, said in (
        (region.south, "modtag", {**LETTER, "dag": day}, "hører ikke under din organisation"),
        (region.ward, "modtag", {**LETTER, "dag": past}, "Vælg i dag eller en senere dag"),
        (region.ward, "modtag", {**LETTER, "dag": "snart"}, "Vælg i dag eller en senere dag"),
        (region.ward, "modtag", {**LETTER, "modtages_paa": "http://afsnit.example"}, "som den begynder: https://"),
        (region.ward, "modtag", {**LETTER, "modtages_paa": "https://a:b@afsnit.example"}, "som den begynder: https://"),
        (region.ward, "modtag", {**LETTER, "slags_meddelelse": "alt"}, "Vælg, hvilken slags meddelelse"),
        (region.ward, "modtag", {**LETTER, "gln": "5790000000006"}, "har 13 cifre"),
        (region.ward, "tilbyd", {"ydelse": "", "dag": day}, "Skriv, hvad enheden tilbyder"),
        (closed, "tilbyd", {"ydelse": "Noget", "dag": day}, "Enheden er lukket den dag"),
        (region.ward, "stop", {"hvad": str(stranger), "dag": day}, "Enheden findes ikke her"),
        (region.south, "stop", {"hvad": str(stranger), "dag": day}, "hører ikke under din organisation"),
    ):
        assert await typed(keeper, unit, act, **fields) == UNPROCESSABLE, (act, fields, keeper.text)
        assert said in keeper.text, (act, fields, keeper.text)
    assert await UnitListings(region.world.store).of(region.ward, region.now) == []
    assert len(await ways(region, region.south, region.later)) == 1


@pytest.mark.parametrize("act", ["modtag", "tilbyd", "stop", "behold"])
async def test_who_keeps_no_units_is_stopped_at_the_door(region: Region, act: str) -> None:
    doctor = await somebody(region, await keeper_of(region, region.north, "doctor"))
    assert await typed(doctor, region.ward, act, **LETTER, ydelse="Mit") == 403


_DAYS = st.integers(0, LATER_DAYS).map(lambda day: date(2026, 1, 1) + timedelta(day))


@given(start=st.none() | _DAYS, end=st.none() | _DAYS, kind=st.sampled_from(["Endpoint", "HealthcareService"]))
def test_days_that_are_set_and_taken_out_leave_a_resource_as_it_was(
    start: date | None, end: date | None, kind: str
) -> None:
    before = {"resourceType": kind, "extension": [{"url": "urn:else", "valueBoolean": True}], "name": "X"}
    said = with_period(before, start=start, end=end)
    assert with_period(said, start=None, end=None) == before
    assert with_period(with_period(said, end=None), end=end) == said


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=40))
def test_no_address_but_an_encrypted_one_with_a_named_host_is_right(text: str) -> None:
    assert not right_address(text)
    assert not right_address(f"https://{text} .example")
    assert right_address("https://vans.example/a?b=c")
