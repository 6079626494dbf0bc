"""The demo world is sound: valid, resolvable, unique, invented, and in order of time."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import pytest

from demo.bundles import SourceBundle
from demo.datatypes import AUTHORISATION, CPR, SOR
from demo.personas import PERSONAS
from demo.places import PLACES
from demo.staff import STAFF
from demo.world import demo_bundles
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.validation import validate
from helhed.population.numbers import fails_modulus_11
from helhed.trust.roles import roles

DAY = "2026-11-23"
FIXED = ("jens", "ulla", "mette-gp", "sofie-secretary", "anders-emergency", "karen-nurse", "peter-physio", "lone-midwife", "outsider",
         "epj-system", "operator")  # fmt: skip


@pytest.fixture(scope="module")
def bundles() -> list[SourceBundle]:
    return demo_bundles()


def resources(bundles: list[SourceBundle]) -> Iterator[dict]:
    return (entry["resource"] for source in bundles for entry in source.bundle["entry"])


def values(resource: object, key: str) -> Iterator[str]:
    if isinstance(resource, dict):
        for name, inner in resource.items():
            if name == key and isinstance(inner, str):
                yield inner
            yield from values(inner, key)
    elif isinstance(resource, list):
        for inner in resource:
            yield from values(inner, key)


def test_every_resource_is_valid(bundles):
    wrong = [(r["resourceType"], issue) for r in resources(bundles) for issue in validate(r)]
    assert wrong == []


def test_every_bundle_is_a_valid_transaction(bundles):
    assert [issue for source in bundles for issue in validate(source.bundle)] == []


def test_references_stand_in_the_same_bundle_or_an_earlier_one(bundles):
    known: set[str] = set()
    for source in bundles:
        assert source.earlier <= known, (source.organisation, source.citizen)
        assert not source.own & known
        known |= source.own


def test_addresses_are_the_same_in_every_run(bundles):
    assert [source.bundle for source in demo_bundles()] == [source.bundle for source in bundles]


def test_a_resource_names_only_its_own_citizen(bundles):
    patients: dict[str, str] = {}
    for source in bundles:
        for entry in source.bundle["entry"]:
            if entry["resource"]["resourceType"] == "Patient":
                patients[entry["fullUrl"]] = source.citizen
    for source in bundles:
        named = {patients[url] for url in source.earlier | source.own if url in patients}
        assert named <= {source.citizen}


@pytest.mark.parametrize("system", [CPR, SOR, AUTHORISATION, "urn:ietf:rfc:3986"])
def test_identifiers_are_unique(bundles, system):
    seen = Counter(one["value"] for r in resources(bundles) for one in _identifiers(r) if one["system"] == system)
    assert seen
    assert [value for value, times in seen.items() if times > 1] == []


def _identifiers(resource: dict) -> list[dict]:
    found = resource.get("identifier", [])
    return found if isinstance(found, list) else [found]


def test_each_entry_is_created_only_once(bundles):
    conditions = [entry["request"]["ifNoneExist"] for source in bundles for entry in source.bundle["entry"]]
    assert len(set(conditions)) == len(conditions)


def test_cpr_numbers_fail_modulus_11_and_fit_date_and_sex(bundles):
    for patient in (r for r in resources(bundles) if r["resourceType"] == "Patient"):
        number, born = patient["identifier"][0]["value"], patient["birthDate"]
        assert fails_modulus_11(number)
        assert number[:6] == f"{born[8:]}{born[5:7]}{born[2:4]}"
        assert (int(number[-1]) % 2 == 1) == (patient["gender"] == "male")


def test_everybody_is_called_test(bundles):
    people = ("Patient", "Practitioner", "RelatedPerson")
    assert all("Test" in r["name"][0]["given"] for r in resources(bundles) if r["resourceType"] in people)


def test_nothing_that_has_happened_is_dated_after_the_day(bundles):
    for resource in resources(bundles):
        if resource["resourceType"] in (
            "Observation",
            "Encounter",
            "Condition",
            "MedicationRequest",
            "Immunization",
            "DocumentReference",
        ):
            for key in (
                "effectiveDateTime",
                "start",
                "onsetDateTime",
                "recordedDate",
                "authoredOn",
                "occurrenceDateTime",
                "date",
            ):
                assert all(found[:10] <= DAY for found in values(resource, key)), resource


def test_periods_end_after_they_begin(bundles):
    for resource in resources(bundles):
        for span in [resource.get("period"), resource.get("performedPeriod")]:
            if span and "end" in span:
                assert span["start"] <= span["end"], resource


def test_a_condition_begins_before_it_is_recorded_and_ends_after(bundles):
    for one in (r for r in resources(bundles) if r["resourceType"] == "Condition"):
        onset, recorded = one["onsetDateTime"], one["recordedDate"]
        assert onset[:10] <= recorded[: len(onset)] or onset <= recorded
        assert onset <= one.get("abatementDateTime", "9999")


def test_nothing_happens_before_birth(bundles):
    born = {s.citizen: r["birthDate"] for s in bundles for r in resources([s]) if r["resourceType"] == "Patient"}
    for source in (s for s in bundles if s.citizen):
        for resource in resources([source]):
            for key in ("effectiveDateTime", "onsetDateTime", "occurrenceDateTime", "authoredOn"):
                assert all(found[:4] >= born[source.citizen][:4] for found in values(resource, key))


def test_times_carry_the_danish_offset_of_their_season(bundles):
    for resource in resources(bundles):
        for moment in values(resource, "effectiveDateTime"):
            if "T" in moment:
                summer = 4 <= int(moment[5:7]) <= 9
                assert moment.endswith("+02:00") if summer else moment[5:7] in ("03", "10") or moment.endswith("+01:00")
                assert datetime.fromisoformat(moment).tzinfo is not None


def test_only_known_types_are_used(bundles):
    assert {r["resourceType"] for r in resources(bundles)} <= set(TYPE_NUMBERS)


def test_the_named_personas_exist():
    handles = [one.handle for one in PERSONAS]
    assert set(FIXED) <= set(handles)
    assert len(set(handles)) == len(handles)


def test_personas_point_at_what_is_loaded(bundles):
    known = frozenset().union(*(source.own for source in bundles))
    for one in PERSONAS:
        assert one.url in known
        assert one.organisation_url in known or one.kind == "citizen"
        assert one.about_da
        assert one.about_en


def test_staff_have_roles_the_policy_knows():
    assert {member.role for member in STAFF.values()} <= {role["role"] for role in roles()}
    assert {one.role for one in PERSONAS if one.kind in ("professional", "operator")} <= {
        role["role"] for role in roles()
    }


def test_the_outsider_works_at_no_place_that_knows_a_citizen(bundles):
    outsider = STAFF["outsider"]
    place = PLACES[outsider.workplace]
    above = {place.url}
    while place.parent:
        place = PLACES[place.parent]
        above.add(place.url)
    for resource in resources([source for source in bundles if source.citizen]):
        assert not above & set(values(resource, "reference"))


def test_the_places_a_block_names_exist(bundles):
    known = {place.url for place in PLACES.values()}
    blocks = [block for one in PERSONAS for block in one.blocks]
    assert blocks
    assert all(url in known for block in blocks for url in (block.who_url, block.what_url) if url)
