"""FHIR's own terminologies work from a bare checkout."""

from datetime import UTC, datetime
from typing import Any

import pytest

from helhed.fhir.terminology import Terminology, UnknownTerminology, given
from helhed.fhir.terminology.core import put_core
from helhed.foundation.database import Target, connect

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GENDER = "http://hl7.org/fhir/administrative-gender"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def value(answer: Any, name: str) -> Any:
    """The value of an answer's first parameter of that name."""
    one = next(one for one in answer["parameter"] if one["name"] == name)
    return next(value for key, value in one.items() if key.startswith("value"))


async def test_a_value_set_of_the_definitions_expands(terminology: Terminology) -> None:
    found = await terminology.expand(given(url="http://hl7.org/fhir/ValueSet/administrative-gender"), AT)
    assert [(one["system"], one["code"]) for one in found["expansion"]["contains"]] == [
        (GENDER, code) for code in ("male", "female", "other", "unknown")
    ]
    assert found["expansion"]["total"] == 4
    assert "compose" not in found


async def test_codes_are_validated_by_system_and_by_value_set(terminology: Terminology) -> None:
    url = "http://hl7.org/fhir/ValueSet/condition-clinical"
    inside = await terminology.validate_in_value_set(given(url=url, system=CLINICAL, code="active"))
    outside = await terminology.validate_in_value_set(given(url=url, system=CLINICAL, code="sleeping"))
    known = await terminology.validate_code(given(url=CLINICAL, code="relapse"))
    unknown = await terminology.validate_code(given(url=CLINICAL, code="sleeping"))
    assert [value(one, "result") for one in (inside, outside, known, unknown)] == [True, False, True, False]


async def test_the_hierarchy_of_the_definitions_is_there(terminology: Terminology) -> None:
    answer = await terminology.subsumes(given(system=CLINICAL, codeA="active", codeB="relapse"))
    assert value(answer, "outcome") == "subsumes"
    assert await terminology.descendants(CLINICAL, "active") == frozenset({"recurrence", "relapse"})
    assert await terminology.ancestors(CLINICAL, "relapse") == frozenset({"active"})


async def test_a_code_system_that_is_not_held_is_unknown_never_valid(terminology: Terminology) -> None:
    with pytest.raises(UnknownTerminology, match=r"CodeSystem .*none is not held here"):
        await terminology.validate_code(given(url="http://example.org/none", code="a"))
    with pytest.raises(UnknownTerminology):
        await terminology.lookup(given(system="http://snomed.info/sct", code="73211009"))
    assert await terminology.is_in("http://example.org/none", "s", "c") is None
    assert await terminology.codes_in("http://example.org/none") is None
    assert await terminology.display("http://snomed.info/sct", "73211009") is None


async def test_putting_them_again_changes_nothing(target: Target) -> None:
    connection = await connect(target.owner)
    try:
        before = await connection.fetchval("select counter from fhir.terminology_state")
        await put_core(connection)
        assert await connection.fetchval("select counter from fhir.terminology_state") == before
        assert await connection.fetchval("select count(*) from fhir.concept") > 15_000
    finally:
        await connection.close()


async def test_every_value_set_of_the_definitions_expands_or_is_unknown_cleanly(
    target: Target, terminology: Terminology
) -> None:
    connection = await connect(target.owner)
    try:
        urls = [row["url"] for row in await connection.fetch("select url from fhir.value_set order by url")]
    finally:
        await connection.close()
    found = [await terminology.codes_in(url) for url in urls]
    assert len(urls) > 1200
    assert sum(codes is not None for codes in found) > 1150
