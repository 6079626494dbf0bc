"""Slices, told apart in each way that FHIR knows, and what each way of slicing allows besides them."""

import pytest

from tests.support.shapes import BASE, VALUES, Held, code_system, element, profile, sliced, value_set

CPR, SOR = "urn:oid:1.2.208.176.1.2", "urn:oid:1.2.208.176.1.1"


def patient(*systems, **more):
    return {"resourceType": "Patient", "identifier": [{"system": one, "value": "1"} for one in systems], **more}


def identifiers(*slices, **slicing):
    return Held(
        profile("p", "Patient", sliced("Patient.identifier", "Identifier", ("value", "system"), **slicing), *slices)
    )


def named(name, system, **counts):
    return [
        element("Patient.identifier", name, kind="Identifier", **counts),
        element("Patient.identifier.system", kind="uri", fixedUri=system, min=1, max="1"),
    ]


# --- discriminators ---------------------------------------------------------------------------------------------------


def test_by_value():
    held = identifiers(*named("cpr", CPR, min=1, max="1"))
    assert held.errors(patient(CPR, SOR)) == []
    assert held.errors(patient(SOR)) == [("required", "Patient")]
    assert held.errors(patient(CPR, SOR, CPR)) == [("structure", "Patient.identifier[2]")]


def test_by_pattern_of_a_code():
    rule = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}
    held = Held(
        profile(
            "p",
            "Observation",
            sliced("Observation.component", "BackboneElement", ("pattern", "code")),
            element("Observation.component", "systolic", kind="BackboneElement", min=1, max="1"),
            element("Observation.component.code", kind="CodeableConcept", patternCodeableConcept=rule, min=1, max="1"),
            element("Observation.component.value[x]", kind="Quantity", min=1, max="1"),
        )
    )
    systolic = {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "x"}]}}
    other = {"code": {"text": "x"}, "valueString": "x"}
    right = {**systolic, "valueQuantity": {"value": 120}}
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "BP"}}
    assert held.errors({**observation, "component": [other, right]}) == []
    assert held.errors({**observation, "component": [other]}) == [("required", "Observation")]
    assert held.errors({**observation, "component": [other, systolic]}) == [("required", "Observation.component[1]")]
    assert held.errors({**observation, "component": [{**systolic, "valueString": "high"}]}) == [
        ("structure", "Observation.component[0].valueString")
    ]


def test_by_value_through_the_profile_of_the_type():
    cpr = profile(
        "cpr", "Identifier", element("Identifier.system", kind="uri", fixedUri=CPR, min=1, max="1"),
        element("Identifier.value", kind="string", min=1, max="1", maxLength=10),
    )  # fmt: skip
    held = Held(
        profile(
            "p",
            "Patient",
            sliced("Patient.identifier", "Identifier", ("value", "system")),
            element("Patient.identifier", "cpr", kind="Identifier", about={"profile": [BASE + "cpr"]}, min=1, max="1"),
        ),
        cpr,
    )
    assert held.errors(patient(SOR, CPR)) == []
    assert held.errors(patient(SOR)) == [("required", "Patient")]
    long = {"resourceType": "Patient", "identifier": [{"system": CPR, "value": "01010112345"}]}
    assert held.errors(long) == [("too-long", "Patient.identifier[0].value")]


def test_by_a_bound_code():
    held = Held(
        profile(
            "p",
            "Patient",
            sliced("Patient.telecom", "ContactPoint", ("value", "system")),
            element("Patient.telecom", "voice", kind="ContactPoint", min=1),
            element(
                "Patient.telecom.system", kind="code", min=1, max="1",
                binding={"strength": "required", "valueSet": VALUES + "voice"},
            ),
        ),
        value_set("voice", {"include": [{"system": "http://hl7.org/fhir/contact-point-system", "concept": [{"code": "phone"}]}]}),
    )  # fmt: skip
    assert held.errors({"resourceType": "Patient", "telecom": [{"system": "email"}, {"system": "phone"}]}) == []
    assert held.errors({"resourceType": "Patient", "telecom": [{"system": "email"}]}) == [("required", "Patient")]


def test_by_existence():
    held = Held(
        profile(
            "p",
            "Patient",
            sliced("Patient.name", "HumanName", ("exists", "period"), rules="closed"),
            element("Patient.name", "former", kind="HumanName", max="1"),
            element("Patient.name.period", kind="Period", min=1, max="1"),
            element("Patient.name", "present", kind="HumanName", min=1, max="1"),
            element("Patient.name.period", kind="Period", max="0"),
        )
    )
    present, former = {"family": "A"}, {"family": "B", "period": {"end": "2020"}}
    assert held.errors({"resourceType": "Patient", "name": [present, former]}) == []
    assert held.errors({"resourceType": "Patient", "name": [former]}) == [("required", "Patient")]
    assert held.errors({"resourceType": "Patient", "name": [present, present]}) == [("structure", "Patient.name[1]")]


def test_by_type_of_a_choice():
    held = Held(
        profile(
            "p",
            "Observation",
            sliced("Observation.value[x]", "Quantity", ("type", "$this"), max="1"),
            element("Observation.value[x]", "valueQuantity", kind="Quantity", max="1"),
            element("Observation.value[x].code", kind="code", min=1, max="1"),
        )
    )
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert held.errors({**observation, "valueQuantity": {"value": 1, "code": "mg"}}) == []
    assert held.errors({**observation, "valueQuantity": {"value": 1}}) == [("required", "Observation.valueQuantity")]
    assert held.errors({**observation, "valueString": "x"}) == [("structure", "Observation.valueString")]


def test_by_type_of_an_entry():
    held = Held(
        profile(
            "p",
            "Bundle",
            sliced("Bundle.entry", "BackboneElement", ("type", "resource"), rules="closed"),
            element("Bundle.entry", "patient", kind="BackboneElement", min=1, max="1"),
            element("Bundle.entry.resource", kind="Patient", min=1, max="1"),
        )
    )
    bundle = {"resourceType": "Bundle", "type": "collection"}
    one, other = {"resource": patient()}, {"resource": {"resourceType": "Device"}}
    assert held.errors({**bundle, "entry": [one]}) == []
    assert held.errors({**bundle, "entry": [one, other]}) == [("structure", "Bundle.entry[1]")]


def performers(*discriminator, about):
    return Held(
        profile(
            "p",
            "Observation",
            sliced("Observation.performer", "Reference", discriminator, rules="closed"),
            element("Observation.performer", "doctor", kind="Reference", about=about, min=1),
        ),
        profile("doctor", "Practitioner", element("Practitioner.name", kind="HumanName", min=1)),
    )


def observed_by(*practitioners):
    performer = [{"reference": f"#{n}"} for n in range(len(practitioners))]
    contained = [{**one, "id": str(n)} for n, one in enumerate(practitioners)]
    code = {"text": "x"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "performer": performer,
        "contained": contained,
    }


def test_by_type_of_what_a_reference_leads_to():
    held = performers("type", "resolve()", about={"targetProfile": [BASE + "doctor"]})
    assert held.errors(observed_by({"resourceType": "Practitioner", "name": [{"text": "A"}]})) == []
    assert ("structure", "Observation.performer[0]") in held.errors(observed_by({"resourceType": "Patient"}))


def test_by_profile_of_what_a_reference_leads_to():
    held = performers("profile", "resolve()", about={"targetProfile": [BASE + "doctor"]})
    named_one, nameless = {"resourceType": "Practitioner", "name": [{"text": "A"}]}, {"resourceType": "Practitioner"}
    assert held.errors(observed_by(named_one)) == []
    assert held.errors(observed_by(named_one, nameless)) == [("structure", "Observation.performer[1]")]


def test_by_profile_of_an_entry():
    held = Held(
        profile(
            "p",
            "Bundle",
            sliced("Bundle.entry", "BackboneElement", ("profile", "resource")),
            element("Bundle.entry", "named", kind="BackboneElement", min=1),
            element("Bundle.entry.resource", kind="Patient", about={"profile": [BASE + "named"]}, min=1, max="1"),
        ),
        profile("named", "Patient", element("Patient.name", kind="HumanName", min=1)),
    )
    bundle = {"resourceType": "Bundle", "type": "collection"}
    assert held.errors({**bundle, "entry": [{"resource": patient(name=[{"text": "A"}])}]}) == []
    assert held.errors({**bundle, "entry": [{"resource": patient()}]}) == [("required", "Bundle")]


def test_by_the_value_of_an_extension():
    url = BASE + "use"
    held = Held(
        profile(
            "p",
            "MessageHeader",
            sliced("MessageHeader.destination", "BackboneElement", ("value", f"extension('{url}').value.code")),
            element("MessageHeader.destination", "primary", kind="BackboneElement", min=1, max="1"),
            sliced("MessageHeader.destination.extension", "Extension", ("value", "url")),
            element("MessageHeader.destination.extension", "use", kind="Extension", about={"profile": [url]}, min=1),
            element("MessageHeader.destination.extension.url", kind="uri", fixedUri=url),
            element("MessageHeader.destination.extension.value[x]", kind="Coding"),
            element("MessageHeader.destination.extension.value[x].code", kind="code", fixedCode="primary"),
        )
    )

    def message(*codes):
        some = [{"endpoint": "urn:x", "extension": [{"url": url, "valueCoding": {"code": one}}]} for one in codes]
        return {
            "resourceType": "MessageHeader", "eventUri": "urn:x", "source": {"endpoint": "urn:y"}, "destination": some,
        }  # fmt: skip

    assert held.errors(message("cc", "primary")) == []
    assert held.errors(message("cc")) == [("required", "MessageHeader")]
    assert held.errors(message("primary", "primary")) == [("structure", "MessageHeader.destination[1]")]


def test_without_discriminators_by_their_rules():
    held = Held(
        profile(
            "p",
            "Patient",
            sliced("Patient.name", "HumanName", min=1),
            element("Patient.name", "whole", kind="HumanName", min=1, max="1"),
            element("Patient.name.family", kind="string", min=1, max="1"),
        )
    )
    assert held.errors({"resourceType": "Patient", "name": [{"text": "A"}, {"family": "B"}]}) == []
    assert held.errors({"resourceType": "Patient", "name": [{"text": "A"}]}) == [("required", "Patient")]


def test_a_slice_that_cannot_be_told_apart_is_reported_and_not_guessed():
    held = Held(
        profile(
            "p",
            "Patient",
            sliced("Patient.identifier", "Identifier", ("value", "system")),
            element("Patient.identifier", "x", kind="Identifier", about={"profile": [BASE + "absent"]}, min=1),
        )
    )
    assert held.errors(patient(CPR)) == []
    assert "Patient" in held.unchecked(patient(CPR))


# --- rules ------------------------------------------------------------------------------------------------------------


def test_a_closed_list_holds_nothing_else():
    held = identifiers(*named("cpr", CPR), rules="closed")
    assert held.errors(patient(CPR)) == []
    assert held.errors(patient(CPR, SOR)) == [("structure", "Patient.identifier[1]")]


def test_an_open_list_holds_anything_else_anywhere():
    assert identifiers(*named("cpr", CPR)).errors(patient(SOR, CPR, SOR)) == []


def test_a_list_that_is_open_at_its_end_holds_others_there_only():
    held = identifiers(*named("cpr", CPR), rules="openAtEnd")
    assert held.errors(patient(CPR, SOR)) == []
    assert held.errors(patient(SOR, CPR)) == [("structure", "Patient.identifier[1]")]


def test_ordered_slices_keep_their_order():
    held = identifiers(*named("cpr", CPR), *named("sor", SOR), ordered=True)
    assert held.errors(patient(CPR, SOR)) == []
    assert held.errors(patient(SOR, CPR)) == [("structure", "Patient.identifier[1]")]
    assert identifiers(*named("cpr", CPR), *named("sor", SOR)).errors(patient(SOR, CPR)) == []


def test_what_no_slice_takes_is_held_to_the_default():
    held = identifiers(
        *named("cpr", CPR),
        element("Patient.identifier", "@default", kind="Identifier"),
        element("Patient.identifier.type", kind="CodeableConcept", min=1, max="1"),
        rules="closed",
    )
    assert held.errors(patient(CPR)) == []
    assert held.errors(patient(CPR, SOR)) == [("required", "Patient.identifier[1]")]


def test_a_slice_may_be_sliced_again():
    held = Held(
        profile(
            "p",
            "Patient",
            sliced("Patient.identifier", "Identifier", ("value", "system")),
            {**sliced("Patient.identifier", "Identifier", ("value", "use"), rules="closed"), "sliceName": "cpr"},
            element("Patient.identifier.system", kind="uri", fixedUri=CPR, min=1, max="1"),
            element("Patient.identifier", "cpr/now", kind="Identifier", min=1, max="1"),
            element("Patient.identifier.use", kind="code", fixedCode="official", min=1, max="1"),
            element("Patient.identifier", "cpr/then", kind="Identifier"),
            element("Patient.identifier.use", kind="code", fixedCode="old", min=1, max="1"),
        )
    )

    def person(*uses):
        some = [{"system": CPR, "value": "1", **({"use": use} if use else {})} for use in uses]
        return {"resourceType": "Patient", "identifier": [*some, {"system": SOR, "value": "1"}]}

    assert held.errors(person("official", "old", "old")) == []
    assert held.errors(person("old")) == [("required", "Patient")]
    assert held.errors(person("official", "official")) == [("structure", "Patient.identifier[1]")]
    assert held.errors(person("official", "")) == [("structure", "Patient.identifier[1]")]


@pytest.mark.parametrize("strength", ["required", "extensible"])
def test_rules_of_a_slice_hold_for_its_items_only(strength):
    system = "http://example.org/fhir/CodeSystem/kinds"
    held = Held(
        profile(
            "p",
            "Patient",
            sliced("Patient.identifier", "Identifier", ("value", "system")),
            element("Patient.identifier", "cpr", kind="Identifier"),
            element("Patient.identifier.system", kind="uri", fixedUri=CPR, min=1, max="1"),
            element(
                "Patient.identifier.type", kind="CodeableConcept",
                binding={"strength": strength, "valueSet": VALUES + "kinds"},
            ),
        ),
        value_set("kinds", {"include": [{"system": system}]}),
        code_system("kinds", {"code": "a"}),
    )  # fmt: skip
    odd = {"coding": [{"system": system, "code": "b"}]}
    wrong = {"resourceType": "Patient", "identifier": [{"system": SOR, "type": odd}, {"system": CPR, "type": odd}]}
    (found,) = [one for one in held.findings(wrong) if one.code == "code-invalid"]
    assert (found.severity, found.expression) == (
        {"required": "error", "extensible": "warning"}[strength],
        "Patient.identifier[1].type",
    )
