"""Stored bytes are the submitted ones with only id, meta and references changed."""

import json
from datetime import UTC, datetime

from hypothesis import given, settings, strategies as st

from helhed.fhir.references import rewrite_raw
from helhed.fhir.splice import splice

AT = datetime(2026, 11, 23, 8, 0, 0, 123000, tzinfo=UTC)
OURS = {"versionId": "3", "lastUpdated": "2026-11-23T08:00:00.123Z"}
NUMBERS = st.sampled_from(["1.50", "1.0E+3", "0.1000000000000000000000001", "-0.0", "12345678901234567890.10"])
VALUES = st.recursive(
    st.one_of(st.text(), st.booleans(), st.integers()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)
META = st.none() | st.fixed_dictionaries({"versionId": st.text(), "profile": st.lists(st.text(), min_size=1)})


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["status", "note", "code", "id"]), VALUES),
    META,
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_splicing_is_what_a_dictionary_would_do(content, meta, indent, ascii_only):
    resource = {"resourceType": "Basic", **content, **({"meta": meta} if meta else {})}
    raw = json.dumps(resource, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    theirs = {name: value for name, value in (meta or {}).items() if name not in OURS}
    assert json.loads(splice(raw, "a", 3, AT, resource)) == {**resource, "id": "a", "meta": {**OURS, **theirs}}


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_numbers_keep_every_character(numbers):
    raw = b'{"resourceType":"Basic","n":[' + ",".join(numbers).encode() + b"]}"
    assert f'"n":[{",".join(numbers)}]'.encode() in splice(raw, "a", 1, AT, json.loads(raw))


def test_references_are_replaced_and_texts_that_look_like_them_are_not():
    raw = json.dumps(
        {"resourceType": "Basic", "subject": {"reference": "urn:uuid:a"}, "t": '"reference":"urn:uuid:a"'}
    ).encode()
    stored = json.loads(splice(rewrite_raw(raw, {"urn:uuid:a": "Patient/b"}), "x", 1, AT, json.loads(raw)))
    assert (stored["subject"]["reference"], stored["t"]) == ("Patient/b", '"reference":"urn:uuid:a"')
