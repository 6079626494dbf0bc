"""What a profile can ask of an element, each broken in turn and refused at the right expression."""

from typing import Any

import orjson
import pytest

from helhed.fhir.packages import Known
from helhed.fhir.profiles import Profiles, Vocabulary
from helhed.fhir.profiles.operation import validate_operation
from helhed.foundation.errors import BadRequest
from tests.support.shapes import BASE, CODES, VALUES, Held, code_system, element, profile, sliced, value_set

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def held(type_name, *elements, more=()):
    return Held(profile("p", type_name, *elements), *more)


# --- cardinality, types, values ---------------------------------------------------------------------------------------


def test_what_must_stand_there_is_missed_where_it_should_stand():
    patient = held("Patient", element("Patient.name", kind="HumanName", min=1), element("Patient.name.family", min=1))
    assert patient.errors({"resourceType": "Patient", "name": [{"family": "A"}]}) == []
    assert patient.errors({"resourceType": "Patient"}) == [("required", "Patient")]
    assert patient.errors({"resourceType": "Patient", "name": [{"family": "A"}, {"text": "B"}]}) == [
        ("required", "Patient.name[1]")
    ]


def test_what_stands_too_often_is_named_from_the_first_that_is_too_many():
    patient = held("Patient", element("Patient.name", kind="HumanName", max="2"), element("Patient.photo", max="0"))
    names = [{"text": "A"}] * 3
    assert patient.errors({"resourceType": "Patient", "name": names}) == [("structure", "Patient.name[2]")]
    assert patient.errors({"resourceType": "Patient", "photo": [{"title": "x"}]}) == [("structure", "Patient.photo[0]")]


def test_a_value_told_by_its_extensions_alone_is_there():
    patient = held("Patient", element("Patient.birthDate", kind="date", min=1, max="1"))
    assert patient.errors({"resourceType": "Patient", "_birthDate": {"extension": [{"url": "urn:x"}]}}) == []


def test_a_choice_may_be_narrowed():
    narrow = held("Observation", element("Observation.value[x]", kind="Quantity", min=1, max="1"))
    assert narrow.errors({**OBSERVATION, "valueQuantity": {"value": 1}}) == []
    assert narrow.errors({**OBSERVATION, "valueString": "x"}) == [("structure", "Observation.valueString")]
    assert narrow.errors(OBSERVATION) == [("required", "Observation")]


def test_a_value_written_short_for_its_choice_is_its_slice():
    short = held(
        "Observation",
        element("Observation.value[x]", max="1"),
        element("Observation.valueQuantity", "valueQuantity", kind="Quantity"),
        element("Observation.valueQuantity.unit", kind="string", min=1, max="1"),
    )
    assert short.errors({**OBSERVATION, "valueString": "x"}) == []
    assert short.errors({**OBSERVATION, "valueQuantity": {"value": 1}}) == [("required", "Observation.valueQuantity")]


def test_a_fixed_value_is_exactly_that():
    coded = {"coding": [{"system": "urn:a", "code": "b"}]}
    fixed = held("Observation", element("Observation.code", kind="CodeableConcept", fixedCodeableConcept=coded))
    assert fixed.errors({**OBSERVATION, "code": coded}) == []
    for other in ({"coding": [{"system": "urn:a", "code": "b", "display": "B"}]}, {"text": "x"}):
        assert fixed.errors({**OBSERVATION, "code": other}) == [("value", "Observation.code")]


def test_a_pattern_is_at_least_that():
    pattern = {"coding": [{"system": "urn:a", "code": "b"}]}
    rule = held("Observation", element("Observation.code", kind="CodeableConcept", patternCodeableConcept=pattern))
    more = {"text": "B", "coding": [{"code": "c"}, {"system": "urn:a", "code": "b", "display": "B"}]}
    assert rule.errors({**OBSERVATION, "code": more}) == []
    assert rule.errors({**OBSERVATION, "code": {"coding": [{"code": "b"}]}}) == [("value", "Observation.code")]


def test_true_is_not_one():
    fixed = held("Patient", element("Patient.active", kind="boolean", fixedBoolean=True))
    assert fixed.errors({"resourceType": "Patient", "active": True}) == []
    assert fixed.errors({"resourceType": "Patient", "active": False}) == [("value", "Patient.active")]
    number = held("Patient", element("Patient.multipleBirth[x]", fixedInteger=1))
    assert number.errors({"resourceType": "Patient", "multipleBirthBoolean": True}) == [
        ("value", "Patient.multipleBirthBoolean")
    ]


@pytest.mark.parametrize(
    ("limits", "date", "right"),
    [
        ({"minValueDate": "2020-01-01"}, "2019-12-31", False),
        ({"minValueDate": "2020-01-01"}, "2020", True),
        ({"maxValueDate": "2020-01-01"}, "2020-01-02", False),
        ({"maxLength": 7}, "2020-01", True),
        ({"maxLength": 7}, "2020-01-01", False),
    ],
)
def test_values_keep_their_limits(limits, date, right):
    limited = held("Patient", element("Patient.birthDate", kind="date", **limits))
    found = limited.errors({"resourceType": "Patient", "birthDate": date})
    assert [place for _, place in found] == ([] if right else ["Patient.birthDate"])


def test_an_element_that_is_like_another_is_held_to_the_same():
    like = held(
        "Questionnaire",
        element("Questionnaire.item", kind="BackboneElement"),
        element("Questionnaire.item.text", kind="string", min=1, max="1"),
        element("Questionnaire.item.item", contentReference="#Questionnaire.item"),
    )
    inner = {"linkId": "1", "type": "group", "text": "a", "item": [{"linkId": "2", "type": "display"}]}
    deep = {"resourceType": "Questionnaire", "status": "draft", "item": [{**inner, "item": [inner]}]}
    assert like.errors(deep) == [("required", "Questionnaire.item[0].item[0].item[0]")]


# --- profiles of types ------------------------------------------------------------------------------------------------


def test_a_type_follows_one_of_its_profiles():
    one = profile("one", "Identifier", element("Identifier.system", kind="uri", fixedUri="urn:1", min=1))
    two = profile("two", "Identifier", element("Identifier.system", kind="uri", fixedUri="urn:2", min=1))
    either = held(
        "Patient",
        element("Patient.identifier", kind="Identifier", about={"profile": [BASE + "one", BASE + "two"]}),
        more=(one, two),
    )
    assert either.errors({"resourceType": "Patient", "identifier": [{"system": "urn:2"}, {"system": "urn:1"}]}) == []
    found = either.errors({"resourceType": "Patient", "identifier": [{"system": "urn:2"}, {"system": "urn:3"}]})
    assert ("structure", "Patient.identifier[1]") in found


def test_an_absent_profile_is_reported_where_it_would_hold_and_never_taken_for_right():
    absent = held("Patient", element("Patient.identifier", kind="Identifier", about={"profile": [BASE + "absent"]}))
    person = {"resourceType": "Patient", "identifier": [{"value": "1"}]}
    assert absent.errors(person) == []
    assert absent.unchecked(person) == ["Patient.identifier[0]"]


def test_a_profile_that_comes_back_to_itself_ends():
    loop = held(
        "Observation",
        element("Observation.hasMember", kind="Reference", about={"targetProfile": [BASE + "p"]}),
        element("Observation.value[x]", min=1),
    )
    ring = {**OBSERVATION, "valueString": "x", "hasMember": [{"reference": "#"}]}
    assert loop.errors(ring) == []


# --- references -------------------------------------------------------------------------------------------------------


def subject(target, *more):
    about = {"targetProfile": [target]}
    return held("Observation", element("Observation.subject", kind="Reference", about=about, max="1"), more=more)


def test_a_reference_leads_to_the_right_type():
    wrong = subject("http://hl7.org/fhir/StructureDefinition/Patient")
    assert wrong.errors({**OBSERVATION, "subject": {"reference": "Patient/1"}}) == []
    assert wrong.errors({**OBSERVATION, "subject": {"identifier": {"value": "1"}}}) == []
    for bad in ({"reference": "Group/1"}, {"reference": "https://a.example/fhir/Device/1"}, {"type": "Location"}):
        assert wrong.errors({**OBSERVATION, "subject": bad}) == [("value", "Observation.subject")]


def test_a_reference_within_the_resource_leads_to_the_right_profile():
    named = profile("named", "Patient", element("Patient.name", kind="HumanName", min=1))
    rule = subject(BASE + "named", named)

    def about(patient):
        return {**OBSERVATION, "subject": {"reference": "#p"}, "contained": [{**patient, "id": "p"}]}

    assert rule.errors(about({"resourceType": "Patient", "name": [{"text": "A"}]})) == []
    assert rule.errors(about({"resourceType": "Patient"})) == [("value", "Observation.subject")]
    assert rule.errors({**OBSERVATION, "subject": {"reference": "Patient/elsewhere"}}) == []


def test_a_reference_stays_in_the_bundle_when_the_profile_says_so():
    about = {"targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient"], "aggregation": ["bundled"]}
    bundled = profile("p", "Observation", element("Observation.subject", kind="Reference", about=about))
    profiles = Profiles([bundled])
    one = {**OBSERVATION, "subject": {"reference": "Patient/1"}, "meta": {"profile": [BASE + "p"]}}
    entry = {"fullUrl": "https://a.example/Observation/2", "resource": one}
    patient = {"fullUrl": "https://a.example/Patient/1", "resource": {"resourceType": "Patient"}}

    def places(*entries):
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}
        return [f.expression for f in profiles.validate(bundle) if f.severity == "error"]

    assert places(entry, patient) == []
    assert places(entry) == ["Bundle.entry[0].resource.subject"]
    alone = [one for one in profiles.validate(one) if one.expression == "Observation.subject"]
    assert [one.severity for one in alone] == ["information"]


# --- bindings ---------------------------------------------------------------------------------------------------------

KNOWN = (
    code_system("fruits", {"code": "apple", "concept": [{"code": "cox"}]}, {"code": "pear"}),
    code_system("part", {"code": "a"}, content="fragment"),
)


@pytest.mark.parametrize(
    ("compose", "system", "code", "verdict"),
    [
        ({"include": [{"system": CODES + "fruits"}]}, "fruits", "cox", True),
        ({"include": [{"system": CODES + "fruits"}]}, "fruits", "plum", False),
        ({"include": [{"system": CODES + "fruits"}]}, "nuts", "cox", False),
        ({"include": [{"system": CODES + "fruits", "concept": [{"code": "pear"}]}]}, "fruits", "cox", False),
        ({"include": [{"system": CODES + "part"}]}, "part", "a", None),
        ({"include": [{"system": CODES + "part"}]}, "fruits", "a", False),
        ({"include": [{"valueSet": ["urn:absent"]}]}, "fruits", "cox", None),
        ({"include": [{"system": CODES + "fruits"}], "exclude": [{"system": CODES + "fruits", "concept": [{"code": "cox"}]}]}, "fruits", "cox", False),
        ({"include": [{"system": CODES + "fruits"}], "exclude": [{"valueSet": ["urn:absent"]}]}, "fruits", "cox", None),
        ({"include": [{"system": CODES + "fruits", "filter": [{"property": "concept", "op": "is-a", "value": "apple"}]}]}, "fruits", "cox", True),
        ({"include": [{"system": CODES + "fruits", "filter": [{"property": "concept", "op": "descendent-of", "value": "apple"}]}]}, "fruits", "apple", False),
        ({"include": [{"system": CODES + "fruits", "filter": [{"property": "colour", "op": "regex", "value": "r.*"}]}]}, "fruits", "apple", None),
    ],
)  # fmt: skip
def test_value_sets_say_yes_no_or_that_they_do_not_know(compose, system, code, verdict):
    known = [*KNOWN, value_set("v", compose)]
    assert Vocabulary(known).member(VALUES + "v", CODES + system, code) is verdict


def bound(strength, **more):
    binding = {"strength": strength, "valueSet": VALUES + "fruits", **more}
    return held(
        "Observation",
        element("Observation.code", kind="CodeableConcept", binding=binding),
        more=(
            *KNOWN,
            value_set("fruits", {"include": [{"system": CODES + "fruits"}]}),
            value_set("part", {"include": [{"system": CODES + "part"}]}),
        ),
    )


def coded(*codes):
    return {**OBSERVATION, "code": {"coding": [{"system": CODES + system, "code": code} for system, code in codes]}}


def severities(rule, resource):
    return [one.severity for one in rule.findings(resource) if one.expression == "Observation.code"]


def test_a_required_binding_is_an_error_an_extensible_one_a_warning_and_others_nothing():
    for strength, severity in (("required", ["error"]), ("extensible", ["warning"]), ("preferred", [])):
        assert severities(bound(strength), coded(("fruits", "apple"))) == []
        assert severities(bound(strength), coded(("nuts", "hazel"))) == severity
    assert severities(bound("required"), coded(("nuts", "hazel"), ("fruits", "pear"))) == []
    assert severities(bound("required"), {**OBSERVATION, "code": {"text": "apple"}}) == ["error"]
    assert severities(bound("extensible"), {**OBSERVATION, "code": {"text": "apple"}}) == []


def test_an_extensible_binding_has_an_outermost_value_set():
    url = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
    rule = bound("extensible", extension=[{"url": url, "valueCanonical": VALUES + "fruits"}])
    assert severities(rule, coded(("nuts", "hazel"))) == ["error"]


def test_a_binding_that_cannot_be_told_is_reported_as_not_checked():
    rule = bound("required", valueSet=VALUES + "part")
    assert severities(rule, coded(("part", "a"))) == ["information"]
    assert severities(rule, coded(("fruits", "apple"))) == ["error"]


# --- extensions -------------------------------------------------------------------------------------------------------


def extension(name, *contexts, modifier=False):
    whole = element("Extension", isModifier=modifier)
    known = profile(
        name, "Extension", element("Extension.url", kind="uri", fixedUri=BASE + name),
        element("Extension.value[x]", kind="code", min=1, max="1"), context=[dict(zip(("type", "expression"), c, strict=True)) for c in contexts],
    )  # fmt: skip
    return known._replace(body=known.body.replace(b'{"path":"Extension","min":0', _dumped(whole)))


def _dumped(whole):
    return b'{"isModifier":true,"path":"Extension","min":0' if whole["isModifier"] else b'{"path":"Extension","min":0'


def found_in(resource, *known: Known):
    return [(one.code, one.expression) for one in Profiles(known).validate(resource) if one.severity == "error"]


@pytest.mark.parametrize(
    ("context", "right"),
    [
        (("element", "Patient"), True),
        (("element", "Element"), True),
        (("element", "DomainResource"), True),
        (("element", "Patient.name"), False),
        (("element", "Observation"), False),
        (("extension", BASE + "other"), False),
    ],
)
def test_an_extension_stands_where_its_definition_allows(context, right):
    patient = {"resourceType": "Patient", "extension": [{"url": BASE + "e", "valueCode": "a"}]}
    assert found_in(patient, extension("e", context)) == ([] if right else [("extension", "Patient.extension[0]")])


@pytest.mark.parametrize("context", ["Address", "Patient.address", "Patient.contact.address", "Address.city", "string"])
def test_contexts_are_paths_or_types(context):
    one = [{"url": BASE + "e", "valueCode": "a"}]
    patient = {
        "resourceType": "Patient",
        "address": [{"extension": one}],
        "contact": [{"address": {"extension": one, "_city": {"extension": one}}}],
    }
    places = {
        "Address": ["Patient.contact[0].address.city.extension[0]"],
        "Patient.address": ["Patient.contact[0].address.extension[0]", "Patient.contact[0].address.city.extension[0]"],
        "Patient.contact.address": ["Patient.address[0].extension[0]", "Patient.contact[0].address.city.extension[0]"],
        "Address.city": ["Patient.address[0].extension[0]", "Patient.contact[0].address.extension[0]"],
        "string": ["Patient.address[0].extension[0]", "Patient.contact[0].address.extension[0]"],
    }
    found = [place for _, place in found_in(patient, extension("e", ("element", context)))]
    assert sorted(found) == sorted(places[context])


def test_an_extension_follows_its_definition_wherever_it_stands():
    patient = {"resourceType": "Patient", "name": [{"extension": [{"url": BASE + "e", "valueString": "a"}]}]}
    assert found_in(patient, extension("e")) == [("structure", "Patient.name[0].extension[0].valueString")]


def test_what_modifies_stands_among_modifiers_only():
    one = [{"url": BASE + "e", "valueCode": "a"}]
    assert found_in({"resourceType": "Patient", "modifierExtension": one}, extension("e", modifier=True)) == []
    assert found_in({"resourceType": "Patient", "extension": one}, extension("e", modifier=True)) == [
        ("extension", "Patient.extension[0]")
    ]
    assert found_in({"resourceType": "Patient", "modifierExtension": one}, extension("e")) == [
        ("extension", "Patient.modifierExtension[0]")
    ]


def test_an_unknown_modifier_is_a_warning():
    patient = {"resourceType": "Patient", "modifierExtension": [{"url": "urn:unknown", "valueCode": "a"}]}
    found = [one.severity for one in Profiles().validate(patient) if one.expression == "Patient.modifierExtension[0]"]
    assert found == ["warning"]


# --- resources in resources -------------------------------------------------------------------------------------------


def test_contained_resources_are_pointed_at_and_have_no_version():
    inner = {"resourceType": "Patient", "id": "p"}
    whole = {**OBSERVATION, "subject": {"reference": "#p"}, "contained": [inner]}
    assert found_in(whole) == []
    assert found_in({**whole, "subject": {"display": "A"}}) == [("invariant", "Observation.contained[0]")]
    for meta in ({"versionId": "1"}, {"lastUpdated": "2026-01-01T00:00:00Z"}, {"security": [{"code": "R"}]}):
        assert found_in({**whole, "contained": [{**inner, "meta": meta}]}) == [
            ("invariant", "Observation.contained[0]")
        ]


def test_a_contained_resource_is_held_to_what_it_claims():
    named = profile("named", "Patient", element("Patient.name", kind="HumanName", min=1))
    inner = {"resourceType": "Patient", "id": "p", "meta": {"profile": [BASE + "named"]}}
    whole = {**OBSERVATION, "subject": {"reference": "#p"}, "contained": [inner]}
    assert found_in(whole, named) == [("required", "Observation.contained[0]")]


def message(*resources, **more):
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "message", "entry": entries, **more}


HEADER = {"resourceType": "MessageHeader", "eventUri": "urn:x", "source": {"endpoint": "urn:y"}}


def test_references_by_urn_are_found_in_the_message():
    pointing = {**OBSERVATION, "subject": {"reference": "urn:uuid:2"}}
    assert found_in(message(HEADER, pointing, {"resourceType": "Patient"})) == []
    assert found_in(message(HEADER, pointing)) == [("not-found", "Bundle.entry[1].resource.subject.reference")]


def test_what_a_message_is_about_is_in_it():
    about = {**HEADER, "focus": [{"reference": "Patient/1"}]}
    assert found_in(message(about)) == [("not-found", "Bundle.entry[0].resource.focus[0]")]


def test_an_address_names_the_resource_it_stands_for():
    patient = {"resourceType": "Patient", "id": "1"}

    def places(address):
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": address, "resource": patient}]}
        return [place for _, place in found_in(bundle)]

    assert places("https://a.example/Patient/1") == []
    assert places("urn:uuid:9") == []
    assert places("https://a.example/Patient/2") == ["Bundle.entry[0].fullUrl"]
    assert places("https://a.example/Device/1") == ["Bundle.entry[0].fullUrl"]


# --- which profiles ---------------------------------------------------------------------------------------------------

NAMED = profile("named", "Patient", element("Patient.name", kind="HumanName", min=1))


def claiming(*urls):
    return {"resourceType": "Patient", "meta": {"profile": list(urls)}}


def test_a_resource_is_held_to_what_it_claims_or_to_what_is_asked():
    assert found_in(claiming(BASE + "named"), NAMED) == [("required", "Patient")]
    assert found_in({"resourceType": "Patient"}, NAMED) == []
    asked = Profiles([NAMED]).validate({"resourceType": "Patient"}, [BASE + "named"])
    assert [one.expression for one in asked if one.severity == "error"] == ["Patient"]


def test_a_claim_that_cannot_be_checked_is_a_warning_and_a_question_that_cannot_is_an_error():
    profiles = Profiles()
    claim = [one.severity for one in profiles.validate(claiming(BASE + "absent")) if one.rule == "meta.profile"]
    asked = [one.severity for one in profiles.validate({"resourceType": "Patient"}, [BASE + "absent"])]
    assert claim == ["warning"]
    assert "error" in asked


def test_another_version_stands_in_and_says_so():
    newer = profile("named", "Patient", element("Patient.name", kind="HumanName", min=1), version="10.0.0")
    older = profile("named", "Patient", version="9.0.0")
    found = Profiles([newer, older]).validate(claiming(BASE + "named|1.0.0"))
    assert ["10.0.0" in one.diagnostics for one in found if one.severity == "information"] == [True]
    assert [one.expression for one in found if one.severity == "error"] == ["Patient"]
    assert found_in(claiming(BASE + "named|9.0.0"), newer, older) == []


def test_a_profile_of_another_type_does_not_fit():
    wrong = {"resourceType": "Device", "meta": {"profile": [BASE + "named"]}}
    assert found_in(wrong, NAMED) == [("structure", "Device")]


@pytest.mark.parametrize(
    "content",
    [
        {"type": "Nothing"},
        {"snapshot": {}},
        {"snapshot": {"element": [{"path": "Patient"}, {"path": "Patient.a.b"}]}},
        {"snapshot": {"element": [{"min": 1}]}},
        {"snapshot": {"element": [{"path": "Patient"}, {"path": "Patient.name", "min": "many"}]}},
    ],
)
def test_a_profile_that_cannot_be_used_is_said_to_be_so(content):
    body = orjson.dumps(
        {"url": BASE + "p", "type": "Patient", "snapshot": {"element": [{"path": "Patient"}]}, **content}
    )
    found = Profiles([Known("StructureDefinition", BASE + "p", "1", "x", body)]).validate(claiming(BASE + "p"))
    assert [one.severity for one in found if one.rule == "meta.profile"] == ["warning"]


# --- the operation ----------------------------------------------------------------------------------------------------


def test_the_outcome_tells_structure_first_then_profiles():
    profiles = Profiles([NAMED])
    bad = validate_operation(profiles, {"resourceType": "Patient", "name": "A"}, [BASE + "named"])
    assert [one["expression"] for one in bad["issue"]] == [["Patient.name"]]
    wrong = validate_operation(profiles, {"resourceType": "Patient"}, [BASE + "named"])["issue"][0]
    assert (wrong["severity"], wrong["code"], wrong["expression"]) == ("error", "required", ["Patient"])
    right = validate_operation(profiles, {"resourceType": "Patient", "name": [{"text": "A"}]}, [BASE + "named"])
    assert not [one for one in right["issue"] if one["severity"] == "error"]


def test_modes_of_the_operation():
    profiles = Profiles([NAMED])
    nameless = {"resourceType": "Patient"}
    assert validate_operation(profiles, nameless, [BASE + "named"], "delete")["issue"][0]["severity"] == "information"
    update = validate_operation(profiles, nameless, [], "update")["issue"]
    assert [one["expression"] for one in update if one["severity"] == "error"] == [["Patient.id"]]
    for mode in ("profile", "other"):
        with pytest.raises(BadRequest):
            validate_operation(profiles, nameless, [], mode)


def test_nothing_crashes_on_a_resource_of_any_shape():
    rule = held(
        "Patient",
        sliced("Patient.identifier", "Identifier", ("value", "system")),
        element("Patient.identifier", "cpr", kind="Identifier", min=1),
        element("Patient.identifier.system", kind="uri", fixedUri="urn:a", min=1, max="1"),
        element("Patient.contact", kind="BackboneElement"),
        element("Patient.contact.organization", kind="Reference", about={"targetProfile": [BASE + "p"]}, min=1),
    )
    shapes: tuple[Any, ...] = (None, 1, "x", [], [None], [[1]], {}, [{}], [{"system": 1}], {"system": []}, True)
    for odd in shapes:
        for name in ("identifier", "contact", "contained", "extension", "meta", "text"):
            rule.findings({"resourceType": "Patient", name: odd})
            rule.profiles.validate({"resourceType": "Bundle", "type": "message", "entry": odd, name: odd})
