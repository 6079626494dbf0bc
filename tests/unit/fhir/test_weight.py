"""How heavy a document is, before it is parsed: marks outside strings count, marks in strings are text."""

import orjson
import pytest
from hypothesis import given, strategies

from helhed.fhir.weight import heavier_than

JSON = strategies.recursive(
    strategies.none() | strategies.integers(-9, 9) | strategies.text('a,{["\\\\ø', max_size=6),
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.dictionaries(strategies.text('b,["\\\\', max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def marks_of(value: object) -> int:
    """The same, counted in the parsed value."""
    if isinstance(value, dict | list):
        inner = list(value.values()) if isinstance(value, dict) else value
        return 1 + max(len(value) - 1, 0) + sum(map(marks_of, inner))
    return 0


@given(value=JSON)
def test_the_weight_of_the_bytes_is_that_of_the_value(value):
    raw, weight = orjson.dumps(value), marks_of(value)
    assert not heavier_than(weight, raw)
    assert weight == 0 or heavier_than(weight - 1, raw)


@pytest.mark.parametrize("raw", [b"", b'"', b'"\\', b'"\\"', b'{"a,,,,', b"{,[" * 3, b'"' * 9, b'\\"\\",,,,'])
def test_what_is_no_document_has_a_weight_too(raw):
    assert not heavier_than(100, raw)
    heavier_than(0, raw)
