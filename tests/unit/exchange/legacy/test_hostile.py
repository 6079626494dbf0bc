"""What is broken, hostile or too large is refused with its place, and never with another exception than the network's."""

import pytest

from helhed.exchange.legacy import decode, encode, letters, to_fhir
from helhed.exchange.legacy.tree import Interchange
from helhed.foundation.errors import BadRequest, NotSupported, TooLarge
from tests.unit.exchange.legacy.samples import sample

DIS, XML = sample("DIS01.edi"), sample("DIS01.xml")


@pytest.mark.parametrize(
    ("raw", "kind", "says"),
    [
        (b"", BadRequest, "neither EDIFACT"),
        (b"MSH|^~\\&|", BadRequest, "neither EDIFACT"),
        (DIS[:-20], BadRequest, "cut off"),
        (DIS[:-20] + b"'", BadRequest, "from UNB to UNZ"),
        (DIS.replace(b"UNT+", b"UNT+9"), BadRequest, "segments, and there are"),
        (DIS.replace(b"UNZ+1", b"UNZ+2"), BadRequest, "'2' messages, and there are 1"),
        (DIS.replace(b"UNZ+1", b"UNZ+one"), BadRequest, "At segment 54 .UNZ., element 1"),
        (DIS.replace(b"+Kuvert0001'\n", b"+Kuvert0002'\n"), BadRequest, "another number"),
        (DIS.replace(b"+Brev0001'\nUNZ", b"+Brev0002'\nUNZ"), BadRequest, "another number"),
        (DIS.replace(b"UNOC", b"UNOX"), NotSupported, "character set 'UNOX'"),
        (DIS.replace(b"UNOC", b"UNOA"), BadRequest, "no letters outside ASCII"),
        (DIS.replace(b"UNOC", b"UNOW"), BadRequest, "is not of utf-8"),
        (DIS.replace("Ærø".encode("latin-1"), b"\x96"), BadRequest, "0x96 may not stand"),
        (DIS.replace(b"Galde", b"Gal\0de"), BadRequest, "0x00 may not stand"),
        (DIS.replace(b"GIS+N'", b"GIS+N\nX'"), BadRequest, "0x0a may not stand"),
        (DIS.replace(b"S02+02'", b"s02+02'"), BadRequest, "name of three letters"),
        (DIS.replace(b"UNA:+.? '", b"UNA:::: '"), BadRequest, "four different separators"),
        (b"UNA", BadRequest, "four different separators"),
        (DIS.replace(b"UNH+", b"UNG+x'\nUNH+"), NotSupported, "groups of messages"),
        (DIS.replace(b"S02+02'", b"UNO+1'\nS02+02'"), NotSupported, "binary objects"),
        (DIS.replace(b"UNT+", b"UNH+x+y'\nUNT+"), BadRequest, "before the one before it has ended"),
        (b"UNB+UNOC:3'UNZ+0'", BadRequest, "at least one"),
        (b"UNB+UNOC:3'BGM'UNZ+0'", BadRequest, "outside a message"),
        (b"UNB+" + b"?" * 1001 + b"'", BadRequest, "cut off"),
        (DIS + b" " * (4 * 2**20), TooLarge, "4 MiB"),
        (b"UNB+UNOC:3" + b":" * 250_000 + b"'UNZ'", TooLarge, "200000"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + XML.partition(b"\n")[2], BadRequest, "no DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Emessage/>', BadRequest, "no DOCTYPE"),
        (XML.replace(b"Galdesten", b"&hidden;"), BadRequest, "not well-formed XML"),
        (XML[:-40], BadRequest, "not well-formed XML. At line"),
        (XML.replace(b"UTF-8", b"UTF-7"), NotSupported, "utf-7"),
        (XML.replace(b"UTF-8", b"us-ascii"), BadRequest, "not of ascii"),
        (XML.replace("Ærø".encode(), b"\xc6"), BadRequest, "is not of utf-8. At line 2"),
        (XML.decode().encode("utf-16"), NotSupported, "UTF-16"),
        (XML.replace(b"rep.oio.dk", b"example.com"), NotSupported, "namespace is another"),
        (XML.replace(b"Emessage", b"Message"), NotSupported, "root Emessage"),
        (
            b'<Emessage xmlns="http://rep.oio.dk/medcom.dk/xml/schemas/2016/12/01/"/>',
            BadRequest,
            "nothing in the message",
        ),
        (b"<a>" * 40 + b"</a>" * 40, BadRequest, "deeper than 32"),
        (b"<a>" + b"<b/>" * 200_001 + b"</a>", TooLarge, "200000"),
        (b"<a" + b' b="c"' * 2 + b"/>", BadRequest, "not well-formed"),
        (b"<" + b"a" * 5_000_000, TooLarge, "4 MiB"),
    ],
)
def test_what_is_broken_is_refused_with_its_place(raw, kind, says):
    with pytest.raises(kind, match=says) as refused:
        decode(raw)
    assert type(refused.value) is kind
    assert kind is TooLarge or refused.value.issues[0].expression


def test_other_separators_are_read_and_written():
    plain = b"UNA:+.? 'UNB+UNOC:3+1:14+2:14+260302:1020+K'UNH+B+MEDDIS:D:93A:UN:D9134L+DIS91'FTX+NC+P00++a?+b'UNT+3+B'UNZ+1+K'"
    table = bytes.maketrans(b":+?'", b"|^!~")
    other = plain.translate(table)
    assert encode(decode(other)) == other
    ours, theirs = decode(plain).content, decode(other).content
    assert isinstance(ours, Interchange)
    assert isinstance(theirs, Interchange)
    assert ours.segments[:2] == theirs.segments[:2]
    assert theirs.segments[2].at(4, 1) == "a^b"


@pytest.mark.parametrize("gap", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize("una", [True, False])
def test_ends_of_lines_and_the_service_string_come_back(gap, una):
    raw = DIS.replace(b"\n", gap)
    raw = raw if una else raw.removeprefix(b"UNA:+.? '" + gap)
    assert encode(decode(raw)) == raw


def test_what_is_not_in_the_normal_form_is_said():
    mixed = DIS.replace(b"S02+02'\n", b"S02+02' \r\n").replace(b"Prove", b"Pr?ove")
    assert decode(mixed).normalised == ("white space between segments",)
    assert to_fhir(decode(mixed)).differences == ("white space between segments",)
    assert decode(encode(decode(mixed))).normalised == ()
    assert decode(DIS.replace(b"Skole", b"?Skole")).normalised == ("a release character before what needs none",)
    assert encode(decode(DIS.replace(b"Skole", b"?Skole"))) == DIS
    assert decode(XML.replace(b"<Break/>", b"<Break></Break>")).normalised == (
        "how tags, references and empty elements are spelt",
    )
    assert encode(decode(XML.replace(b"<Break/>", b"<Break></Break>"))) == XML
    assert decode(XML.replace(b"<Letter>", b"<!--x--><Letter>")).normalised == (
        "comments and instructions within the message",
    )


def test_indentation_instructions_and_a_byte_order_mark_come_back():
    raw = b"\xef\xbb\xbf" + XML.replace(b"><", b">\n  <").replace(
        b"?>", b'?>\n<?xml-stylesheet href="x.xsl"?>\n<!-- hello -->'
    )
    assert decode(raw).normalised == ()
    assert encode(decode(raw)) == raw


def test_an_envelope_with_several_letters_is_taken_apart():
    begin, end = DIS.index(b"UNH"), DIS.index(b"UNZ")
    letter = DIS[begin:end]
    both = DIS[:begin] + letter + letter.replace(b"Brev0001", b"Brev0002") + b"UNZ+2+Kuvert0001'\n"
    with pytest.raises(NotSupported, match="several letters"):
        to_fhir(decode(both))
    first, second = letters(decode(both))
    assert encode(first) == DIS
    assert encode(second) == DIS.replace(b"Brev0001", b"Brev0002")
    inner = XML[XML.index(b"<DischargeLetter>") : XML.index(b"</Emessage>")]
    assert len(letters(decode(XML.replace(inner, inner + inner)))) == 2
