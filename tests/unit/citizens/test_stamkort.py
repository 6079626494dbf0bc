"""A stamkort is kept once: read from CPR what CPR owns, changed by the citizen, a parent, a mandate or a helper, and by nobody else."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given, strategies as st

from helhed.foundation.errors import Forbidden
from helhed.foundation.ids import key_of
from helhed.record.stamkort.bodies import own_body, relative_body, stated_now
from helhed.record.stamkort.card import OwnCard, RelativeCard, Stated, own_card, relative_card
from helhed.record.stamkort.keeping import ChangedMeanwhile, Editor, MasterData
from helhed.record.stamkort.rules import Unsound, card_policy, plain_phone, sound_card, sound_relative
from helhed.trust.policy import BASIS_NUMBERS
from tests.support.world import NOW
from tests.unit.acting.doors import Browser, Doors
from tests.unit.acting.town import a_town

PATH = "/borger/stamkort"
CARD = {
    "version": "0", "telefon-mobile": "20 12 34 56", "email": "jens@example.dk", "vej": "Strandvej 4", "postnr": "6991", "by": "Vestfjord",
    "fra": "2026-11-20", "til": "2026-12-20", "sprog": "so", "tolk": "ja", "behov-hearing": "ja", "tandlaege": "Tandlægerne Torvet",
    "ord": "Tal langsomt",
}  # fmt: skip
ULLA = {
    "navn": "Ulla Test Holm",
    "relation": "SPS",
    "telefon": "20 65 43 21",
    "maa": "dying",
    "oenske": "Ikke om natten",
}


async def at_home(doors: Doors, born: str = "1958-03-14", **more: Any) -> tuple[UUID, UUID]:
    await doors.keeper()
    await doors.world.owner.execute("select trust.register_system($1)", (await doors.keeper()).actor)
    clinic = await doors.world.organisation("Lægehuset")
    citizen = await doors.person(clinic, "Jens Test Holm", born)
    return citizen, clinic


async def row_of(doors: Doors, citizen: UUID) -> list[dict[str, Any]]:
    rows = await doors.world.owner.fetch(
        "select body from fhir.resource where citizen = $1 and type = 114 and not deleted", key_of(citizen)
    )
    return [orjson.loads(row["body"]) for row in rows]


async def opened(doors: Doors, citizen: UUID) -> Browser:
    return await (await doors.citizen(citizen)).get(PATH)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_citizen_says_it_once_and_a_doctor_sees_it_with_its_age_and_it_is_fhir(doors: Doors) -> None:
    citizen, clinic = await at_home(doors)
    page = await opened(doors, citizen)
    assert "fra CPR" in page.text
    await page.post(PATH, **CARD)
    assert "Det er gemt" in page.text, page.text
    await page.post(f"{PATH}/paaroerende", **ULLA)
    assert "Må kun ringes til, når jeg er døende eller død" in page.text
    assert "oplyst af borgeren selv 23.11.2026" in page.text
    await doors.world.contact(citizen, clinic)
    older = {"resourceType": "RelatedPerson", "patient": {"reference": f"Patient/{citizen}"}, "name": [{"text": "Ulla  test Holm"}],
             "telecom": [{"system": "phone", "value": "20 99 99 99"}]}  # fmt: skip
    await doors.world.put(doors.world.system(clinic), older)
    doctor = await doors.professional(await doors.world.employee(clinic), clinic)
    await doctor.get("/hospital")
    await doctor.post("/hospital/find", patient=doors.numbers[citizen])
    for told in (
        "20 12 34 56",
        "Strandvej 4",
        "somali",
        "Tal langsomt",
        "Ulla Test Holm",
        "20 65 43 21",
        "døende eller død",
        "23.11.2026",
    ):
        assert told in doctor.text
    assert "20 99 99 99" not in doctor.text, "what a source wrote of the same person gives way to the citizen's wish"
    ask = doors.world.professional(await doors.world.employee(clinic), clinic)
    found = await doors.world.found(ask, f"RelatedPerson?patient=Patient/{citizen}&relationship=ONESELF")
    assert len(found) == 1
    assert {173, 9} <= {row["action"] for row in await doors.log_of(citizen)}


@pytest.mark.asyncio(loop_scope="module")
async def test_of_two_who_change_it_at_once_the_second_is_told_and_nothing_is_lost(doors: Doors) -> None:
    citizen, _ = await at_home(doors)
    one, other = await opened(doors, citizen), await opened(doors, citizen)
    await one.post(PATH, **CARD)
    await other.post(PATH, **CARD | {"ord": "Noget andet"})
    assert other.status == 409
    assert "En anden har rettet det" in other.text
    (kept,) = await row_of(doors, citizen)
    assert own_card(kept).words == "Tal langsomt"
    await other.post(PATH, **CARD | {"ord": "Noget andet", "version": "1"})
    assert "Det er gemt" in other.text
    (kept,) = await row_of(doors, citizen)
    assert own_card(kept).words == "Noget andet"
    assert (
        await doors.world.owner.fetchval(
            "select count(*) from fhir.version where citizen = $1 and type = 114", key_of(citizen)
        )
        == 1
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_of_two_who_begin_a_card_in_the_same_moment_one_is_told(doors: Doors) -> None:
    citizen, _ = await at_home(doors)
    keeping = MasterData(doors.world.store)
    editor = Editor(doors.world.citizen(citizen), key_of(citizen))
    before = await keeping.read(editor.ask, editor.citizen)
    await keeping.change(editor, before, OwnCard(words="først"), 0)
    with pytest.raises(ChangedMeanwhile):
        await keeping.change(editor, before, OwnCard(words="sidst"), 0)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_relative_is_changed_and_removed_and_stays_in_the_history(doors: Doors) -> None:
    citizen, _ = await at_home(doors)
    page = await opened(doors, citizen)
    await page.post(f"{PATH}/paaroerende", **ULLA)
    row = page.value("paaroerende")
    await page.post(f"{PATH}/paaroerende", **ULLA | {"maa": "never", "telefon": ""}, paaroerende=row, version="1")
    (kept,) = await row_of(doors, citizen)
    assert relative_card(kept).wish == "never"
    await page.post(f"{PATH}/paaroerende/fjern", paaroerende=row, version="1")
    assert page.status == 409
    await page.post(f"{PATH}/paaroerende/fjern", paaroerende=row, version="2")
    assert await row_of(doors, citizen) == []
    assert await doors.world.owner.fetchval("select count(*) from fhir.version where id = $1", UUID(row)) == 2
    await page.post(f"{PATH}/paaroerende/fjern", paaroerende=str(uuid4()), version="1")
    assert page.status == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_right_is_said_at_once_with_what_was_written_still_there(doors: Doors) -> None:
    citizen, _ = await at_home(doors)
    page = await opened(doors, citizen)
    for wrong, said in (
        ({"telefon-mobile": "12"}, "8 cifre"), ({"email": "jens"}, "E-mailadressen"), ({"til": "2026-11-22"}, "slutte før i dag"),
        ({"til": "2028-11-22"}, "højst gælde et år"), ({"postnr": "69"}, "fire cifre"), ({"fra": "2026-02-30"}, "fra og til"), ({"sprog": "xx"}, "Vælg en"),
        ({"ord": "x" * 501}, "for lang"),
    ):  # fmt: skip
        await page.post(PATH, **CARD | wrong)
        assert page.status == 422, wrong
        assert said in page.text
        assert "Tandlægerne Torvet" in page.page
    await page.post(f"{PATH}/paaroerende", **ULLA | {"telefon": ""})
    assert page.status == 422
    assert await row_of(doors, citizen) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_parent_until_15_and_a_mandate_that_names_it_change_it_and_nobody_else(doors: Doors) -> None:
    child, _ = await at_home(doors, "2016-05-01")
    young, _ = await at_home(doors, "2010-05-01")
    other, _ = await at_home(doors, "1960-01-01")
    parent, _ = await at_home(doors, "1985-01-01")
    keeping = MasterData(doors.world.store)
    put = "insert into trust.acting (id, citizen, actor, basis, types, valid_from, valid_to) values ($1, $2, $3, $4, $5, '-infinity', 'infinity')"
    for about, basis, types in (
        (child, "custody", None), (young, "custody", None), (other, "mandate", [103, 114]),
    ):  # fmt: skip
        await doors.world.owner.execute(put, uuid4(), key_of(about), key_of(parent), BASIS_NUMBERS[basis], types)
    for about in (child, other):
        editor = Editor(doors.world.citizen(parent), key_of(about))
        before = await keeping.read(editor.ask, editor.citizen)
        await keeping.put_relative(
            editor, before, RelativeCard("Far", "PRN", (("mobile", "20000001"),), "admission"), None, 0
        )
        last = [row for row in await doors.log_of(about) if row["action"] == 173][-1]
        assert (last["actor"], last["permitted"]) == (key_of(parent), True)
        assert (await row_of(doors, about))[0]["extension"][-1]["extension"][-1] == {"url": "by", "valueCode": "acting"}
    for about in (young, child):
        stranger = doors.world.citizen(parent if about is young else other)
        before = await keeping.read(doors.world.citizen(about), key_of(about))
        with pytest.raises(Forbidden):
            await keeping.change(Editor(stranger, key_of(about)), before, OwnCard(words="x"), 0)
        last = [row for row in await doors.log_of(about) if row["action"] == 173][-1]
        assert (last["actor"], last["permitted"]) == (stranger.actor, False)


@pytest.mark.asyncio(loop_scope="module")
async def test_staff_help_at_the_counter_with_both_names_in_the_log_and_a_letter(doors: Doors) -> None:
    await at_home(doors)
    town = await a_town(doors)
    browser, clerk, base = await town.helping()
    await browser.get(f"{base}/stamkort")
    assert "Ane Test Birk" in browser.text
    await browser.post(f"{base}/stamkort", **CARD)
    assert "Det er gemt" in browser.text
    assert "oplyst ved hjælp af personale" in browser.text
    log = [row for row in await doors.log_of(town.ane) if row["action"] == 173]
    assert {row["actor"] for row in log} == {key_of(clerk), key_of(town.ane)}
    assert (
        await doors.world.owner.fetchval(
            "select count(*) from trust.letter where citizen = $1 and kind = 'master-data'", key_of(town.ane)
        )
        == 1
    )
    await browser.get("/hjaelp")
    assert "stamkort ændret" in browser.text
    await browser.get(f"/hjaelp/{uuid4()}/stamkort")
    assert browser.status == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_whose_address_is_protected_says_none_and_none_is_shown(doors: Doors) -> None:
    clinic = await doors.world.organisation("Lægehuset")
    citizen = await doors.world.patient(
        clinic,
        "Skjult",
        birthDate="1980-01-01",
        meta={"security": [{"code": "R"}]},
        address=[{"text": "Hemmelig Sti 9, 6991 Vestfjord"}],
    )
    page = await opened(doors, citizen)
    assert "Hemmelig Sti" not in page.text
    assert "Adressen er beskyttet" in page.text
    await page.post(PATH, **CARD)
    assert page.status == 422
    assert "gemmer ingen adresse" in page.text
    assert await row_of(doors, citizen) == []


PHONES = st.sampled_from(["20123456", "+4520123456", "0045 20 12 34 56", "+46701234567", "+1 (202) 555-0100"])
CARDS = st.builds(
    OwnCard,
    phones=st.lists(st.tuples(st.sampled_from(["mobile", "home", "work"]), PHONES), max_size=3, unique_by=lambda one: one[0]).map(tuple),
    language=st.sampled_from(["", *card_policy().languages]), interpreter=st.booleans(),
    needs=st.sets(st.sampled_from(sorted(card_policy().needs))).map(sorted).map(tuple), words=st.text("abcæøå \n", max_size=40),
)  # fmt: skip


@given(CARDS, CARDS)
def test_a_card_that_is_stored_is_read_back_and_only_what_changed_is_new(one: OwnCard, other: OwnCard) -> None:
    patient, today = uuid4(), NOW.date()
    first, second = (sound_card(card, today, protected=False) for card in (one, other))
    then, now = Stated(NOW, "self"), Stated(NOW.replace(day=24), "help")
    before = stated_now(None, first, {}, then)
    assert own_card(own_body(patient, first, before)) == first
    after = stated_now(first, second, before, now)
    for name, value in second.fields().items():
        if value:
            assert after[name] == (then if first.fields()[name] == value else now)
        else:
            assert name not in after


@given(st.text(max_size=20))
def test_a_phone_number_is_one_or_is_refused(text: str) -> None:
    try:
        plain = plain_phone(text)
    except Unsound:
        return
    assert plain_phone(plain) == plain
    assert sum(sign.isdigit() for sign in plain) >= 7


def test_a_relative_with_whom_nobody_may_speak_needs_no_number() -> None:
    never = sound_relative(RelativeCard("Bo", "FRND", (), "never"))
    assert relative_card(relative_body(uuid4(), never, {})) == never
    with pytest.raises(Unsound):
        sound_relative(RelativeCard("Bo", "FRND", (), "admission"))
