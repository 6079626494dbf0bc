"""The pages of units: everybody looks them up, and whoever keeps an organisation's units arranges those of its own part."""

from datetime import timedelta
from uuid import UUID

import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of
from helhed.registries.addressing import delivered, route
from tests.support.door import Door
from tests.support.pages import Clicker, Pages
from tests.unit.registries.region import LATER_DAYS, Region
from tests.unit.registries.test_address_book import endpoint
from tests.unit.registries.test_arranging_units import keeper_of

OK, SEE_OTHER, UNAUTHORISED, FORBIDDEN, NOT_FOUND, UNPROCESSABLE = 200, 303, 401, 403, 404, 422


async def somebody(region: Region, ask: Ask | None = None) -> Clicker:
    """A browser, with or without a session."""
    pages = Pages(region.world)
    pages.now = region.now
    return await pages.person(ask)


async def typed(clicker: Clicker, unit: UUID, act: str, **fields: str) -> int:
    """A form of the unit's page, followed to where it leads."""
    await clicker.post(f"/enheder/{unit}/{act}", **fields)
    return clicker.status


async def test_a_ward_is_found_from_half_its_name_without_logging_in_as_of_a_day(region: Region) -> None:
    await region.plans.close(region.ask, region.ward, region.later)
    nobody = await somebody(region)
    await nobody.get("/enheder?q=afs+nor")
    assert (nobody.status, "Afsnit" in nobody.text, "Nord, Region" in nobody.text) == (OK, True, True)
    await nobody.get(f"/enheder?q=afs+nor&dag={region.later.isoformat()}")
    assert "Ingen åben enhed passer" in nobody.text
    await nobody.get("/enheder?q=afs&dag=snart")
    assert (nobody.status, "Det er ikke en dato" in nobody.text) == (OK, True)


async def test_a_unit_is_found_by_a_number_it_has(region: Region) -> None:
    now = await region.stored(region.ward)
    await region.world.change(
        region.ask, region.ward, {**now, "identifier": [{"system": "urn:helhed:shak", "value": "990101"}]}
    )
    nobody = await somebody(region)
    await nobody.get("/enheder?q=990101")
    assert "Nord, Region" in nobody.text


async def test_a_unit_tells_where_it_stands_what_it_inherits_and_what_is_planned(region: Region) -> None:
    now = await region.stored(region.north)
    more = {
        "address": [{"line": ["Havnegade 2"], "postalCode": "6991", "city": "Vestfjord"}],
        "identifier": [{"system": "http://www.gs1.org/gln", "value": "5790000000003"}],
    }
    await region.world.change(region.ask, region.north, {**now, **more})
    await region.world.put(region.ask, endpoint(region.region, "https://region.example", "XDIS91"))
    service = {
        "resourceType": "HealthcareService",
        "providedBy": {"reference": f"Organization/{region.ward}"},
        "name": "Udredning",
        "specialty": [
            {"coding": [{"system": "http://snomed.info/sct", "code": "418112009", "display": "Lungemedicin"}]}
        ],
    }
    await region.world.put(region.ask, service)
    await region.plans.change(region.ask, region.ward, region.later, {"name": "Nyt navn"})
    found = await route(region.world.owner, key_of(region.ward), "XDIS91", region.now + timedelta(minutes=1))
    assert found is not None
    await delivered(region.world.owner, found, "XDIS91", region.now)
    nobody = await somebody(region)
    await nobody.get(f"/enheder/{region.ward}")
    told = (
        "Havnegade 2, 6991 Vestfjord",
        "Arvet fra Nord",
        "5790000000003",
        "Korrespondancebrev (XDIS91)",
        "Arvet fra Region",
        "Lungemedicin",
        "Hedder Nyt navn",
        "Registreret af Region",
    )
    assert nobody.status == OK
    assert [one for one in told if one not in nobody.text] == []
    assert "aldrig endnu" not in nobody.text
    await nobody.get(f"/enheder/{region.ward}?dag={region.later.isoformat()}")
    assert "<h1>Nyt navn</h1>" in nobody.page
    await nobody.get(f"/enheder/{UUID(int=5)}")
    assert nobody.status == NOT_FOUND


async def test_whoever_keeps_units_changes_moves_closes_and_registers_those_of_their_own_part(region: Region) -> None:
    keeper = await somebody(region, await keeper_of(region, region.region))
    day = region.later.isoformat()
    await keeper.get("/enheder/mine")
    assert "<h1>Region</h1>" in keeper.page
    assert (
        await typed(keeper, region.ward, "aendr", navn="Afsnit", telefon="70000000", dag=region.today.isoformat()) == OK
    )
    assert (await region.stored(region.ward))["telecom"] == [{"system": "phone", "value": "70000000", "use": "work"}]
    assert await typed(keeper, region.ward, "flyt", under="Syd", dag=day) == OK
    assert await region.beneath(region.south, region.later) == {region.ward}
    assert await typed(keeper, region.south, "ny", nyt_navn="Splinternyt", nyt_slags="Ambulatorium") == OK
    assert "<h1>Splinternyt</h1>" in keeper.page
    assert (
        await typed(
            keeper, region.ward, "luk", efter="Splinternyt\nNord", dag=(region.later + timedelta(1)).isoformat()
        )
        == OK
    )
    assert "Lukkes, og føres videre af Splinternyt og Nord" in keeper.text
    assert await typed(keeper, region.ward, "fortryd", plan=keeper.field("plan")) == OK
    assert [one.withdrawn_at is None for one in await region.plans.of_unit(region.ward)] == [False, True, True]


async def test_what_is_refused_is_said_in_plain_words_and_what_was_typed_is_kept(region: Region) -> None:
    keeper = await somebody(region, await keeper_of(region, region.north))
    day, past = region.later.isoformat(), (region.today - timedelta(1)).isoformat()
    for unit, act, fields, said in (
        (region.south, "aendr", {"navn": "Mit", "dag": day}, "hører ikke under din organisation"),
        (region.ward, "flyt", {"under": "Syd", "dag": day}, "kun flytte enheden til et sted i din egen del"),
        (region.ward, "flyt", {"under": "findes ikke", "dag": day}, "Ingen åben enhed passer"),
        (region.ward, "flyt", {"under": "", "dag": day}, "Skriv én enhed"),
        (region.north, "luk", {"dag": day}, "Luk eller flyt dem først"),
        (region.ward, "aendr", {"navn": "Nyt", "dag": past}, "Vælg i dag eller en senere dag"),
        (region.ward, "aendr", {"navn": "Afsnit", "dag": day}, "Du har ikke ændret noget"),
        (region.south, "ny", {"nyt_navn": "Mit"}, "hører ikke under din organisation"),
    ):
        assert await typed(keeper, unit, act, **fields) == UNPROCESSABLE, (act, keeper.text)
        assert said in keeper.text
    assert await region.plans.of_unit(region.ward) == []
    await keeper.get(f"/enheder/{region.south}")
    assert ("kun dens egne redaktører" in keeper.text, "Ordn enheden" in keeper.text) == (True, False)


async def test_a_keeper_sees_who_of_their_part_still_sends_shak(region: Region) -> None:
    keeper = await somebody(region, await keeper_of(region, region.region))
    await keeper.get("/enheder/mine")
    assert "Ingen. Alle bruger SOR." in keeper.text
    await Door(region.world, region.ask).get("/fhir/Organization?identifier=urn:helhed:shak%7C990101")
    await keeper.get("/enheder/mine")
    assert "Region test søger (Organization) 1" in keeper.text
    await keeper.get(f"/enheder/{region.ward}")
    assert "stadig SHAK" not in keeper.text


@pytest.mark.parametrize("role", ["doctor", "directory-keeper", "secretary"])
async def test_others_are_offered_nothing_and_stopped_at_the_door(region: Region, role: str) -> None:
    other = await somebody(region, await keeper_of(region, region.region, role))
    await other.get(f"/enheder/{region.ward}")
    assert (other.status, "Ordn enheden" in other.text) == (OK, False)
    assert await typed(other, region.ward, "luk", dag=(region.today + timedelta(LATER_DAYS)).isoformat()) == FORBIDDEN
    assert await region.plans.of_unit(region.ward) == []
