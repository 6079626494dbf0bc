"""For whatever letter is drawn: nothing is lost, FHIR is valid, and nothing but the network's exceptions is raised."""

import copy
import json
from contextlib import suppress

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from helhed.exchange.legacy import decode, encode, follow_ups, from_fhir, letters, page, to_fhir
from helhed.exchange.legacy.texts import from_components, from_xhtml, to_components, to_xhtml, wrapped
from helhed.exchange.legacy.tree import Interchange
from helhed.fhir import exact
from helhed.fhir.validation import validate
from helhed.foundation.errors import HelhedError
from tests.unit.exchange.legacy import oracle
from tests.unit.exchange.legacy.drawn import TEXTS, discharge, xml_letter
from tests.unit.exchange.legacy.samples import NAMES, sample


@given(discharge())
@settings(max_examples=50, deadline=None)
def test_a_drawn_letter_of_edifact_is_read_alike_and_loses_nothing(raw):
    letter = decode(raw)
    assert isinstance(letter.content, Interchange)
    assert [[[one.tag], *map(list, one.elements)] for one in letter.content.segments] == oracle.segments(
        raw.decode("iso-8859-1")
    )
    _comes_back(letter, raw)


@given(xml_letter())
@settings(max_examples=50, deadline=None)
def test_a_drawn_letter_of_xml_loses_nothing(raw):
    letter = decode(raw)
    _comes_back(letter, raw)


def _comes_back(letter, raw):
    assert letter.normalised == ()
    assert encode(letter) == raw
    mapped = to_fhir(letter)
    stored = exact.dumps(mapped.bundle)
    assert encode(from_fhir(exact.loads(stored))) == raw
    assert validate(orjson.loads(stored)) == []
    page(mapped.bundle)
    follow_ups(mapped.bundle)


@given(TEXTS)
def test_text_is_cut_as_it_was_and_reads_the_same_cut_anew(parts):
    runs, cuts = from_components(parts)
    assert to_components(runs, cuts) == [(code, list(components)) for code, components in parts]
    assert from_components(wrapped(runs))[0] == runs
    assert all(len(one) <= 70 for _, components in wrapped(runs) for one in components)


@given(TEXTS)
def test_a_narrative_reads_back_as_the_runs_it_was_made_of(parts):
    runs, _ = from_components(parts)
    assert from_xhtml(to_xhtml(runs)) == runs


_BYTES = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from([b"", b"'", b"+", b"?", b"<", b">", b"\0", b"\xc3", b"UNT+1+x'", b"<a>", b"&", b"9"]),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", ["DIS01.edi", "DIS01.xml", "RPT01.edi", "PRE01.edi", "CTL02.xml"])
@given(changes=_BYTES)
@settings(max_examples=40, deadline=None)
def test_a_damaged_letter_is_refused_or_taken_whole(name, changes):
    raw = sample(name)
    for place, more, less in changes:
        at = place % len(raw)
        raw = raw[:at] + more + raw[at + less :]
    with suppress(HelhedError):
        for letter in letters(decode(raw)):
            mapped = to_fhir(letter)
            assert from_fhir(mapped.bundle) == letter


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_taken(raw):
    for begin in (b"", b"UNA:+.? '", b"UNB+UNOC:3+", b"<?xml version='1.0'?><Emessage"):
        with suppress(HelhedError):
            decode(begin + raw)


_JSON: st.SearchStrategy[object] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.just([])
    | st.just({})
    | st.just([None])
    | st.just({"": 1})
)


@pytest.mark.parametrize("name", ["DIS01.edi", "RPT01.xml"])
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_a_message_that_somebody_changed_becomes_a_letter_or_is_refused(name, data):
    bundle = copy.deepcopy(_bundle(name))
    node, key = bundle, "entry"
    for _ in range(data.draw(st.integers(1, 7))):
        if not isinstance(node[key], dict | list) or not node[key]:
            break
        node, key = (
            node[key],
            data.draw(st.sampled_from(sorted(node[key]) if isinstance(node[key], dict) else range(len(node[key])))),
        )
    node[key] = data.draw(_JSON)
    with suppress(HelhedError):
        encode(from_fhir(bundle))


def _bundle(name: str) -> dict:
    found: dict = json.loads(exact.dumps(to_fhir(decode(sample(name))).bundle))
    return found


def test_the_samples_are_what_the_fuzz_begins_with():
    assert len(NAMES) >= 40
