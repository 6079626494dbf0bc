"""Documents written to cost time, memory or a stack."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from helhed.fhir.indexing import index, normalise, text, values
from helhed.fhir.indexing.dates import LATEST, interval
from helhed.fhir.parsing import DEFAULT_LIMITS, checked_lines, parse_json
from helhed.fhir.references import rewrite, rewrite_raw
from helhed.fhir.store.writing import Prepared, add_side_rows
from helhed.fhir.transaction.entries import MOST_SEARCHES, items_of
from helhed.fhir.validation import validate
from helhed.foundation.errors import BadRequest, HelhedError, TooLarge, Unprocessable
from helhed.foundation.ids import new_id

DEEPEST = 64


def nested(levels: int) -> bytes:
    """Lists in lists in the document's one object, each with strings that look like its end and its beginning."""
    return b'{"x":' + b'["]",' * (levels - 1) + b"1" + b',"["]' * (levels - 1) + b"}"


def test_brackets_in_strings_hide_no_depth() -> None:
    assert parse_json(nested(DEEPEST))
    with pytest.raises(BadRequest, match="deeper"):
        parse_json(nested(DEEPEST + 1))
    with pytest.raises(BadRequest, match="deeper"):
        parse_json(nested(900))


def test_objects_and_lists_in_turn_count_each() -> None:
    whole = b'{"x":['
    assert parse_json(whole * 32 + b"]}" * 32)
    with pytest.raises(BadRequest, match="deeper"):
        parse_json(whole * 33 + b"]}" * 33)


def test_brackets_in_strings_are_not_depth() -> None:
    assert parse_json(b'{"x":"' + b"[{" * 1000 + b'","y":"\\"' + b"[" * 100 + b'"}')


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 100_000,
        b"[}" * 100_000,
        b"[" * 70 + b'"' + b'\\"' * 100_000,
        b"]" * 100_000,
        b'{"x":"' + b"\\" * 99_999,
        b"[{" * 40 + b"[]," * 100_000,
    ],
    ids=["open", "mismatched", "string without end", "closed only", "escape without end", "wide and deep"],
)
def test_what_is_not_json_is_refused_in_one_pass(document: bytes) -> None:
    with pytest.raises(HelhedError):
        parse_json(document)


def test_a_million_objects_are_refused_before_they_are_built() -> None:
    with pytest.raises(TooLarge):
        parse_json(b'{"x":[' + b"{}," * 1_000_000 + b"{}]}")


def test_the_index_and_the_kept_bytes_rewrite_the_same_links() -> None:
    known = {"http://x.example/ValueSet/1": "ValueSet/2", "urn:uuid:a": "Patient/3"}
    resource = {"url": "http://x.example/ValueSet/1", "subject": {"reference": "urn:uuid:a"}, "uri": "urn:uuid:a"}
    assert orjson.loads(rewrite_raw(orjson.dumps(resource), known)) == rewrite(resource, known)


_NAMES_USED = st.sampled_from(
    ["urn:uuid:a", "urn:uuid:b", "Patient/1", "Patient/1#x", "#a", 'q"uote', "reference", "ø\\"]
)
_VALUES = st.recursive(
    _NAMES_USED | st.none(),
    lambda inner: st.dictionaries(st.sampled_from(["reference", "uri", "x", "fullUrl"]), inner) | st.lists(inner),
)


@given(
    st.dictionaries(st.sampled_from(["reference", "subject", "uri"]), _VALUES),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_references_are_rewritten_alike_however_the_document_is_set(
    resource: dict[str, Any], indent: int | None, compact: bool
) -> None:
    known = {"urn:uuid:a": "Patient/3", "Patient/1": "Patient/4", 'q"uote': "Patient/5", "ø\\": "Patient/6"}
    separators = (",", ":") if compact else None
    raw = json.dumps(resource, indent=indent, separators=separators, ensure_ascii=False).encode()
    assert json.loads(rewrite_raw(raw, known)) == rewrite(resource, known)


def test_a_reference_that_is_no_text_is_left_to_the_parser() -> None:
    assert rewrite_raw(b'{"reference":"\xff"}', {"a": "b"}) == b'{"reference":"\xff"}'
    assert rewrite_raw(b'{"reference" :"\xff"}', {"a": "b"}) == b'{"reference" :"\xff"}'


def test_every_line_is_held_to_the_depth_of_a_document() -> None:
    flat = b'{"resourceType":"Patient"}'
    assert checked_lines(b"\n".join([flat, nested(DEEPEST), flat]), DEFAULT_LIMITS)[2] == flat
    with pytest.raises(BadRequest, match="deeper"):
        checked_lines(b"\n".join([flat, nested(DEEPEST + 1), flat]), DEFAULT_LIMITS)
    with pytest.raises(TooLarge):
        checked_lines(b'{"x":[' + b"{}," * 1000 + b"{}]}" + (b"\n" + flat + b"[]" * 999) * 1000, DEFAULT_LIMITS)


def test_escaped_quotes_hide_no_depth() -> None:
    hiding = b'{"x":' + b'["\\\\",' * DEEPEST + b"1" + b"]" * DEEPEST + b"}"
    with pytest.raises(BadRequest, match="deeper"):
        parse_json(hiding)
    assert parse_json(b'{"x":["' + b'\\"[' * 500 + b'","y\\\\"]}')


def observation(**more: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": subject, **more}


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:60-14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59-14:00"])
def test_the_last_moments_there_are_end_with_time_itself(moment: str) -> None:
    assert interval(moment)[1] == LATEST
    assert index(observation(effectiveDateTime=moment)).date_hi == LATEST


def test_the_first_moments_there_are_have_an_index_too() -> None:
    assert index(observation(effectiveDateTime="0001-01-01T00:00:00+14:00")).date_lo is not None


def test_a_date_has_no_million_decimals() -> None:
    long = "2020-01-01T00:00:00." + "1" * 1_000_000 + "Z"
    assert "too-long" in [issue.code for issue in validate(observation(effectiveDateTime=long))]
    with pytest.raises(ValueError, match="2020"):
        interval(long)


def test_what_is_remembered_is_short() -> None:
    before = text._remembered.cache_info().currsize, values._remembered.cache_info().currsize
    assert normalise("Å" * 5000) == "å" * 5000
    assert values.coded((1,), "s", "c" * 5000) == values.coded((1,), "s", "c" * 5000)
    assert (text._remembered.cache_info().currsize, values._remembered.cache_info().currsize) == before


def test_a_resource_has_no_hundred_thousand_names() -> None:
    patient = {"resourceType": "Patient", "name": [{"family": f"x{n}"} for n in range(20_000)]}
    prepared = Prepared()
    with pytest.raises(Unprocessable):
        add_side_rows(prepared, 1, new_id(), index(patient))
    assert not prepared.strings


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_holds_a_bounded_number_of_searches(kind: str) -> None:
    look = {"request": {"method": "GET", "url": "Observation?_count=200"}}
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [look] * MOST_SEARCHES}
    assert len(items_of(orjson.dumps(bundle), bundle)) == MOST_SEARCHES
    bundle["entry"].append(look)  # type: ignore[attr-defined]
    with pytest.raises(BadRequest):
        items_of(orjson.dumps(bundle), bundle)


@pytest.mark.parametrize("number", ["1e-400000", "0e-400000", "-1.5E-4001", "1e+999"])
def test_a_number_that_the_database_cannot_hold_is_refused(number: str) -> None:
    """Else one row would break every search that reads its body."""
    with pytest.raises(BadRequest, match="too large or too small"):
        parse_json(b'{"valueDecimal":%b}' % number.encode())


@pytest.mark.parametrize("number", ["1e-300", "5E+10", "0.1e1", "1e0"])
def test_a_number_of_a_laboratory_is_taken(number: str) -> None:
    assert parse_json(b'{"valueDecimal":%b}' % number.encode())
