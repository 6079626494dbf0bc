"""A SearchParameter that cannot be searched by is refused, and the place is named."""

from typing import Any

import pytest

from helhed.fhir.search_parameters import read_definition
from helhed.foundation.errors import InvalidResource

GOOD: dict[str, Any] = {
    "resourceType": "SearchParameter", "url": "http://example.org/SearchParameter/said", "name": "Said", "status": "active",
    "description": "Words", "code": "said", "base": ["Observation"], "type": "string",
    "expression": "Observation.value.ofType(string)",
}  # fmt: skip


def refused(**changed: Any) -> tuple[str, str]:
    """The place and the sentence."""
    with pytest.raises(InvalidResource) as caught:
        read_definition({name: value for name, value in {**GOOD, **changed}.items() if value is not None})
    issue = caught.value.issues[0]
    return issue.expression, issue.diagnostics


def test_a_good_one_is_read():
    found = read_definition(GOOD)
    assert (found.code, found.kind, found.bases) == ("said", "string", ("Observation",))


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("token", "Observation.code | Observation.component.code"),
        ("token", "(Observation.value as CodeableConcept)"),
        ("token", "Observation.component.where(code.coding.exists(code = 'x')).value.ofType(CodeableConcept)"),
        ("token", "Observation.extension('http://example.org/x').value"),
        ("token", "Observation.component.exists()"),
        ("reference", "Observation.performer.where(resolve() is Practitioner)"),
        ("reference", "Observation.performer.first()"),
        ("date", "Observation.value.ofType(Period).start"),
        ("number", "Observation.component.count()"),
        ("quantity", "Observation.component.value.ofType(Quantity)"),
        ("string", "iif(Observation.note.exists(), Observation.note.text, 'none')"),
        ("uri", "Observation.meta.profile"),
        ("string", "Observation.component[0].code.text"),
        ("string", "Patient.name.family | Observation.code.text"),
        ("string", "Observation.note.select(text).lower()"),
    ],
)
def test_what_an_expression_may_be(kind, expression):
    assert read_definition({**GOOD, "type": kind, "expression": expression}).expression == expression


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("Observation.mood", "Observation has no element that is called mood"),
        ("Observation.code.codding.code", "CodeableConcept has no element that is called codding"),
        ("Observation.value.ofType(Ratio).ofType(Period)", "Ratio is never Period"),
        ("Observation.value.ofType(Sentence)", "Nothing is called Sentence"),
        ("Observation.descendants()", "descendants() has no place"),
        ("Observation.component.repeat(code)", "cost too much"),
        ("Observation.issued < now()", "changes while the resource does not"),
        ("Observation.value.ofType(string).matches('(a+)+b')", "patterns"),
        ("Observation.subject.resolve().name", "no other resource is read"),
        ("Observation.subject.resolve().exists()", "no other resource is read"),
        ("Observation.code.memberOf('http://example.org/vs')", "more than the resource"),
        ("Observation.component.where(%resource.component.exists())", "read the whole resource again"),
        ("Observation.value.ofType(string", "expression"),
        ("Observation.nothing(", "expression"),
        ("Observation.value.ofType(string).frobnicate()", "not known here"),
        (" | ".join([f"({' | '.join(['Observation.id'] * 40)})"] * 5), "cost too much"),
        ("Observation.code.text" + " " * 5000, "longer than 5000"),
        ("Observation.subject", "gives Reference, which a string parameter does not read"),
        ("Patient.name", "says nothing of Observation"),
    ],
)
def test_an_expression_that_is_wrong_or_costs_too_much_is_refused_where_it_stands(expression, why):
    place, sentence = refused(expression=expression)
    assert place == "SearchParameter.expression"
    assert why in sentence


@pytest.mark.parametrize(
    ("changed", "place", "why"),
    [
        ({"type": "composite"}, "type", "its parts"),
        ({"type": "special"}, "type", "special"),
        ({"type": "colour"}, "type", ""),
        ({"base": ["Observation", "AuditEvent"]}, "base[1]", "no rows"),
        ({"base": ["Observation", "Weather"]}, "base[1]", ""),
        ({"status": "retired"}, "status", "active"),
        ({"code": "_said"}, "code", "letter"),
        ({"code": "date"}, "code", "of FHIR R4's own"),
        ({"expression": None}, "expression", "FHIRPath"),
        ({"xpathUsage": "phonetic"}, "xpathUsage", "normal"),
        ({"url": "http://example.org/" + "x" * 500}, "url", "longer"),
        ({"base": ["Resource"], "code": "date", "expression": "Resource.id"}, "code", "of FHIR R4's own"),
    ],
)
def test_what_cannot_be_searched_by_is_refused_at_its_place(changed, place, why):
    found, sentence = refused(**changed)
    assert found == f"SearchParameter.{place}"
    assert why in sentence


def test_something_else_is_no_search_parameter():
    with pytest.raises(InvalidResource, match="no SearchParameter"):
        read_definition({"resourceType": "Patient"})
