"""JSON Patch as RFC 6902 says it: the RFC's own cases in our words, and what holds for any document."""

import copy
from typing import Any

import pytest
from hypothesis import given, strategies as st

from helhed.fhir import exact
from helhed.fhir.patching.json_patch import apply
from helhed.foundation.errors import BadRequest, TooLarge, Unprocessable


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["a"]}], {"foo": ["bar", ["a"]]}),
        ({"foo": "bar"}, [{"op": "add", "path": "/foo", "value": "qux"}], {"foo": "qux"}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2, 3]}, [{"op": "move", "from": "/a/0", "path": "/a/2"}], {"a": [2, 3, 1]}),
        ({"a": {"b": [1]}}, [{"op": "copy", "from": "/a/b", "path": "/c"}, {"op": "add", "path": "/c/-", "value": 2}], {"a": {"b": [1]}, "c": [1, 2]}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}, {"op": "test", "path": "/~1", "value": 9}], {"/": 9, "~1": 10}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
        ({"": 1}, [{"op": "remove", "path": "/"}], {}),
    ],
)  # fmt: skip
def test_an_operation_does_what_the_rfc_says(before: Any, operations: Any, after: Any) -> None:
    assert apply(before, operations) == after


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "add", "path": "/baz/bat", "value": "qux"}],
        [{"op": "test", "path": "/foo", "value": "baz"}],
        [{"op": "test", "path": "/one", "value": True}],
        [{"op": "remove", "path": "/list/2"}],
        [{"op": "add", "path": "/list/3", "value": 1}],
        [{"op": "replace", "path": "/list/-", "value": 1}],
        [{"op": "remove", "path": "/list/01"}],
        [{"op": "remove", "path": "/list/²"}],
        [{"op": "move", "from": "/deep", "path": "/deep/er"}],
        [{"op": "remove", "path": ""}],
        [{"op": "replace", "path": "", "value": 1}],
    ],
)
def test_what_cannot_be_done_is_refused_by_its_number(operations: Any) -> None:
    before = {"foo": "bar", "one": 1, "list": [1, 2], "deep": {}}
    with pytest.raises(Unprocessable):
        apply(before, [*operations])
    assert before == {"foo": "bar", "one": 1, "list": [1, 2], "deep": {}}


@pytest.mark.parametrize(
    "operations",
    [
        {}, None, [1], [{}], [{"op": "add", "path": "/a"}], [{"op": "move", "path": "/a"}], [{"op": "remove"}],
        [{"op": "remove", "path": "a"}], [{"op": "remove", "path": "/a~2"}], [{"op": "remove", "path": 1}], [{"op": []}],
    ],
)  # fmt: skip
def test_what_is_no_patch_is_refused_before_anything_is_done(operations: Any) -> None:
    with pytest.raises(BadRequest):
        apply({"a": 1}, operations)


def test_copies_of_copies_do_not_grow_without_end() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 60
    with pytest.raises(TooLarge):
        apply({"a": [1] * 100}, doubling)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(max_size=4), JSON, max_size=5)


@given(DOCUMENTS, st.text(max_size=4), JSON)
def test_what_is_added_stands_there_and_its_removal_undoes_it(document: Any, name: str, value: Any) -> None:
    path = "/" + name.replace("~", "~0").replace("/", "~1")
    before = copy.deepcopy(document)
    added = apply(document, [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}])
    assert added == {**document, name: value}
    removed = apply(added, [{"op": "remove", "path": path}])
    assert removed == {key: inner for key, inner in document.items() if key != name}
    assert document == before


@given(DOCUMENTS)
def test_exact_json_says_what_it_read(document: Any) -> None:
    assert exact.loads(exact.dumps(document)) == document


@pytest.mark.parametrize(
    "text", [b"4.60", b"1e3", b"0.000", b"-0.0", b"1.0E+2", b"12", b'"a\\u00e6"', b"null", b"[]", b"{}"]
)
def test_decimals_stay_as_they_were_written(text: bytes) -> None:
    raw = b'{"a":[' + text + b"]}"
    shown = raw.replace(b"\\u00e6", "æ".encode())
    assert exact.dumps(copy.deepcopy(exact.loads(raw))) == shown
