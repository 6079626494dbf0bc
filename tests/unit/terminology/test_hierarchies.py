"""Hierarchies and filters, compared with a naive reading of generated code systems."""

from typing import Any

from hypothesis import HealthCheck, given as such_that, settings, strategies as st

from helhed.fhir.terminology.hierarchy import closure
from helhed.fhir.terminology.model import CodeSystem, Concept, Property
from tests.unit.terminology.conftest import Put

URL = "urn:test:generated"


@st.composite
def hierarchies(draw: Any) -> list[Concept]:
    """Up to twelve concepts with any parents: several, missing ones, themselves, circles."""
    size = draw(st.integers(1, 12))
    codes = [f"c{number}" for number in range(size)]
    parents = st.lists(st.sampled_from([*codes, "gone"]), max_size=3, unique=True)
    return [
        Concept(
            code, draw(st.sampled_from(["Alpha", "Beta", "alphabet", "%", "_"])), parents=draw(parents),
            properties=[Property("colour", "code", draw(st.sampled_from(["red", "green"])))] if draw(st.booleans()) else [],
            active=draw(st.booleans()),
        )
        for code in codes
    ]  # fmt: skip


def above(concepts: list[Concept], parents: list[list[int]], code: str) -> set[str]:
    """All above a code, walked step by step."""
    place = {concept.code: number for number, concept in enumerate(concepts)}
    found: set[str] = set()
    waiting = [place[code]]
    while waiting:
        for parent in parents[waiting.pop()]:
            if concepts[parent].code not in found:
                found.add(concepts[parent].code)
                waiting.append(parent)
    return found


@such_that(hierarchies())
def test_the_closure_is_what_walking_up_finds_and_never_holds_a_circle(concepts: list[Concept]) -> None:
    parents, ancestors, dropped = closure(concepts)
    for number, concept in enumerate(concepts):
        walked = above(concepts, parents, concept.code)
        assert {concepts[one].code for one in ancestors[number]} == walked
        assert concept.code not in walked
        kept = {concepts[one].code for one in parents[number]}
        assert kept | {parent for code, parent in dropped if code == concept.code} == set(concept.parents)


@such_that(hierarchies())
def test_a_hierarchy_without_circles_loses_nothing_but_what_is_missing(concepts: list[Concept]) -> None:
    codes = [concept.code for concept in concepts]
    for number, concept in enumerate(concepts):
        concept.parents = [one for one in concept.parents if one == "gone" or codes.index(one) > number]
    _, _, dropped = closure(concepts)
    assert {parent for _, parent in dropped} <= {"gone"}


def chosen(concepts: list[Concept], parents: list[list[int]], rule: dict[str, str]) -> set[str]:
    """What a filter chooses, the slow way."""
    name, op, value = rule["property"], rule["op"], rule["value"]
    upward = {concept.code: above(concepts, parents, concept.code) for concept in concepts}
    here = value in upward

    def fits(number: int, concept: Concept) -> bool:
        own = {one.code: one.value for one in concept.properties}
        if op == "is-a":
            return concept.code == value or value in upward[concept.code]
        if op == "descendent-of":
            return value in upward[concept.code]
        if op == "is-not-a":
            return concept.code != value and value not in upward[concept.code]
        if op == "generalizes":
            return here and (concept.code == value or concept.code in upward[value])
        if name == "parent":
            return value in {concepts[one].code for one in parents[number]}
        if name == "child":
            return any(number in parents[other] for other, one in enumerate(concepts) if one.code == value)
        if name == "inactive":
            return concept.active is (value == "false")
        text = {"display": concept.display, "code": concept.code}.get(name, own.get(name))
        if op == "exists":
            return (text is not None) is (value == "true")
        if op == "not-in":
            return text not in value.split(",")
        if op == "regex":
            return text is not None and text.lower().startswith("a") and text[:1] == "a"
        return text in value.split(",")

    return {concept.code for number, concept in enumerate(concepts) if fits(number, concept)}


RULES: list[dict[str, str]] = [
    *({"property": "concept", "op": op, "value": value} for op in ("is-a", "descendent-of", "is-not-a", "generalizes") for value in ("c0", "c5", "none")),
    {"property": "parent", "op": "=", "value": "c1"}, {"property": "child", "op": "=", "value": "c1"},
    {"property": "colour", "op": "=", "value": "red"}, {"property": "colour", "op": "in", "value": "red,blue"},
    {"property": "colour", "op": "not-in", "value": "red,blue"}, {"property": "colour", "op": "exists", "value": "true"},
    {"property": "colour", "op": "exists", "value": "false"}, {"property": "display", "op": "regex", "value": "a.*"},
    {"property": "code", "op": "in", "value": "c1,c2,c3"}, {"property": "inactive", "op": "=", "value": "true"},
]  # fmt: skip


async def test_every_filter_chooses_what_the_slow_way_chooses(put: Put, terminology: Any) -> None:
    """Many generated systems at once, so that one database serves them all."""
    listed: list[list[Concept]] = []

    @such_that(hierarchies())
    @settings(max_examples=25, database=None, suppress_health_check=[HealthCheck.too_slow])
    def gather(concepts: list[Concept]) -> None:
        listed.append(concepts)

    gather()
    stored: list[CodeSystem | dict[str, Any]] = []
    for number, concepts in enumerate(listed):
        stored.append(CodeSystem(f"{URL}:{number}", "1", concepts))
        for place, rule in enumerate(RULES):
            include = {"system": f"{URL}:{number}", "filter": [rule]}
            stored.append(
                {"resourceType": "ValueSet", "url": f"{URL}:{number}:{place}", "compose": {"include": [include]}}
            )
    await put(*stored)
    for number, concepts in enumerate(listed):
        parents = closure(concepts)[0]
        for place, rule in enumerate(RULES):
            found = await terminology.codes_in(f"{URL}:{number}:{place}")
            assert {code for _, code in found} == chosen(concepts, parents, rule), (rule, concepts)
