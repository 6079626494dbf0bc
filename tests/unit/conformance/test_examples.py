"""The published Danish examples are created, read back equal in meaning, found by each parameter, and validated."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.door import Door, ids
from tests.support.published import ABSENT, FOLDER, Example, examples
from tests.support.world import World
from tests.unit.conformance.filing import Filed, file, groups, name_of, references
from tests.unit.conformance.terms import Term, definitions, terms
from tools.conformance import PARAMETERS

pytestmark = [pytest.mark.external, pytest.mark.skipif(not FOLDER.exists(), reason=ABSENT)]

LEFT_OUT = json.loads((Path(__file__).parent / "examples_left_out.json").read_text("utf-8"))
PACKAGES = sorted(LEFT_OUT["examples"])
#: packages whose many examples take a minute or more
_LARGE = {
    "hl7.fhir.dk.core",
    "medcom.fhir.dk.carecommunication",
    "medcom.fhir.dk.homecareobservation",
    "medcom.fhir.dk.hospitalnotification",
}
_MARKED = [pytest.param(one, marks=pytest.mark.long if one in _LARGE else ()) for one in PACKAGES]
#: search parameters that this network says it does not have
_NOT_HERE = {("Bundle", "composition"), ("Bundle", "message")}
#: what the server writes into what it was given
_REPLACEMENT = "urn:oid:1.2.208.176.1.6.1.1"


def test_every_package_and_every_example_that_is_left_out_is_known_by_name():
    known = {(one.package, one.file) for one in examples()}
    left_out = {(package, file) for package, files in LEFT_OUT["examples"].items() for file in files}
    assert sorted({package for package, _ in known}) == PACKAGES
    assert sorted(left_out - known) == []
    reasons = {reason for files in LEFT_OUT["examples"].values() for reason in files.values()}
    assert reasons == set(LEFT_OUT["reasons"])


@pytest.mark.parametrize("package", _MARKED)
async def test_examples_are_created_read_back_equal_found_by_each_parameter_and_validated(fresh_world, package):
    several = [one for one in _of(package) if one.file not in LEFT_OUT["examples"][package]]
    wrong = []
    created: set[str] = set()
    for group in groups(several):
        async with fresh_world() as world:
            wrong += await _looked_at(world, group, created)
    assert wrong == []
    assert created == {one.file for one in several}


@pytest.mark.parametrize("package", PACKAGES)
async def test_what_is_left_out_is_refused_for_the_reason_that_is_told(world, package):
    system = Door(world, world.system(await world.organisation("Kilde")))
    for one in _of(package):
        told = LEFT_OUT["reasons"].get(LEFT_OUT["examples"][package].get(one.file, ""))
        if told is None:
            continue
        status, answer = await system.post(f"/fhir/{one.resource['resourceType']}", one.resource)
        assert (status, told["says"] in answer["issue"][0]["diagnostics"]) == (told["status"], True), (one.file, answer)
        if told["names_no_citizen"]:
            assert not any(name.startswith("Patient/") for name in references(one.resource)), one.file


def test_the_parameters_that_the_conformance_page_calls_proven_are_those_that_examples_have():
    """What an example is looked for by; that it is found is the test above."""
    assert json.loads(PARAMETERS.read_text("utf-8"))["parameters"] == searched_parameters()


def searched_parameters() -> dict[str, list[str]]:
    """Type -> the parameters by which at least one example of it is looked for."""
    found: dict[str, set[str]] = {}
    for one in examples():
        if one.file in LEFT_OUT["examples"][one.package]:
            continue
        type_name = one.resource["resourceType"]
        here = (parameter for parameter in definitions(type_name) if (type_name, parameter.code) not in _NOT_HERE)
        found.setdefault(type_name, set()).update(each.code for each in here if terms(one.resource, each))
    return {name: sorted(codes) for name, codes in sorted(found.items())}


def _of(package: str) -> list[Example]:
    return [one for one in examples() if one.package == package]


async def _looked_at(world: World, group: list[Example], created: set[str]) -> list[Any]:
    """What is wrong with any of a group, once it is stored."""
    organisation = await world.organisation("Kilde")
    worker = world.professional(await world.employee(organisation), organisation)
    filed, answer = await file(world, organisation, group)
    if not filed:
        return [([name_of(one) for one in group], answer)]
    wrong: list[Any] = []
    died = [one for one in filed if one.sent.get("deceasedBoolean") or "deceasedDateTime" in one.sent]
    dead = {one.citizen for one in died if one.citizen is not None}
    for citizen in dead:  # they ask for nothing any more: who treats them does
        await world.contact(citizen, organisation)
    for one in filed:
        created.add(one.example.file)
        door = Door(world, worker if one.citizen is None or one.citizen in dead else world.citizen(one.citizen))
        wrong += [(one.example.file, *found) for found in await _compared(door, one)]
        wrong += [(one.example.file, *found) for found in await _searched(door, one)]
        wrong += [(one.example.file, *found) for found in await _validated(door, one)]
    return wrong


# --- read back --------------------------------------------------------------------------------------------------------


async def _compared(door: Door, one: Filed) -> list[Any]:
    type_name = one.sent["resourceType"]
    _, raw = await door.whole(f"/fhir/{type_name}/{one.id}")
    stored = json.loads(raw, parse_float=Decimal)
    meta = stored.get("meta", {})
    if not (stored.get("id") == str(one.id) and meta.pop("versionId", "") == "1" and meta.pop("lastUpdated", "")):
        return [("meta", stored)]
    sent = json.loads(json.dumps(one.sent), parse_float=Decimal)
    for name in ("versionId", "lastUpdated"):
        sent.get("meta", {}).pop(name, None)
    _without_replacement(stored, sent)
    for resource in (sent, stored):
        resource.pop("id")
        if resource.get("meta") == {}:
            resource.pop("meta")
    return [] if stored == sent else [("read back", stored, sent)]


def _without_replacement(stored: dict[str, Any], sent: dict[str, Any]) -> None:
    """A patient without a number is given a replacement number here: nothing else is added."""
    if stored["resourceType"] != "Patient" or len(stored.get("identifier", ())) == len(sent.get("identifier", ())):
        return
    stored["identifier"] = [one for one in stored["identifier"] if one["system"] != _REPLACEMENT]
    if not stored["identifier"]:
        del stored["identifier"]


# --- found ------------------------------------------------------------------------------------------------------------


async def _searched(door: Door, one: Filed) -> list[Any]:
    type_name = one.sent["resourceType"]
    wrong: list[Any] = []
    absent: list[str] = []
    for parameter in definitions(type_name):
        if (type_name, parameter.code) in _NOT_HERE or parameter.code == "_lastUpdated":
            continue
        found = terms(one.sent, parameter)
        if found is None:
            absent += [] if parameter.kind == "composite" else [parameter.code]
            continue
        wrong += [(term, answer) for term in found if (answer := await _missed(door, one, term)) is not None]
    for code in absent:
        if (answer := await _missed(door, one, Term(f"{code}:missing", "true"))) is not None:
            wrong.append((code, "is said not to be missing", answer))
    return wrong


async def _missed(door: Door, one: Filed, term: Term) -> Any:
    """The answer of a search that should find the resource and does not; None when it does."""
    url = f"/fhir/{one.sent['resourceType']}?{term.name}={quote(term.value, safe='')}&_count=200"
    status, answer = await door.get(url)
    if status == 200 and str(one.id) in ids(answer):
        return None
    return answer if status != 200 else "not among those found"


# --- validated --------------------------------------------------------------------------------------------------------


async def _validated(door: Door, one: Filed) -> list[Any]:
    status, answer = await door.get(f"/fhir/{one.sent['resourceType']}/{one.id}/$validate")
    errors = [issue for issue in answer["issue"] if issue["severity"] in ("error", "fatal")]
    return [] if status == 200 and not errors else [("$validate", errors)]
