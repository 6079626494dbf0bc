"""Documents written to cost time, memory or a stack."""

import orjson
import pytest

from helhed.fhir.parsing import parse_json
from helhed.fhir.references import rewrite, rewrite_raw
from helhed.foundation.errors import BadRequest, HelhedError, TooLarge

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
