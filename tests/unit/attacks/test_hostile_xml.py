"""XML written to cost (attacks 1, 10, 12, 13): refused in plain words, before it is parsed or at the element that is wrong."""

from xml.parsers import expat

import pytest

from helhed.fhir.xml import cost, json_of
from helhed.foundation.errors import BadRequest, HelhedError, TooLarge
from tests.support.memory import within

PATIENT = b'<Patient xmlns="http://hl7.org/fhir">'
DIV = b'<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">'
NAME = b'<name><family value="a"/></name>'
MIB = 2**20
SIZE = 14 * MIB

#: documents of 14 MB whose price is told from their bytes
AT_SIGHT = {
    "small elements": PATIENT + NAME * (SIZE // len(NAME)),
    "a wrong element after many": PATIENT + NAME * 125_000 + b"<x/>" * 10_000,
    "a narrative of small elements": PATIENT + DIV + b"<b>a</b>" * (SIZE // 8),
    "never closed": PATIENT + b'<extension url="a">' * (SIZE // 19),
    "attributes without end": PATIENT + b"<gender " + b"".join(b'a%d="b" ' % n for n in range(SIZE // 12)) + b"/>",
    "attributes spaced out": PATIENT + b"<gender " + b"".join(b"a%d  =\n'b'\t" % n for n in range(100_000)) + b"/>",
    "namespaces without end": b"<Patient " + b"".join(b'xmlns:a%d="b" ' % n for n in range(SIZE // 19)) + b"/>",
    "entities": b"<!DOCTYPE x [" + b'<!ENTITY a "aaaaaaaaaaaaaaaaa">' * (SIZE // 31) + b"]><x/>",
    "instructions": PATIENT + b"<?a b?>" * (SIZE // 7),
}
#: those that have to be read, in 50 MiB besides their own bytes
TO_BE_READ = """
P, DIV = b'<Patient xmlns="http://hl7.org/fhir">', b'<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">'
NAME, SIZE = b'<name><family value="a"/></name>', 14 * 2**20
BUNDLE = b'<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/>'
ENTRY = b'<entry><resource><Patient>' + NAME * 500 + b'</Patient></resource></entry>'
DOCUMENTS = [
    P + NAME * 60_000,
    BUNDLE + ENTRY * 100 + b'<x/>',
    P + b'<!--' + b'a' * SIZE + b'--><x/>',
    P + b' ' * SIZE + b'<x/>',
    P + b'<gender value="' + b'a' * SIZE + b'"/><x/>',
    P + DIV + b'a&lt;' * (SIZE // 5),
    P + DIV + b'<b>' * 200_000,
    P + b'<extension url="a">' * 200_000,
    P + b'&#32;' * (SIZE // 5) + b'<x/>',
]
"""
_WARM = f"""
from helhed.fhir.xml import json_of
from helhed.foundation.errors import HelhedError
{TO_BE_READ}
json_of(P + NAME + b'</Patient>')
"""
_WORK = """
for document in DOCUMENTS:
    try:
        json_of(document)
    except HelhedError as refused:
        print(type(refused).__name__)
"""


@pytest.mark.parametrize("name", AT_SIGHT)
def test_what_is_too_dear_is_refused_before_it_is_parsed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expat, "ParserCreate", lambda *_: pytest.fail("it was parsed"))
    with pytest.raises((BadRequest, TooLarge), match=r"at most 32 attributes|more than 250000 elements"):
        json_of(AT_SIGHT[name])


def test_what_has_to_be_read_is_refused_in_little_memory() -> None:
    told = within(50, _WARM, _WORK).split()
    assert len(told) == TO_BE_READ.count("\n    P +") + TO_BE_READ.count("\n    BUNDLE +")


def test_one_resource_ends_at_its_own_limit_and_a_bundle_does_not() -> None:
    many = b'<given value="a"/>' * 30
    with pytest.raises(TooLarge, match="more than 20 elements"):
        json_of(PATIENT + b"<name>" + many + b"</name></Patient>", most_elements=20)
    bundle = (
        b'<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/>'
        + b"<entry><resource><Patient><active value='true'/></Patient></resource></entry>" * 10
        + b"</Bundle>"
    )
    assert json_of(bundle, most_elements=20).count(b'"Patient"') == 10


def test_a_narrative_is_text_whatever_is_marked_up_in_it() -> None:
    marked = PATIENT + DIV + b"<b>a</b>" * 100 + b"</div></text></Patient>"
    assert b"<b>a</b>" in json_of(marked, most_elements=20)


def test_elements_with_as_many_attributes_as_there_may_be_are_read() -> None:
    several = " ".join(f'data-a{n}="{n} = >"' for n in range(cost.MOST_ATTRIBUTES)).encode()
    read = PATIENT + DIV + b"<p " + several + b">a</p></div></text></Patient>"
    assert b"data-a31" in json_of(read)
    with pytest.raises(BadRequest, match="attributes"):
        json_of(read.replace(b"<p ", b'<p one="more" '))


@pytest.mark.parametrize("inner", [b"<a b='c", b"<a b=c", b"<a b", b"<" * 1000, b"<a =" * 1000, b"<a b='<' c='d'/>"])
def test_what_is_no_element_is_left_to_the_parser(inner: bytes) -> None:
    with pytest.raises(HelhedError, match="well-formed"):
        json_of(PATIENT + inner)
