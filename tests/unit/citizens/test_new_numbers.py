"""A replacement number is given on a page only to whom was searched for, with a reason; and to people whom nobody knows."""

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest

from helhed.registries.identifiers import REPLACEMENT_CPR
from helhed.registries.issuing import UNKNOWN_PERSON, Newcomer
from tests.support.world import NOW
from tests.unit.acting.doors import Browser, Doors

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/hospital/nyt-nummer"
INGA = {"hvem": "kendt", "fornavn": "Inga", "efternavn": "Lindqvist", "foedt": "1991-02-03", "koen": "female"}


async def a_nurse(doors: Doors, role: str = "nurse") -> Browser:
    await doors.keeper()
    await doors.world.owner.execute(
        "insert into trust.system_client select $1 on conflict do nothing", (await doors.keeper()).actor
    )
    ward = await doors.world.organisation("Akutmodtagelsen")
    browser = await doors.professional(await doors.world.employee(ward, role), ward, role)
    return await browser.get(PATH)


async def searched(browser: Browser, fields: dict[str, str]) -> str:
    await browser.post(f"{PATH}/soeg", **fields)
    assert browser.status == 200, browser.text
    return browser.value("soegning")


async def given(doors: Doors, browser: Browser) -> Any:
    """The Patient that the page of whom was just registered is about."""
    found = re.search(r"\b(\d{6})-?(\d[A-Z]{2}\d)\b", browser.page)
    assert found, browser.text
    row = await doors.world.owner.fetchrow(
        "select r.body, r.citizen from registries.citizen c join fhir.resource r on r.id = c.patient where c.cpr = $1",
        "".join(found.groups()),
    )
    assert row is not None
    return orjson.loads(row["body"]) | {"key": row["citizen"]}


async def test_whoever_is_new_is_searched_for_and_then_given_a_number_with_the_reason_kept(doors: Doors) -> None:
    nurse = await a_nurse(doors)
    search = await searched(nurse, INGA)
    await nurse.post(PATH, **INGA, soegning=search, grund="no-cpr")
    assert nurse.status == 403, "no relation follows from a number"
    assert "Nummeret er givet" in nurse.text
    assert "Inga Lindqvist" in nurse.text
    patient = await given(doors, nurse)
    assert [one["system"] for one in patient["identifier"]] == [REPLACEMENT_CPR]
    kept = await doors.world.owner.fetchrow("select * from registries.issued_number where citizen = $1", patient["key"])
    assert kept is not None
    assert (kept["reason"], kept["unknown"]) == ("no-cpr", False)
    actions = await doors.world.owner.fetch(
        "select action, kind, role from foundation.access_log where citizen = $1", patient["key"]
    )
    assert (170, 2, "nurse") in {tuple(row) for row in actions}


async def test_no_number_is_given_without_a_search_of_that_very_person(doors: Doors) -> None:
    nurse = await a_nurse(doors)
    before = await doors.world.owner.fetchval("select count(*) from registries.replacement_cpr")
    await nurse.post(PATH, **INGA, grund="no-cpr")
    assert nurse.status == 422
    assert "Søg først" in nurse.text
    search = await searched(nurse, INGA | {"efternavn": "Lundqvist"})
    await nurse.post(PATH, **INGA, soegning=search, grund="no-cpr", ikke="en anden")
    assert nurse.status == 409
    assert "for gammel eller brugt" in nurse.text
    assert await doors.world.owner.fetchval("select count(*) from registries.replacement_cpr") == before


async def test_a_search_is_used_once_and_not_by_a_colleague_and_not_next_day(doors: Doors) -> None:
    nurse, colleague = await a_nurse(doors), await a_nurse(doors)
    who = INGA | {"fornavn": "Olga", "foedt": "1992-04-05"}
    search = await searched(nurse, who)
    await colleague.post(PATH, **who, soegning=search, grund="no-cpr", ikke="x")
    assert colleague.status == 409
    await nurse.post(PATH, **who, soegning=search, grund="no-cpr", ikke="x")
    await nurse.get(PATH)
    await nurse.post(PATH, **who, soegning=search, grund="no-cpr", ikke="x")
    assert nurse.status == 409
    late = await searched(nurse, who | {"fornavn": "Helga"})
    doors.now = NOW + timedelta(minutes=29)
    await nurse.get(PATH)
    doors.now = NOW + timedelta(minutes=31)
    await nurse.post(PATH, **who | {"fornavn": "Helga"}, soegning=late, grund="no-cpr", ikke="x")
    assert nurse.status == 409


async def test_somebody_alike_is_shown_scored_and_explained_and_has_to_be_told_apart(doors: Doors) -> None:
    nurse = await a_nurse(doors)
    known = await doors.person(await doors.world.organisation("CPR-kontoret"), "Asta Maria Kofoed", "1955-06-12")
    who = {"hvem": "kendt", "fornavn": "Asta Maria", "efternavn": "Kofoed", "foedt": "1955-06-12", "koen": "female"}
    search = await searched(nurse, who)
    assert "sandsynligvis den samme" in nurse.text
    assert "fødselsdag: det samme" in nurse.text
    assert [row["action"] for row in await doors.log_of(known)][-1] == 8
    await nurse.post(PATH, **who, soegning=search, grund="no-cpr")
    assert nurse.status == 422
    assert "ingen er af dem" in nurse.text
    await nurse.post(PATH, **who, soegning=nurse.value("soegning"), grund="no-cpr", ikke="Hun har pas fra Sverige")
    patient = await given(doors, nurse)
    kept = await doors.world.owner.fetchval(
        "select unlike from registries.issued_number where citizen = $1", patient["key"]
    )
    assert kept == "Hun har pas fra Sverige"


async def test_an_unknown_person_is_registered_in_words_and_shown_before_the_next_is(doors: Doors) -> None:
    nurse = await a_nurse(doors)
    who = {"hvem": "ukendt", "alder": "40", "koen": "male"}
    await nurse.post(PATH, **who, soegning=await searched(nurse, who), grund="cannot-tell", ikke="en anden mand")
    patient = await given(doors, nurse)
    assert patient["name"][0]["text"].startswith("Ukendt, mand, ca. 40 år, registreret 23.11.2026")
    assert (patient["birthDate"], patient["gender"]) == ("1986", "male")
    assert patient["identifier"][0]["value"].startswith("0101861"), "of the year that was estimated"
    assert {"url": UNKNOWN_PERSON, "valueBoolean": True} in patient["extension"]
    other = await a_nurse(doors)
    await searched(other, who | {"alder": "45"})
    assert "Ukendt, mand, ca. 40 år" in other.text
    await searched(other, who | {"alder": "45", "koen": "female"})
    assert "Ukendt, mand, ca. 40 år" not in other.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"foedt": "1991-02-30"},
        {"foedt": ""},
        {"fornavn": ""},
        {"koen": "x"},
        {"foedt": "2199-01-01"},
        {"hvem": "ukendt", "alder": "-1"},
        {"hvem": "ukendt", "alder": "x"},
    ],
)
async def test_what_is_no_person_is_refused_and_nothing_is_searched(doors: Doors, wrong: dict[str, str]) -> None:
    nurse = await a_nurse(doors)
    before = await doors.world.owner.fetchval("select count(*) from registries.issue_search")
    await nurse.post(f"{PATH}/soeg", **(INGA | wrong))
    assert nurse.status == 422
    assert await doors.world.owner.fetchval("select count(*) from registries.issue_search") == before


async def test_only_those_whose_work_it_is_get_to_the_form(doors: Doors) -> None:
    assert (await a_nurse(doors, "secretary")).status == 200
    assert (await a_nurse(doors, "physiotherapist")).status == 403
    assert (await a_nurse(doors, "directory-keeper")).status == 403


async def test_a_digest_tells_people_apart() -> None:
    one, other = Newcomer("Ab", "C", None, "male"), Newcomer("A", "bC", None, "male")
    assert one.digest() != other.digest()
