"""Research permits: who gets an extract, what stands in it, what citizens are called there, and what their logs say."""

from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from helhed.commands.research import as_csv, enter_permit, permits, stop_permit
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import connect
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of
from helhed.insight.figures import release_figures
from helhed.insight.research import GRIDS, Permit, Research, end_permit, put_permit
from helhed.portals.language import LANGUAGES, Words
from helhed.trust.policy import BASIS_NUMBERS
from tests.generative.mutants import RESEARCH, Mutant, mutate
from tests.support.world import NOW, World, at
from tests.unit.insight.crowd import PLACE, Person, definition, put

OTHER = "Aalborg Kommune"
_COUNTED = datetime(2026, 11, 30, 12, tzinfo=UTC)
_ANEW = "delete from foundation.access_log; update insight.permit set ended_at = null; delete from trust.block"
_LOG = "select citizen, permitted, basis, action, resources from foundation.access_log where action = 97 order by id"


@dataclass
class Study:
    """A researcher at an institute, people to study, and a permit."""

    world: World
    institute: UUID
    doctor: UUID
    researcher: Ask
    research: Research
    people: list[Person]
    permit: Permit

    async def pseudonyms(self, permit: Permit | None = None, asker: Ask | None = None) -> set[str]:
        found = await self.research.extract(asker or self.researcher, (permit or self.permit).id)
        return {one.pseudonym for one in found}

    async def another(self, **changes: Any) -> Permit:
        made = replace(self.permit, id=uuid4(), **changes)
        await put_permit(self.world.owner, made)
        return made

    async def refused(self, permit: UUID, asker: Ask) -> None:
        with pytest.raises(Unknown):
            await self.research.extract(asker, permit)


@pytest.fixture
async def study(world: World) -> Study:
    institute = await world.organisation("Institut")
    doctor = await world.employee(institute)
    researcher = world.professional(doctor, institute)
    people = [Person(has=("copd",)) for _ in range(6)] + [
        Person(place=OTHER, has=("copd", "heart"), vaccinated=True) for _ in range(5)
    ]
    people += [
        Person(date(1930, 1, 1), place=PLACE),
        *(Person(date(2000, 1, 1), place=place) for place in (OTHER, PLACE, "Rebild Kommune", "Thisted Kommune")),
    ]
    await put(world.owner, people)
    await release_figures(world.owner, definition(), _COUNTED)
    permit = Permit(uuid4(), "KOL i nord", "Forløb", "Regionsråd 1-2-3", researcher.actor, key_of(institute), "doctor", GRIDS, None, 3, NOW - timedelta(days=1), NOW + timedelta(days=30))  # fmt: skip
    await put_permit(world.owner, permit)
    return Study(world, institute, doctor, researcher, Research(world.store.pool, b"1" * 32), people, permit)


async def every_citizen_in_it_can_see_so(study: Study) -> None:
    found = await study.pseudonyms()
    rows = await study.world.owner.fetch(_LOG)
    assert len(found) == len(rows) == len({row["citizen"] for row in rows})
    assert {(row["permitted"], row["basis"], row["resources"][0]) for row in rows} == {
        (True, BASIS_NUMBERS["research-permit"], study.permit.id)
    }
    assert study.people[0].key in {row["citizen"] for row in rows}


async def the_same_in_one_project_and_unlinkable_between_two(study: Study) -> None:
    first, again = await study.pseudonyms(), await study.pseudonyms()
    elsewhere = await study.pseudonyms(await study.another(project="Et andet"))
    assert first == again
    assert len(first) == len(elsewhere) > 0
    assert not first & elsewhere
    assert not any(
        f"{one.key & (1 << 64) - 1:016x}" in name or str(one.patient) in name for one in study.people for name in first
    )


async def nobody_else_and_no_later(study: Study) -> None:
    colleague = study.world.professional(await study.world.employee(study.institute), study.institute)
    await study.refused(study.permit.id, colleague)
    await study.refused(study.permit.id, replace(study.researcher, role="nurse"))
    await study.refused(study.permit.id, at(study.researcher, study.permit.valid_to))
    await study.refused(study.permit.id, at(study.researcher, study.permit.valid_from - timedelta(seconds=1)))
    await study.refused(uuid4(), study.researcher)
    left = await study.another(organisation=key_of(await study.world.organisation("Andet institut")))
    await study.refused(left.id, replace(study.researcher, organisation=left.organisation))
    await end_permit(study.world.owner, study.permit.id, NOW)
    await study.refused(study.permit.id, study.researcher)
    rows = await study.world.owner.fetch(_LOG)
    assert [(row["permitted"], row["citizen"]) for row in rows] == [(False, None)] * 7


async def nobody_stands_out(study: Study) -> None:
    found = await study.research.extract(study.researcher, study.permit.id)
    alike = Counter((one.place, one.sex, one.band) for one in found)
    assert min(alike.values()) >= study.permit.alike
    assert alike[("Region Nordjylland", "female", "18-39")] == 4
    assert "80-" not in {one.band for one in found}


async def a_no_holds(study: Study) -> None:
    before = await study.pseudonyms()
    for person, who in ((study.people[0], None), (study.people[1], study.institute)):
        await study.world.block(person.patient, who)
    await study.world.block(study.people[2].patient, uuid4())
    assert len(before - await study.pseudonyms()) == 2


_LAWS: list[Callable[[Study], Coroutine[Any, Any, None]]] = [
    every_citizen_in_it_can_see_so, the_same_in_one_project_and_unlinkable_between_two, nobody_else_and_no_later, nobody_stands_out, a_no_holds,
]  # fmt: skip


async def test_extracts_keep_the_law(study: Study):
    assert await broken_law(study) is None


@pytest.mark.parametrize("mutant", RESEARCH, ids=[one.sin for one in RESEARCH])
async def test_a_guard_of_research_that_is_taken_away_is_missed(study: Study, mutant: Mutant):
    await mutate(study.world.owner, mutant)
    assert await broken_law(study)


async def broken_law(study: Study) -> str | None:
    """The first law that does not hold, each tried from the same beginning."""
    for law in _LAWS:
        try:
            await law(study)
        except (AssertionError, pytest.fail.Exception) as error:
            return f"{law.__name__}: {error}"
        await study.world.owner.execute(_ANEW)
    return None


async def test_somebody_registered_twice_has_one_pseudonym(study: Study):
    before = await study.pseudonyms()
    kept, replaced = study.people[0], study.people[1]
    keys = [kept.key, replaced.key]
    await study.world.owner.execute(
        "insert into fhir.key_set (key, keys, head) select k, $1::bigint[], $2 from unnest($1::bigint[]) k",
        keys,
        kept.key,
    )
    assert len(before - await study.pseudonyms()) == 1


async def test_an_extract_holds_the_data_set_of_the_permit_and_nobody_without_its_conditions(study: Study):
    permit = await study.another(grids=("conditions",), groups=("heart",))
    found = await study.research.extract(study.researcher, permit.id)
    assert {(one.place, one.conditions, one.vaccinated, one.contact) for one in found} == {
        (OTHER, "copd+heart", None, None)
    }
    assert len(found) == 5


async def test_another_key_is_another_pseudonym_and_a_short_one_is_none(study: Study):
    other = Research(study.world.store.pool, b"2" * 32)
    assert (
        not {one.pseudonym for one in await other.extract(study.researcher, study.permit.id)} & await study.pseudonyms()
    )
    row = study.researcher
    ask = (row.kind, row.actor, row.organisation, row.role, row.purpose, row.client, None, None, row.at, row.trace)
    assert (
        await study.world.owner.fetch(
            "select * from insight.make_extract($1::fhir.ask, $2, 'short')", ask, study.permit.id
        )
        == []
    )


async def test_the_application_enters_no_permit_and_makes_no_pseudonym(study: Study):
    application = await connect(study.world.target.application)
    for statement in (
        "select * from insight.permit",
        "update insight.permit set valid_to = 'infinity'",
        "select insight.pseudonym('k', gen_random_uuid(), 1)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)
    await application.close()


async def test_a_permit_without_approval_an_end_or_enough_people_is_not_entered(study: Study):
    for changes in ({"approval": ""}, {"purpose": ""}, {"alike": 2}, {"valid_to": study.permit.valid_from}):
        with pytest.raises(asyncpg.CheckViolationError):
            await study.another(**changes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_log_has_words_for_an_extract_and_its_basis(language: str):
    words = Words(language)
    assert words.has(f"log.did.{int(Action.EXPORT)}")
    assert all(words.basis("research-permit"))


async def test_an_operator_enters_a_permit_and_ends_it(study: Study) -> None:
    told: dict[str, Any] = {
        "project": "KOL", "purpose": "Forløb", "approval": "Regionsråd 9", "who": f"Practitioner/{study.doctor}",
        "at": f"Organization/{study.institute}", "role": "doctor", "holds": ["conditions"], "groups": [], "alike": 3, "until": "2027-12-31",
    }  # fmt: skip
    permit = await enter_permit(study.world.owner, **told, clock=lambda: NOW)
    found = await study.research.extract(study.researcher, permit)
    assert as_csv(found).decode("utf-8-sig").splitlines()[0] == "pseudonym,place,sex,band,conditions,vaccinated,contact"
    assert len(as_csv(found).splitlines()) == len(found) + 1
    assert any(str(permit) in line and "Regionsråd 9" in line for line in await permits(study.world.owner))
    await stop_permit(study.world.owner, str(permit), lambda: NOW)
    await study.refused(permit, study.researcher)
    for wrong in (
        {"holds": ["names"]},
        {"alike": 2},
        {"until": "2020-01-01"},
        {"until": "soon"},
        {"who": "me"},
        {"purpose": " "},
    ):
        with pytest.raises(BadRequest):
            await enter_permit(study.world.owner, **{**told, **wrong}, clock=lambda: NOW)
