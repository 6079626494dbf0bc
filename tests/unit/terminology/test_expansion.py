"""Value sets: what they hold, page by page, and what is refused quickly."""

from typing import Any

import pytest

from helhed.fhir.terminology import BadValueSet, Terminology, UnknownTerminology, given
from helhed.fhir.terminology.model import CodeSystem, Concept, Designation
from helhed.fhir.terminology.patterns import checked_pattern
from helhed.foundation.errors import TooCostly
from tests.unit.terminology.conftest import Put
from tests.unit.terminology.test_core import AT, value

CS = "urn:test:animals"
ANIMALS = CodeSystem(
    CS, "1",
    [
        Concept("animal", "Animal", abstract=True, designations=[Designation("da", "", "Dyr")]),
        Concept("dog", "Dog", "Barks", ["animal"], [Designation("da", "synonym", "Vovse"), Designation("da", "display", "Hund")]),
        Concept("cat", "Cat", "Purrs", ["animal"]),
        Concept("dodo", "Dodo", "", ["animal"], active=False),
    ],
    language="en",
)  # fmt: skip


def value_set(include: Any, exclude: Any = None, url: str = "urn:test:vs") -> dict[str, Any]:
    compose = {"include": include} | ({"exclude": exclude} if exclude else {})
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose}


async def codes(terminology: Terminology, value_set: dict[str, Any], **more: Any) -> list[str]:
    found = await terminology.expand(given(valueSet=value_set, **more), AT)
    return [one["code"] for one in found["expansion"].get("contains", [])]


async def test_parts_are_united_narrowed_by_other_sets_and_thinned_by_exclusion(
    put: Put, terminology: Terminology
) -> None:
    pets = value_set(
        [{"system": CS, "concept": [{"code": "dog"}, {"code": "cat"}, {"code": "dragon"}]}], url="urn:test:pets"
    )
    await put(ANIMALS, pets)
    everything = [{"system": CS}]
    assert await codes(terminology, value_set(everything)) == ["animal", "dog", "cat", "dodo"]
    assert await codes(terminology, value_set([{"valueSet": ["urn:test:pets"]}])) == ["dog", "cat"]
    assert await codes(terminology, value_set([{"system": CS, "valueSet": ["urn:test:pets"]}])) == ["dog", "cat"]
    assert await codes(terminology, value_set(everything, [{"valueSet": ["urn:test:pets"]}])) == ["animal", "dodo"]
    assert await codes(terminology, value_set(everything, [{"system": CS}])) == []
    assert await codes(terminology, value_set(everything), activeOnly=True, excludeNotForUI=True) == ["dog", "cat"]


async def test_texts_are_found_and_told_in_danish(put: Put, terminology: Terminology) -> None:
    await put(ANIMALS)
    found = await terminology.expand(
        given(valueSet=value_set([{"system": CS}]), filter="HUN", displayLanguage="da"), AT
    )
    assert [(one["code"], one["display"]) for one in found["expansion"]["contains"]] == [("dog", "Hund")]
    assert await codes(terminology, value_set([{"system": CS}]), filter="%") == []
    more = await terminology.expand(
        given(valueSet=value_set([{"system": CS}]), includeDesignations=True, includeDefinition=True), AT
    )
    assert [len(one.get("designation", ())) for one in more["expansion"]["contains"]] == [1, 2, 0, 0]


async def test_a_tree_is_told_when_it_is_wished(put: Put, terminology: Terminology) -> None:
    await put(ANIMALS)
    found = await terminology.expand(given(valueSet=value_set([{"system": CS}]), excludeNested=False), AT)
    (root,) = found["expansion"]["contains"]
    assert (root["code"], root["abstract"], [one["code"] for one in root["contains"]]) == (
        "animal",
        True,
        ["dog", "cat", "dodo"],
    )


async def test_pages_are_stable_and_cover_everything_once(put: Put, terminology: Terminology) -> None:
    await put(CodeSystem(CS, "1", [Concept(f"n{number * 7919 % 1000:03}", "x") for number in range(1000)]))
    whole = value_set([{"system": CS}], [{"system": CS, "concept": [{"code": "n000"}]}])
    pages = [code for offset in range(0, 1050, 70) for code in await codes(terminology, whole, offset=offset, count=70)]
    assert pages == await codes(terminology, whole)
    assert len(set(pages)) == 999
    only_counted = await terminology.expand(given(valueSet=whole, count=0), AT)
    assert (only_counted["expansion"]["total"], "contains" in only_counted["expansion"]) == (999, False)


async def test_too_much_at_once_is_refused_and_given_in_pages(put: Put, terminology: Terminology) -> None:
    await put(CodeSystem(CS, "1", [Concept(f"n{number}", "x") for number in range(6000)]))
    with pytest.raises(TooCostly, match="offset and count"):
        await codes(terminology, value_set([{"system": CS}]))
    assert len(await codes(terminology, value_set([{"system": CS}]), count=10)) == 10


async def test_circles_and_what_is_not_held_are_refused(put: Put, terminology: Terminology) -> None:
    await put(
        value_set([{"valueSet": ["urn:test:b"]}], url="urn:test:a"),
        value_set([{"valueSet": ["urn:test:a"]}], url="urn:test:b"),
    )
    with pytest.raises(BadValueSet, match="imports itself"):
        await terminology.expand(given(url="urn:test:a"), AT)
    with pytest.raises(UnknownTerminology):
        await codes(terminology, value_set([{"system": "urn:test:nowhere"}]))
    assert await terminology.codes_in("urn:test:a") is None
    listed = value_set([{"system": "urn:test:nowhere", "concept": [{"code": "a", "display": "A"}]}])
    assert await codes(terminology, listed) == ["a"]
    told = await terminology.validate_in_value_set(given(valueSet=listed, system="urn:test:nowhere", code="a"))
    assert "not held here" in value(told, "message")


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a*)*", "((a|b)*c)*", "(a{2}){2}", r"(a)\1", "(?=a)", "a{999}", "x" * 500, "[[:alpha:]]", "(", "a{1,9999}", "***:a", r"\b"],
)  # fmt: skip
async def test_a_hostile_pattern_is_refused(put: Put, terminology: Terminology, pattern: str) -> None:
    await put(ANIMALS)
    rule = {"property": "display", "op": "regex", "value": pattern}
    with pytest.raises(BadValueSet):
        await codes(terminology, value_set([{"system": CS, "filter": [rule]}]))


@pytest.mark.parametrize("pattern", ["[A-Z]\\d{2}(\\.\\d)?", "(dog|cat)", "D[^o]*.*", "a{2,3}b+", "[]a]+", "(ab)+"])
def test_a_plain_pattern_is_taken(pattern: str) -> None:
    assert checked_pattern(pattern) == f"^(?:{pattern})$"


async def test_answers_kept_for_other_rooms_follow_what_is_imported(put: Put, terminology: Terminology) -> None:
    vs = value_set([{"system": CS, "filter": [{"property": "concept", "op": "is-a", "value": "animal"}]}])
    await put(ANIMALS, vs)
    assert await terminology.is_in("urn:test:vs", CS, "cow") is False
    await put(CodeSystem(CS, "2", [*ANIMALS.concepts, Concept("cow", "Cow", "", ["animal"])]))
    assert await terminology.is_in("urn:test:vs", CS, "cow") is True
    assert (CS, "cow") in (await terminology.codes_in("urn:test:vs") or ())


async def test_a_name_the_code_has_not_is_told(put: Put, terminology: Terminology) -> None:
    await put(ANIMALS)
    told = await terminology.validate_code(given(url=CS, code="dog", display="Cat"))
    assert (value(told, "result"), value(told, "message")) == (False, "dog is called Dog, not Cat.")
    assert value(await terminology.validate_code(given(url=CS, code="dog", display=" hund ")), "result") is True


async def test_maps_answer_for_what_they_do_not_name(put: Put, terminology: Terminology) -> None:
    group: dict[str, Any] = {
        "source": CS, "target": "urn:test:other", "unmapped": {"mode": "fixed", "code": "beast", "display": "Beast"},
        "element": [
            {"code": "dog", "target": [{"code": "hound", "equivalence": "wider", "dependsOn": [{"property": "urn:p", "value": "old"}]}]},
            {"code": "cat", "target": [{"equivalence": "unmatched"}]},
        ],
    }  # fmt: skip
    await put({"resourceType": "ConceptMap", "url": "urn:test:map", "group": [group]})

    async def result(**asked: Any) -> tuple[bool, list[str]]:
        answer = await terminology.translate(given(url="urn:test:map", **asked))
        matches = [one for one in answer["parameter"] if one["name"] == "match"]
        return value(answer, "result"), [one["part"][0]["valueCode"] for one in matches]

    assert await result(system=CS, code="dog") == (False, [])
    assert await result(system=CS, code="cat") == (False, ["unmatched"])
    assert await result(system=CS, code="dodo") == (True, ["inexact"])
    depending = given(url="urn:test:map", system=CS, code="dog")
    parts = [{"name": "element", "valueUri": "urn:p"}, {"name": "concept", "valueCodeableConcept": {"coding": [{"code": "old"}]}}]  # fmt: skip
    depending["parameter"].append({"name": "dependency", "part": parts})
    assert value(await terminology.translate(depending), "result") is True
