"""Rules in FHIRPath: those of FHIR itself, those of profiles, and those nobody can tell."""

from datetime import UTC, datetime

import pytest

from helhed.fhir.profiles import Profiles
from tests.support.shapes import BASE, VALUES, Held, code_system, element, profile, value_set

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def rule(key, expression, severity="error"):
    return {"key": key, "severity": severity, "human": f"It is {key}.", "expression": expression}


def held(type_name, *elements, more=()):
    return Held(profile("p", type_name, *elements), *more)


def found(resource, of=None):
    some = of.findings(resource) if of else Profiles().validate(resource)
    return [(one.severity, one.rule, one.expression) for one in some if one.rule != "dom-6" and one.profile]


@pytest.mark.parametrize(
    ("broken", "key", "place"),
    [
        ({"valueQuantity": {"value": 1, "code": "mg"}}, "qty-3", "Observation.valueQuantity"),
        ({"valuePeriod": {"start": "2026-02", "end": "2026-01"}}, "per-1", "Observation.valuePeriod"),
        ({"valueString": "x", "dataAbsentReason": {"text": "y"}}, "obs-6", "Observation"),
        ({"referenceRange": [{"appliesTo": [{"text": "x"}]}]}, "obs-3", "Observation.referenceRange[0]"),
        ({"effectiveTiming": {"repeat": {"count": 0, "countMax": 1, "duration": 1}}}, "tim-1", "Observation.effectiveTiming.repeat"),
        ({"identifier": [{"period": {"start": "2026", "end": "2025"}}]}, "per-1", "Observation.identifier[0].period"),
    ],
)  # fmt: skip
def test_the_rules_of_types_hold_wherever_they_stand(broken, key, place):
    assert ("error", key, place) in found({**OBSERVATION, **broken})
    assert found(OBSERVATION) == []


def test_a_profile_adds_rules_to_its_root_and_to_elements():
    own = held(
        "Patient",
        element("Patient.name", kind="HumanName", constraint=[rule("whole", "family.exists() and given.exists()")]),
        element("Patient.birthDate", kind="date", max="1", constraint=[rule("old", "$this < @2000", "warning")]),
    )
    right = {"resourceType": "Patient", "name": [{"family": "A", "given": ["B"]}], "birthDate": "1950-01-01"}
    wrong = {"resourceType": "Patient", "name": [*right["name"], {"text": "C"}], "birthDate": "2020-01-01"}
    assert found(right, of=own) == []
    assert found(wrong, of=own) == [("error", "whole", "Patient.name[1]"), ("warning", "old", "Patient.birthDate")]


def test_a_rule_of_a_slice_holds_for_its_items_only():
    url = "urn:oid:1.2.208.176.1.2"
    slicing = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    own = held(
        "Patient",
        element("Patient.identifier", kind="Identifier", slicing=slicing),
        element("Patient.identifier", "cpr", kind="Identifier"),
        element("Patient.identifier.system", kind="uri", fixedUri=url, min=1, max="1"),
        element("Patient.identifier.value", kind="string", constraint=[rule("ten", "matches('^[0-9]{10}$')")]),
    )
    person = {"resourceType": "Patient", "identifier": [{"value": "x"}, {"system": url, "value": "1"}]}
    assert found(person, of=own) == [("error", "ten", "Patient.identifier[1].value")]


def test_a_rule_without_an_answer_is_broken():
    own = held("Patient", element("Patient.name", kind="HumanName", constraint=[rule("k", "given.matches('x')")]))
    assert found({"resourceType": "Patient", "name": [{"family": "A"}]}, of=own) == [("error", "k", "Patient.name[0]")]


@pytest.mark.parametrize(
    "expression",
    [
        "generalPractitioner.resolve().name.exists()",
        "maritalStatus.memberOf('urn:absent')",
        "contained.first().conformsTo('urn:absent')",
        "noSuchFunction()",
        "birthDate < today()",
        "name.given.upper().exists()",
    ],
)
def test_a_rule_that_cannot_be_told_is_reported_as_not_checked(expression):
    own = Held(_rooted(expression))
    person = {
        "resourceType": "Patient",
        "generalPractitioner": [{"reference": "Organization/1"}],
        "maritalStatus": {"coding": [{"system": "urn:x", "code": "M"}]},
        "birthDate": "2020-01-01",
        "name": [{"given": ["A", "B"]}],
        "contained": [
            {"resourceType": "Patient", "id": "a", "link": [{"other": {"reference": "#"}, "type": "seealso"}]}
        ],
    }
    assert ("information", "k", "Patient") in found(person, of=own)
    assert not [one for one in found(person, of=own) if one[0] == "error"]


def _rooted(expression, type_name="Patient"):
    return profile("p", type_name, rules=[rule("k", expression)])


@pytest.mark.parametrize(
    ("hour", "born", "found"),
    [(22, "2026-11-24", [("error", "k")]), (23, "2026-11-24", []), (22, "2026-11-23", [])],
)
def test_a_rule_that_asks_for_the_day_is_told_it_in_danish_time(hour, born, found):
    """At 23 o'clock UTC in November the next day has begun in Denmark."""
    at = datetime(2026, 11, 23, hour, 30, tzinfo=UTC)
    person = {"resourceType": "Patient", "birthDate": born}
    told = Held(_rooted("birthDate <= today() and now() > @2025 and timeOfDay().exists()")).profiles
    assert [(one.severity, one.rule) for one in told.validate(person, [BASE + "p"], at=at) if one.rule == "k"] == found


def test_a_rule_can_ask_what_stands_above_a_code():
    system = "http://example.org/fhir/CodeSystem/kinds"
    tree = {"code": "warm", "concept": [{"code": "red"}]}
    asked = Held(
        _rooted("contact.relationship.coding.all(%resource.maritalStatus.coding.first().subsumes($this))"),
        value_set("kinds", {"include": [{"system": system}]}), code_system("kinds", tree, {"code": "cold"}),
    )  # fmt: skip

    def person(code):
        coding = {"coding": [{"system": system, "code": "warm"}]}
        contact = {"relationship": [{"coding": [{"system": system, "code": code}]}]}
        return {"resourceType": "Patient", "maritalStatus": coding, "contact": [contact]}

    def verdicts(code):
        return [one[:2] for one in found(person(code), of=asked) if one[1] == "k"]

    assert [verdicts(code) for code in ("red", "warm", "cold")] == [[], [], [("error", "k")]]
    assert verdicts("no-such") == [("information", "k")]


def test_value_sets_and_profiles_can_be_asked_in_rules():
    system = "http://example.org/fhir/CodeSystem/kinds"
    known = (value_set("kinds", {"include": [{"system": system}]}), code_system("kinds", {"code": "a"}))
    asked = Held(_rooted(f"maritalStatus.memberOf('{VALUES}kinds') and conformsTo('{BASE}named')"), *known,
                 profile("named", "Patient", element("Patient.name", kind="HumanName", min=1)))  # fmt: skip

    def person(code, **more):
        return {"resourceType": "Patient", "maritalStatus": {"coding": [{"system": system, "code": code}]}, **more}

    assert found(person("a", name=[{"text": "A"}]), of=asked) == []
    assert found(person("b", name=[{"text": "A"}]), of=asked) == [("error", "k", "Patient")]
    assert found(person("a"), of=asked) == [("error", "k", "Patient")]


def test_rules_of_a_bundle_see_its_entries():
    expression = "entry.resource.ofType(Observation).subject.resolve().ofType(Patient).exists()"
    bundles = Held(_rooted(expression, "Bundle"))
    entry = {"fullUrl": "urn:uuid:1", "resource": {**OBSERVATION, "subject": {"reference": "urn:uuid:2"}}}
    patient = {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient"}}
    device = {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Device"}}

    def bundle(*entries):
        return {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}

    assert found(bundle(entry, patient), of=bundles) == []
    assert ("error", "k", "Bundle") in found(bundle(entry, device), of=bundles)


def test_rules_that_cost_too_much_refuse_and_never_let_pass():
    """Each name looks at all names: small documents are fine, and a hostile one is stopped soon and is not valid."""
    own = held("Patient", element("Patient.name", kind="HumanName", constraint=[rule("k", "%resource.descendants().count() > 0")]))  # fmt: skip

    def person(count):
        return {"resourceType": "Patient", "name": [{"text": str(n)} for n in range(count)]}

    assert found(person(20), of=own) == []
    wrong = [one for one in own.findings(person(20_000)) if one.severity == "error"]
    assert {one.code for one in wrong} == {"too-costly"}


def test_an_error_is_found_among_any_number_of_doubts():
    own = held(
        "Patient",
        element("Patient.identifier", kind="Identifier", about={"profile": ["urn:absent"]}),
        element("Patient.name", kind="HumanName", min=1),
        element("Patient.photo", kind="Attachment", max="0"),
    )
    person = {
        "resourceType": "Patient",
        "identifier": [{"value": str(n)} for n in range(2000)],
        "name": [{"text": "A"}],
        "photo": [{"title": "x"}],
    }
    assert [one.expression for one in own.findings(person) if one.severity == "error"] == ["Patient.photo[0]"]


def test_large_bundles_are_checked_whole():
    entries = [
        {"fullUrl": f"urn:uuid:{n}", "resource": {**OBSERVATION, "id": str(n), "valueString": "x"}} for n in range(3000)
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert not [one for one in Profiles().validate(bundle) if one.severity == "error" or "rule" in one.diagnostics]
    twice = {**bundle, "entry": [*entries, entries[0]]}
    assert ("error", "bdl-7", "Bundle") in found(twice)
