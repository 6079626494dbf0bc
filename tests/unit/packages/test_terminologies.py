"""What packages say about codes: asked for like any other terminology, and never in the place of what was imported."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helhed.fhir.packages import NotAPackage, Taken, install, put_terminologies, read_package
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.terminology import Terminology, Undecided, UnknownTerminology, given
from helhed.fhir.terminology.core import put_core
from helhed.fhir.terminology.model import CodeSystem
from helhed.fhir.terminology.origins import file_origin
from helhed.fhir.terminology.sources import Rejected
from helhed.fhir.terminology.sources.resources import code_system
from helhed.fhir.terminology.storing import count_change, lock, store
from helhed.foundation.database import connect, create_pool
from tests.support.archives import archive
from tests.unit.terminology.test_core import AT, value

AT_INSTALL = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
COLOURS, SET, MAP = "urn:test:colours", "urn:test:set", "urn:test:map"


def system(*codes: str, content: str = "complete", url: str = COLOURS, version: str = "1") -> dict[str, Any]:
    tree = [{"code": "warm", "concept": [{"code": code, "display": code.title()} for code in codes]}] if codes else []
    more = {"concept": tree} if tree else {}
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "version": version,
        "status": "active",
        "content": content,
        **more,
    }


def value_set(*codes: str, version: str = "1") -> dict[str, Any]:
    part: dict[str, Any] = {"system": COLOURS}
    part |= {"concept": [{"code": code} for code in codes]} if codes else {}
    return {"resourceType": "ValueSet", "url": SET, "version": version, "status": "active", "compose": {"include": [part]}}  # fmt: skip


def concept_map(target: str) -> dict[str, Any]:
    element = {"code": "red", "target": [{"code": target, "equivalence": "equal"}]}
    group = {"source": COLOURS, "target": "urn:test:wavelengths", "element": [element]}
    return {"resourceType": "ConceptMap", "url": MAP, "version": "1", "status": "active", "group": [group]}


def package(*resources: dict[str, Any], version: str = "1.0.0", name: str = "example.codes") -> bytes:
    files = {f"package/{number}.json": one for number, one in enumerate(resources)}
    return archive(files, {"name": name, "version": version})


@pytest.fixture
async def terminology(target):
    pool = await create_pool(target, size=2, statement_timeout_ms=5000)
    yield Terminology(pool)
    await pool.close()


@pytest.fixture
async def owner(target):
    connection = await connect(target.owner)
    yield connection
    await connection.close()


@pytest.fixture
def installing(owner):
    """Installs archives, one after another; what became of their terminologies."""
    moments = iter(range(1000))

    async def run(*archives):
        taken: list[Taken] = []
        read = [read_package(raw) for raw in archives]
        await install(owner, read, AT_INSTALL + timedelta(seconds=next(moments)), taken.append)
        return taken

    return run


async def imported(owner, *resources: dict[str, Any]) -> None:
    systems = [code_system(one, Rejected()) for one in resources if one["resourceType"] == "CodeSystem"]
    some: list[CodeSystem | dict[str, Any]] = [one for one in systems if one is not None]
    some += [one for one in resources if one["resourceType"] != "CodeSystem"]
    async with owner.transaction():
        await lock(owner)
        await store(owner, some, file_origin("mine.json"))
        await count_change(owner)


async def test_every_question_about_codes_is_answered_from_an_installed_package(
    installing, terminology: Terminology
) -> None:
    (taken,) = await installing(package(system("red", "orange"), value_set(), concept_map("700")))
    assert (taken.put, taken.kept, taken.left_out) == (3, 0, [])
    expanded = await terminology.expand(given(url=SET), AT)
    assert [one["code"] for one in expanded["expansion"]["contains"]] == ["warm", "red", "orange"]
    inside = await terminology.validate_in_value_set(given(url=SET, system=COLOURS, code="red"))
    known = await terminology.validate_code(given(url=COLOURS, code="blue"))
    named = await terminology.lookup(given(system=COLOURS, code="red"))
    mapped = await terminology.translate(given(url=MAP, system=COLOURS, code="red"))
    assert [value(one, "result") for one in (inside, known, mapped)] == [True, False, True]
    assert value(named, "display") == "Red"
    assert await terminology.codes_in(SET) == frozenset((COLOURS, code) for code in ("warm", "red", "orange"))
    assert await terminology.descendants(COLOURS, "warm") == frozenset({"red", "orange"})


async def test_what_was_imported_stays_whichever_came_first(installing, owner, terminology: Terminology) -> None:
    await imported(owner, system("own"), value_set("own"), concept_map("1"))
    (taken,) = await installing(package(system("red"), value_set("red"), concept_map("700")))
    assert (taken.put, taken.kept) == (0, 3)
    assert await terminology.codes_in(SET) == frozenset({(COLOURS, "own")})
    await imported(owner, value_set("warm"))
    await installing(package(value_set("red"), version="1.1.0"))
    assert await terminology.codes_in(SET) == frozenset({(COLOURS, "warm")})


async def test_what_is_imported_again_from_a_package_is_the_importers_from_then_on(
    installing, owner, terminology: Terminology
) -> None:
    await installing(package(value_set("red")))
    await imported(owner, value_set("red"))
    await installing(package(value_set("orange"), version="1.1.0"))
    assert await terminology.codes_in(SET) == frozenset({(COLOURS, "red")})


async def test_an_upgrade_replaces_what_it_changes_and_an_older_version_does_not(
    installing, terminology: Terminology
) -> None:
    await installing(package(system("red"), version="1.9.0"))
    await installing(package(system("red", "orange"), version="1.10.0"))
    assert await terminology.descendants(COLOURS, "warm") == frozenset({"red", "orange"})
    await installing(package(system("old"), version="1.2.0"))
    assert await terminology.descendants(COLOURS, "warm") == frozenset({"red", "orange"})


async def test_installing_again_changes_no_terminology(installing, owner) -> None:
    raw = package(system("red"), value_set())
    await installing(raw)
    counter = "select counter from fhir.terminology_state"
    before = await owner.fetchval(counter)
    assert await installing(raw, raw) == []
    assert await owner.fetchval(counter) == before


async def test_two_versions_of_a_value_set_are_both_there_and_the_newest_is_meant(
    installing, terminology: Terminology
) -> None:
    await installing(
        package(value_set("red", version="1.9")), package(value_set("orange", version="1.10"), name="o.ther")
    )
    assert await terminology.codes_in(SET) == frozenset({(COLOURS, "orange")})
    assert await terminology.codes_in(f"{SET}|1.9") == frozenset({(COLOURS, "red")})


async def test_one_bad_package_leaves_no_terminology_of_the_others(installing, terminology: Terminology) -> None:
    await installing(package(version="2.0.0"))
    with pytest.raises(Exception, match="never changes its content"):
        await installing(package(system("red")), package(value_set(), version="2.0.0"))
    with pytest.raises(NotAPackage):
        await installing(package(system("red")), b"nothing")
    assert await terminology.descendants(COLOURS, "warm") is None


async def test_codes_of_a_system_without_content_are_unknown_and_of_a_part_undecided(
    installing, terminology: Terminology
) -> None:
    await installing(
        package(system(content="not-present", url="urn:test:absent"), system("red", content="fragment"), value_set())
    )
    with pytest.raises(UnknownTerminology):
        await terminology.validate_code(given(url="urn:test:absent", code="a"))
    assert value(await terminology.validate_code(given(url=COLOURS, code="red")), "result") is True
    with pytest.raises(Undecided):
        await terminology.validate_code(given(url=COLOURS, code="blue"))
    assert await terminology.codes_in(SET) is None
    assert await terminology.is_in(SET, COLOURS, "red") is True


async def test_what_is_no_sound_terminology_is_left_out_and_told(installing, terminology: Terminology) -> None:
    broken = {**value_set(), "url": "urn:test:broken", "compose": {"include": "everything"}}
    (taken,) = await installing(package(system("red"), broken))
    assert taken.put == 1
    assert [one.partition(":")[0] for one in taken.left_out] == ["package/1.json"]
    assert "ValueSet.compose.include" in taken.left_out[0]
    assert await terminology.descendants(COLOURS, "warm") == frozenset({"red"})


async def test_packages_that_older_code_installed_follow_at_the_next_start(
    installing, owner, terminology: Terminology
) -> None:
    await installing(package(system("red")))
    await owner.execute("delete from fhir.code_system where url = $1", COLOURS)
    await owner.execute("update fhir.package set terminologies = false")
    await put_terminologies(owner)
    assert await terminology.descendants(COLOURS, "warm") == frozenset({"red"})


async def test_a_package_stands_above_what_comes_with_a_release(installing, owner, terminology: Terminology) -> None:
    """Also when it numbers its versions lower, as those do who publish a code system themselves."""
    gender, use = "http://hl7.org/fhir/administrative-gender", "http://hl7.org/fhir/contact-point-use"
    await installing(package(system("x", url=use, version="1.0.0"), system("y", url=gender, version="4.0.1")))
    await owner.execute("update fhir.terminology_state set core = ''")
    await put_core(owner)
    replaced = await terminology.validate_code(given(url=gender, code="male"))
    lower = await terminology.validate_code(given(url=use, code="x"))
    assert (value(replaced, "result"), value(lower, "result")) == (False, True)


async def test_profiles_are_checked_against_what_was_imported_rather_than_what_a_package_holds(
    installing, owner, target
) -> None:
    profile: dict[str, Any] = {
        "resourceType": "StructureDefinition", "url": "urn:test:profile", "type": "Observation", "version": "1",
        "snapshot": {"element": [
            {"path": "Observation", "min": 0, "max": "*"},
            {"path": "Observation.code", "min": 1, "max": "1", "type": [{"code": "CodeableConcept"}],
             "binding": {"strength": "required", "valueSet": SET}},
        ]},
    }  # fmt: skip
    await installing(package(system("red", "orange"), value_set("red"), profile))
    pool = await create_pool(target, size=2, statement_timeout_ms=5000)
    knowledge = Knowledge(pool)

    async def allows(code: str) -> bool:
        await knowledge.refresh()
        coded = {"coding": [{"system": COLOURS, "code": code}]}
        resource = {"resourceType": "Observation", "status": "final", "code": coded}
        return not any(
            one.rule == "Observation.code" for one in knowledge.profiles.validate(resource, [profile["url"]])
        )

    try:
        assert [await allows("red"), await allows("orange")] == [True, False]
        await imported(owner, value_set("orange"))
        assert [await allows("red"), await allows("orange")] == [False, True]
    finally:
        await pool.close()
