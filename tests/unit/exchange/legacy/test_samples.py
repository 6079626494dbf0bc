"""Each sample letter goes into FHIR and comes back, byte for byte."""

import json
from collections import Counter

import orjson
import pytest
from lxml import etree

from helhed.exchange.legacy import decode, encode, families, from_fhir, page, to_fhir
from helhed.exchange.legacy.fhir import frame_of
from helhed.exchange.legacy.tree import Document, Element, Interchange
from helhed.fhir import exact
from helhed.fhir.validation import validate
from tests.unit.exchange.legacy import oracle
from tests.unit.exchange.legacy.samples import NAMES, sample

EDIFACT = [name for name in NAMES if name.endswith(".edi")]
XML = [name for name in NAMES if name.endswith(".xml")]


def test_every_family_has_a_sample():
    asked = {
        "DIS01",
        "DIS02",
        "DIS15",
        "DIS16",
        "DIS17",
        "DIS18",
        "DIS20",
        "DIS21",
        "DIS22",
        "DIS91",
        "REF01",
        "REF07",
        "REF15",
        "REF22",
    }
    asked |= {"RPT01", "RPT02", "RPT03", "PRE01", "CTL01", "CTL02", "CTL03"}
    assert asked <= {to_fhir(decode(sample(name))).family for name in NAMES}
    assert asked <= set(families.codes())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_decoded_is_encoded_byte_for_byte(name):
    letter = decode(sample(name))
    assert letter.normalised == ()
    assert encode(letter) == sample(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_letter_comes_back_from_fhir_as_it_was(name):
    letter = decode(sample(name))
    mapped = to_fhir(letter)
    assert mapped.differences == ()
    sent = orjson.loads(exact.dumps(mapped.bundle))  # as it is stored and sent
    assert encode(from_fhir(exact.loads(exact.dumps(mapped.bundle)))) == sample(name)
    assert validate(sent) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_a_letter_is_in_fhir_or_kept(name):
    """No word is only in the frame: what the frame holds beside values is structure."""
    mapped = to_fhir(decode(sample(name)))
    said = json.dumps([entry["resource"] for entry in mapped.bundle["entry"]], ensure_ascii=False)
    assert not [word for word in _words(name) if word not in said]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_stands_on_the_page_with_its_place(name):
    mapped = to_fhir(decode(sample(name)))
    rows = [
        row
        for section in page(mapped.bundle).sections
        if section.heading.en.startswith("Other")
        for row in section.rows
    ]
    assert rows == [(kept.place, kept.text) for kept in mapped.kept]
    assert all(kept.place and kept.why for kept in mapped.kept)


@pytest.mark.parametrize("name", EDIFACT)
def test_a_second_reader_of_edifact_finds_the_same(name):
    content = decode(sample(name)).content
    assert isinstance(content, Interchange)
    ours = [[[one.tag], *[list(element) for element in one.elements]] for one in content.segments]
    assert ours == oracle.segments(sample(name).decode("iso-8859-1"))


@pytest.mark.parametrize("name", XML)
def test_a_second_reader_of_xml_finds_the_same(name):
    content = decode(sample(name)).content
    assert isinstance(content, Document)
    assert _ours(content.root) == _theirs(etree.fromstring(sample(name)))


@pytest.mark.parametrize("name", [name for name in NAMES if name[:3] != "CTL"])
def test_the_citizen_and_both_ends_are_found_in_fhir(name):
    bundle = to_fhir(decode(sample(name))).bundle
    kinds = Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
    assert bundle["entry"][0]["resource"]["resourceType"] == "MessageHeader"
    assert kinds["Patient"] == 1
    numbers = json.dumps(bundle)
    assert '"urn:oid:1.2.208.176.1.2", "value": "0101809876"' in numbers
    assert numbers.count('"http://www.gs1.org/gln"') >= 2
    header = bundle["entry"][0]["resource"]
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    ends = [header["sender"], header["destination"][0]["receiver"], *header["focus"]]
    assert {one["reference"] for one in ends} <= urls


def test_the_tables_say_every_value_as_the_samples_do():
    """Only what is spelt otherwise than it would be written keeps its spelling beside: here a comma for a decimal point."""
    kept = {}
    for name in NAMES:
        found = frame_of(to_fhir(decode(sample(name))).bundle)
        assert found is not None
        holes = [one for one in found[0]["pieces"] if isinstance(one, list) and one[0] != "?"]
        most = {"ftx": 6, "xml": 5}
        kept[name] = [one[2] for one in holes if len(one) > most.get(one[3], 4)]
    assert {name: fields for name, fields in kept.items() if fields} == {
        "RPT01.edi": ["Value"],
        "RPT01.xml": ["Value"],
        "DIS91.xml": ["Text01"],
    }


def test_the_same_letter_twice_is_the_same_message():
    first, second = (to_fhir(decode(sample("DIS01.edi"))).bundle for _ in range(2))
    assert exact.dumps(first) == exact.dumps(second)


def _words(name: str) -> set[str]:
    """Words of five letters and more that stand in values."""
    letter = decode(sample(name)).content
    if isinstance(letter, Document):
        texts = [text for text in _texts(letter.root) if "_" not in text and not text.startswith("X")]
    else:
        texts = [text for one in letter.segments[3:-2] for element in one.elements for text in element]
    words = {word for text in texts for word in text.replace("\\", "").split() if len(word) > 4 and word.isalpha()}
    return words - _CODED


#: neutral words and names that FHIR says by a code of its own
_CODED = {
    "sygehusafdelingsnummer", "ydernummer", "kommunenummer", "SKSdiagnosekode", "ICPCkode", "indlagt", "operation", "bidiagnose", "iupac", "lokal",
    "fastnet", "mobil", "tillaegsdiagnose", "unormal", "maaned", "MEDREF",
}  # fmt: skip


def _texts(one: Element) -> list[str]:
    return [text for child in one.children for text in ([child] if isinstance(child, str) else _texts(child))]


def _ours(one: Element) -> tuple:
    text = [child if isinstance(child, str) else _ours(child) for child in one.children]
    return one.local, [part for part in text if part != ""]


def _theirs(one: etree._Element) -> tuple:
    found = [one.text] if one.text else []
    for child in one:
        found += [_theirs(child), *([child.tail] if child.tail else [])]
    return etree.QName(one).localname, found
