"""Profiles that come with a differential alone: what their base says holds, and what they say is laid over it."""

from typing import Any

import orjson
import pytest

from helhed.fhir.packages import Known
from helhed.fhir.profiles import Profiles, errors
from helhed.fhir.profiles.structure import CORE
from tests.support.shapes import BASE, VALUES, code_system, value_set

Json = dict[str, Any]
OBSERVATION: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
PERSON: Json = {"resourceType": "Patient"}


def said(path: str, **more: Any) -> Json:
    """An element of a differential, named as its id is: ``Patient.identifier:cpr.system``."""
    steps = [step.partition(":") for step in path.split(".")]
    named = {"sliceName": steps[-1][2]} if steps[-1][2] else {}
    return {"id": path, "path": ".".join(step[0] for step in steps), **named, **more}


def thin(name: str, type_name: str, *elements: Json, base: str = "", **more: Any) -> Known:
    """A StructureDefinition without a snapshot, on a base of these tests or on the type itself."""
    under = BASE + base if base and ":" not in base else base or CORE + type_name
    content = {
        "resourceType": "StructureDefinition", "url": BASE + name, "version": "1", "type": type_name,
        "baseDefinition": under, "differential": {"element": [{"id": type_name, "path": type_name}, *elements]}, **more,
    }  # fmt: skip
    return Known("StructureDefinition", BASE + name, "1", "example.test", orjson.dumps(content))


def broken(resource: Json, *known: Known, by: str = "") -> list[tuple[str, str]]:
    found = Profiles(known).validate(resource, [by or known[0].url])
    assert not [one for one in found if one.rule == "meta.profile"], found
    return [(one.code, one.expression) for one in errors(found)]


def test_what_a_differential_asks_is_asked_and_the_rest_is_as_fhir_has_it() -> None:
    named = thin("p", "Patient", said("Patient.name", min=1), said("Patient.name.family", min=1, maxLength=3))
    assert broken(PERSON, named) == [("required", "Patient")]
    assert broken({**PERSON, "name": [{"text": "A"}]}, named) == [("required", "Patient.name[0]")]
    assert broken({**PERSON, "name": [{"family": "Long"}]}, named) == [("too-long", "Patient.name[0].family")]
    assert broken({**PERSON, "name": [{"family": "Bo"}], "contact": [{"name": {"text": "A"}}]}, named) == []


def test_a_profile_that_says_nothing_finds_nothing() -> None:
    assert broken({**PERSON, "photo": [{"title": "x"}]}, thin("p", "Patient")) == []


def test_a_profile_on_a_profile_keeps_what_it_does_not_change() -> None:
    lower = thin("lower", "Patient", said("Patient.name", min=1, max="2"), said("Patient.birthDate", min=1))
    upper = thin("upper", "Patient", said("Patient.name", max="1"), base="lower")
    known = (upper, lower)
    assert broken(PERSON, *known) == [("required", "Patient"), ("required", "Patient")]
    person = {**PERSON, "birthDate": "1970", "name": [{"text": "A"}, {"text": "B"}]}
    assert broken(person, *known) == [("structure", "Patient.name[1]")]
    assert broken(person, *known, by=lower.url) == []


def test_slices_of_the_base_are_kept_narrowed_and_added_to() -> None:
    sliced = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    lower = thin(
        "lower", "Patient", said("Patient.identifier", slicing=sliced, min=1),
        said("Patient.identifier:cpr", max="1"), said("Patient.identifier:cpr.system", min=1, fixedUri="urn:cpr"),
    )  # fmt: skip
    upper = thin(
        "upper", "Patient", said("Patient.identifier:cpr", min=1), said("Patient.identifier:cpr.value", min=1),
        said("Patient.identifier:own", max="1"), said("Patient.identifier:own.system", min=1, fixedUri="urn:own"),
        base="lower",
    )  # fmt: skip
    cpr, own = {"system": "urn:cpr", "value": "1"}, {"system": "urn:own"}

    def found(*identifiers: Json) -> list[tuple[str, str]]:
        return broken({**PERSON, "identifier": list(identifiers)}, upper, lower)

    assert found(cpr, own, {"system": "urn:else"}) == []
    assert found({"system": "urn:cpr"}) == [("required", "Patient.identifier[0]")]
    assert found(own) == [("required", "Patient")]
    assert found(cpr, cpr) == [("structure", "Patient.identifier[1]")]
    assert found(cpr, own, own) == [("structure", "Patient.identifier[2]")]


def test_an_element_that_is_like_another_has_what_that_has() -> None:
    """Observation.component.referenceRange refers to Observation.referenceRange."""
    ranged = thin("p", "Observation", said("Observation.component.referenceRange.text", min=1))
    component = {"code": {"text": "a"}, "referenceRange": [{"low": {"value": 1}}]}
    place = "Observation.component[0].referenceRange[0]"
    assert broken({**OBSERVATION, "component": [component]}, ranged) == [("required", place)]
    assert broken({**OBSERVATION, "referenceRange": [{"low": {"value": 1}}]}, ranged) == []


def test_the_profile_of_a_type_tells_what_is_within() -> None:
    number = thin("number", "Identifier", said("Identifier.system", min=1, fixedUri="urn:n"))
    typed = [{"code": "Identifier", "profile": [BASE + "number"]}]
    person = thin("p", "Patient", said("Patient.identifier", type=typed), said("Patient.identifier.value", min=1))
    known = (person, number)
    assert broken({**PERSON, "identifier": [{"system": "urn:n", "value": "1"}]}, *known) == []
    assert ("required", "Patient.identifier[0]") in broken({**PERSON, "identifier": [{"system": "urn:n"}]}, *known)
    wrong = {**PERSON, "identifier": [{"system": "urn:x", "value": "1"}]}
    assert ("value", "Patient.identifier[0].system") in broken(wrong, *known)


def test_an_extension_with_a_differential_is_held_to_it() -> None:
    context = [{"type": "element", "expression": "Patient"}]
    extension = thin(
        "ext", "Extension", said("Extension.extension", max="0"), said("Extension.url", fixedUri=BASE + "ext"),
        said("Extension.value[x]", min=1, type=[{"code": "Coding"}]), said("Extension.value[x].system", min=1),
        context=context, kind="complex-type",
    )  # fmt: skip
    slicing = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
    person = thin(
        "p", "Patient", said("Patient.extension", slicing=slicing, min=1),
        said("Patient.extension:ext", min=1, max="1", type=[{"code": "Extension", "profile": [BASE + "ext"]}]),
    )  # fmt: skip

    def found(**value: Any) -> set[str]:
        resource = {**PERSON, "extension": [{"url": BASE + "ext", **value}]}
        return {place for _, place in broken(resource, person, extension)}

    assert found(valueCoding={"system": "urn:s", "code": "a"}) == set()
    assert found(valueCoding={"code": "a"}) == {"Patient.extension[0].valueCoding"}
    assert found(valueString="a") == {"Patient.extension[0].valueString"}
    assert {place for _, place in broken(PERSON, person, extension)} == {"Patient"}


@pytest.mark.parametrize("path", ["Observation.value[x]:valueQuantity", "Observation.valueQuantity"])
def test_a_choice_is_narrowed_by_the_slice_of_one_of_its_types(path: str) -> None:
    """Written in full, or short."""
    element = {**said(path), "min": 1}
    measured = thin("p", "Observation", element, said(f"{path}.unit", min=1))
    assert broken({**OBSERVATION, "valueQuantity": {"value": 1, "unit": "g"}}, measured) == []
    quantity = {**OBSERVATION, "valueQuantity": {"value": 1}}
    assert broken(quantity, measured) == [("required", "Observation.valueQuantity")]
    assert ("structure", "Observation.valueString") in broken({**OBSERVATION, "valueString": "x"}, measured)


def test_ids_are_not_needed_where_the_order_tells_the_slices() -> None:
    sliced = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    elements = [
        said("Patient.identifier", slicing=sliced), said("Patient.identifier:a"),
        said("Patient.identifier:a.system", min=1, fixedUri="urn:a"), said("Patient.identifier:a.value", min=1),
        said("Patient.birthDate", min=1),
    ]  # fmt: skip
    bare = [{name: value for name, value in one.items() if name != "id"} for one in elements]
    person = {**PERSON, "identifier": [{"system": "urn:a"}, {"system": "urn:b"}]}
    for some in (elements, bare):
        assert broken(person, thin("p", "Patient", *some)) == [
            ("required", "Patient.identifier[0]"), ("required", "Patient"),
        ]  # fmt: skip


def test_rules_and_bindings_add_up() -> None:
    known = (value_set("kinds", {"include": [{"system": "urn:k"}]}), code_system("k", {"code": "a"}))
    rule = {"key": "low", "severity": "error", "expression": "code.exists()", "human": "x"}
    lower = thin(
        "lower", "Patient", said("Patient.maritalStatus", constraint=[{**rule, "expression": "text.exists()"}]),
        said("Patient.gender", constraint=[{**rule, "key": "g", "expression": "$this = 'male'"}]),
    )  # fmt: skip
    more = {"constraint": [{**rule, "key": "high", "expression": "coding.exists()"}]}
    binding = {"strength": "required", "valueSet": VALUES + "kinds"}
    upper = thin("upper", "Patient", said("Patient.maritalStatus", binding=binding, **more), base="lower")
    found = Profiles((upper, lower, *known)).validate({**PERSON, "maritalStatus": {}, "gender": "female"}, [upper.url])
    assert {one.rule for one in errors(found)} >= {"low", "high", "g", "Patient.maritalStatus"}


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ([thin("p", "Patient", base="urn:nowhere")], "not installed here (urn:nowhere)"),
        ([thin("p", "Patient", base="q"), thin("q", "Patient", base="p")], "stands on itself"),
        ([thin("p", "Patient", said("Patient.shoeSize", min=1))], "names Patient.shoeSize, which its base does not have"),
        ([thin("p", "Observation", said("Observation.value[x].unit", min=1))], "before it says which type"),
        ([thin("p", "Patient", said("Patient.active.nothing", min=1))], "nothing is known here"),
        ([thin("p", "Patient", {"path": 7})], "cannot be understood"),
        ([thin("p", "Patient", said("Patient" + ".contained" * 60))], "cannot be understood"),
        ([thin("p", "Patient", *[said(f"Patient.identifier:s{n}.type.coding.display") for n in range(3000)])],
         "more than 20000 elements"),
    ],
)  # fmt: skip
def test_a_differential_that_cannot_be_laid_over_its_base_is_told_and_checks_nothing(
    known: list[Known], why: str
) -> None:
    profiles = Profiles(known)
    assert why in profiles.library.problem(known[0].url)
    assert [one.severity for one in profiles.validate(PERSON, [known[0].url]) if one.rule == "meta.profile"] == [
        "error"
    ]


def test_elements_that_are_like_each_other_without_end_are_refused() -> None:
    """A published snapshot may be anything."""
    element = {"path": "Patient.contact", "min": 0, "max": "*", "contentReference": "#Patient.contact"}
    content = {
        "resourceType": "StructureDefinition", "url": BASE + "odd", "version": "1", "type": "Patient",
        "snapshot": {"element": [{"path": "Patient", "min": 0, "max": "*"}, element]},
    }  # fmt: skip
    odd = Known("StructureDefinition", BASE + "odd", "1", "example.test", orjson.dumps(content))
    upper = thin("upper", "Patient", said("Patient.contact.name", min=1), base="odd")
    assert "like each other" in Profiles([upper, odd]).library.problem(upper.url)
