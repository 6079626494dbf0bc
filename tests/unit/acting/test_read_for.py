"""Blocks, consents and notices of somebody else, on a page and over FHIR: for whoever acts for them in these, with both names in the log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from helhed.trust.blocks.shapes import Blocks, Shape
from tests.support.door import Door, ids
from tests.support.world import NOW
from tests.unit.acting.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVER = datetime(2099, 1, 1, tzinfo=UTC)
CONSENT = TYPE_NUMBERS["Consent"]


class Family:
    """Ulla, whose record it is, and Mona, who may act for her."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors

    async def moves_in(self) -> "Family":
        world = self.doors.world
        self.clinic = await world.organisation("Klinikken ved Åen")
        self.ulla = await self.doors.person(self.clinic, "Ulla Test Udsen", "1940-01-01")
        self.mona = await self.doors.person(self.clinic, "Mona Test Udsen", "1970-01-01")
        self.doctor = await world.employee(self.clinic)
        self.row = await world.observation(self.ulla, self.clinic)
        blocks, own = Blocks(world.store.pool), world.citizen(self.ulla)
        self.block = await blocks.put(own, Shape(who_organisation=key_of(self.clinic)))
        self.of_a_row = await blocks.put(own, Shape(what_document=self.row))
        self.consent = await blocks.consent(
            own, NOW + timedelta(days=9), professional=key_of(self.doctor), block=self.of_a_row
        )
        return self

    async def lets(self, *types: str) -> None:
        """Mona acts for Ulla, in these or in everything."""
        acting = "insert into trust.acting (id, citizen, actor, basis, types, scopes, obeys_blocks, valid_from, valid_to) values ($1, $2, $3, 10, $4, $5, false, $6, $7)"
        numbers = [TYPE_NUMBERS[one] for one in types] or None
        words = {"AuditEvent": "log", "Observation": "results"}
        scopes = [words[one] for one in types] if types else ["all"]
        await self.doors.world.owner.execute(
            acting, uuid4(), key_of(self.ulla), key_of(self.mona), numbers, scopes, NOW, EVER
        )

    async def hides_the_row(self) -> None:
        statement = "insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to, set_by) values ($1, $2, $3, false, $4, $5, $6)"
        await self.doors.world.owner.execute(
            statement, uuid4(), key_of(self.ulla), self.row, NOW, EVER, key_of(self.doctor)
        )

    async def page(self, address: str):
        browser = await self.doors.citizen(self.mona)
        await browser.get("/borger")
        await browser.post("/borger/hvem", hvem=str(self.ulla))
        return await browser.get(address)

    async def searched(self) -> list[str]:
        door = Door(self.doors.world, self.doors.world.citizen(self.mona))
        status, found = await door.get(f"/fhir/Consent?patient=Patient/{self.ulla}")
        assert status == 200
        return ids(found)

    async def looks(self) -> list[tuple[int, int, int]]:
        log = await self.doors.log_of(self.ulla)
        return [
            (one["actor"], one["action"], one["basis"])
            for one in log
            if one["permitted"]
            and one["actor"] == key_of(self.mona)
            and (one["type"] == CONSENT or one["action"] == Action.READ_NOTICES)
        ]

    async def attempts(self) -> list[tuple[int, int, bool]]:
        """What was refused and stands in the log of either."""
        logs = [one for who in (self.ulla, self.mona) for one in await self.doors.log_of(who)]
        return [(one["actor"], one["action"], one["permitted"]) for one in logs if not one["permitted"]]


@pytest_asyncio.fixture(loop_scope="module")
async def family(doors: Doors) -> Family:
    return await Family(doors).moves_in()


async def test_who_acts_in_everything_reads_what_the_other_decided_and_both_stand_in_the_log(family):
    await family.lets()
    page = await family.page("/borger/samtykker-for")
    assert page.status == 200
    for said in ("Ulla Test Udsens spærringer og samtykker", "Klinikken ved Åen", "Du handler for Ulla Test Udsen."):
        assert said in page.text
    assert page.page.count("<li>") >= 3
    assert 'action="/borger/spaerringer' not in page.page
    assert set(await family.searched()) == {str(family.block), str(family.of_a_row), str(family.consent)}
    assert await family.looks() == [(key_of(family.mona), Action.SEARCH, 10)] * 2


async def test_a_block_on_a_row_that_is_hidden_from_those_who_act_is_not_told_nor_what_lifts_it(family):
    await family.lets()
    await family.hides_the_row()
    assert await family.searched() == [str(family.block)]
    page = await family.page("/borger/samtykker-for")
    assert "har ingen samtykker" in page.text


@pytest.mark.parametrize("types", [("AuditEvent",), ("Observation",)])
async def test_a_mandate_for_something_else_opens_no_consents(family, types):
    await family.lets(*types)
    page = await family.page("/borger/samtykker-for")
    assert page.status == 403
    assert await family.searched() == []
    assert await family.looks() == []
    assert (key_of(family.mona), Action.SEARCH, False) in await family.attempts()


async def test_a_stranger_and_whoever_treats_are_told_of_no_consent(family):
    world = family.doors.world
    await world.contact(family.ulla, family.clinic)
    for asker in (
        world.citizen(family.mona),
        world.professional(family.doctor, family.clinic),
        world.system(family.clinic),
    ):
        status, found = await Door(world, asker).get(f"/fhir/Consent?patient=Patient/{family.ulla}")
        assert (status, ids(found)) == (200, [])


@pytest.mark.parametrize("asked", ["{ulla}", "{mona},{ulla}", "{mona}&patient={ulla}", "{ulla}&status=active"])
async def test_whoever_asks_for_the_consents_of_somebody_whom_they_do_not_act_for_stands_in_that_ones_log(
    family, asked
):
    named = asked.format(ulla=f"Patient/{family.ulla}", mona=f"Patient/{family.mona}")
    door = Door(family.doors.world, family.doors.world.citizen(family.mona))
    assert (await door.get(f"/fhir/Consent?patient={named}"))[0] == 200
    assert await family.attempts() == [(key_of(family.mona), Action.SEARCH, False)]


async def test_whoever_tries_to_block_in_the_name_of_another_stands_in_that_ones_log(family):
    world = family.doors.world
    _, found = await Door(world, world.citizen(family.ulla)).get(f"/fhir/Consent/{family.block}")
    deny = {name: value for name, value in found.items() if name not in {"id", "meta"}}
    asker = replace(world.citizen(family.mona), write_types=frozenset({"Consent"}))
    status, _, _ = await Door(world, asker).do("POST", "/fhir/Consent", deny)
    assert status == 403
    assert await family.attempts() == [(key_of(family.mona), Action.CREATE, False)]


async def test_an_own_question_and_one_for_whom_one_acts_are_no_attempts(family):
    await family.lets()
    await family.searched()
    door = Door(family.doors.world, family.doors.world.citizen(family.mona))
    await door.get(f"/fhir/Consent?patient=Patient/{family.mona}")
    assert await family.attempts() == []


async def test_nobody_sets_or_ends_for_another_over_fhir(family):
    await family.lets()
    asker = replace(family.doors.world.citizen(family.mona), write_types=frozenset({"Consent"}))
    door = Door(family.doors.world, asker)
    status, _, _ = await door.do("DELETE", f"/fhir/Consent/{family.block}")
    assert status == 404
    _, found = await Door(family.doors.world, family.doors.world.citizen(family.ulla)).get(
        f"/fhir/Consent/{family.block}"
    )
    deny = {name: value for name, value in found.items() if name not in {"id", "meta"}}
    status, _, _ = await door.do("POST", "/fhir/Consent", deny)
    assert status == 403
    assert set(await family.searched()) == {str(family.block), str(family.of_a_row), str(family.consent)}


async def test_notices_are_read_by_who_acts_in_the_log_but_none_of_a_single_look(family):
    for kind in ("app-allowed", "look-by-somebody-new", "mandate-offered"):
        await family.doors.world.owner.execute(
            "select trust.tell($1, $2, $3, $4, null::bigint, $5)",
            key_of(family.ulla),
            NOW,
            kind,
            uuid4(),
            key_of(family.clinic),
        )
    await family.lets("AuditEvent")
    page = await family.page("/borger/beskeder-for")
    assert "En app har fået adgang" in page.text
    for kept in ("ikke har set dine oplysninger før", "vil give dig fuldmagt"):
        assert kept not in page.text
    assert await family.looks() == [(key_of(family.mona), Action.READ_NOTICES, 10)]


async def test_notices_stay_shut_for_a_mandate_that_does_not_open_the_log(family):
    await family.lets("Observation")
    assert (await family.page("/borger/beskeder-for")).status == 403


async def test_on_ones_own_behalf_the_own_pages_are_opened(family):
    browser = await family.doors.citizen(family.ulla)
    assert (await browser.get("/borger/samtykker-for")).address == "/borger/spaerringer"
    assert (await browser.get("/borger/beskeder-for")).address == "/borger/beskeder"
