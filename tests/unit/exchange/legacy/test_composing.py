"""Correspondence that was born in FHIR is written as a letter, in either syntax, and says what it says."""

from uuid import uuid4

import pytest

from helhed.exchange.legacy import decode, encode, to_fhir
from helhed.exchange.legacy.composing import compose
from helhed.exchange.messages.writing import Person, Unit, Written, care_communication
from helhed.foundation.errors import Unprocessable
from tests.support.world import NOW

WARD = Unit(1, uuid4(), "Medicinsk", "1000016000001", "5790001234567")
CLINIC = Unit(2, uuid4(), "Lægerne 'Åparken' + Søn", "1000016000002", "5790007654321")
TEXT = "Kære kollega.\nHan vejer 81,5 kg: se + svar?\n\nHilsen 'os'"


def written(text=TEXT, **more):
    """A message."""
    person = Person("0101709995", more.pop("replacement", False), "Åse Test Søndergård")
    return care_communication(
        WARD,
        more.pop("receiver", CLINIC),
        person,
        Written("Sårpleje", text, "nursing", "Vera Test", "Læge", "12345678", **more),
        NOW,
    )


@pytest.mark.parametrize("syntax", ["edifact", "xml"])
def test_a_letter_says_what_the_message_said_to_whom_about_whom(syntax):
    found = compose(written(), syntax, "Brev01", NOW)
    again = decode(encode(found.letter))
    assert again.normalised == ()
    mapped = to_fhir(again)
    assert mapped.family == "DIS91"
    inside = {one["resource"]["resourceType"]: one["resource"] for one in mapped.bundle["entry"]}
    told = inside["Communication"]
    said = "".join(one["contentString"] for one in told["payload"])
    assert TEXT in said
    for carried in ("Vera Test", "Læge", "12345678", "Kategori: nursing", "Samtale: urn:uuid:"):
        assert carried in said
    assert told["topic"]["text"] == "Sårpleje"
    assert inside["Patient"]["identifier"][0]["value"] == "0101709995"
    assert (inside["Patient"]["name"][0]["family"], inside["Patient"]["name"][0]["given"]) == (
        "Søndergård",
        ["Åse Test"],
    )
    numbers = [
        one["identifier"][0]["value"]
        for e in mapped.bundle["entry"]
        if (one := e["resource"])["resourceType"] == "Organization"
    ]
    assert set(numbers) == {WARD.gln, CLINIC.gln}
    assert found.left_out == ()


@pytest.mark.parametrize("syntax", ["edifact", "xml"])
def test_what_a_letter_cannot_carry_is_named_in_it(syntax):
    message = written("Se billedet \u2192 her")
    focus = next(one["resource"] for one in message["entry"] if one["resource"]["resourceType"] == "Communication")
    focus["payload"].insert(
        0, {"contentAttachment": {"title": "Sår, fod.jpg", "contentType": "image/jpeg", "data": "QQ=="}}
    )
    found = compose(message, syntax, "Brev01", NOW)
    said = str(to_fhir(decode(encode(found.letter))).bundle)
    assert "Sår, fod.jpg" in said
    assert "kunne ikke sendes med brevet" in said
    assert "vedhæftning: Sår, fod.jpg" in found.left_out
    assert any("tegnsæt" in one for one in found.left_out) == (syntax == "edifact")


@pytest.mark.parametrize("syntax", ["edifact", "xml"])
def test_earlier_parts_of_a_thread_stand_below_the_newest(syntax):
    first = written("Det første")
    focus = next(one["resource"] for one in first["entry"] if one["resource"]["resourceType"] == "Communication")
    found = compose(written("Det andet", earlier=[focus]), syntax, "Brev01", NOW)
    said = str(to_fhir(decode(encode(found.letter))).bundle)
    assert said.index("Det andet") < said.index("Det første")


def test_who_has_no_location_number_gets_no_letter():
    with pytest.raises(Unprocessable, match="location number"):
        compose(written(receiver=Unit(3, uuid4(), "Uden", "1000016000003")), "xml", "B", NOW)


@pytest.mark.parametrize("syntax", ["edifact", "xml"])
@pytest.mark.parametrize("text", ["", ".", "\\", "x" * 500, "a\r\nb\x07\tc", "?+:'" * 40, "<Break/>&amp;\n\n\n"])
def test_any_text_comes_back(syntax, text):
    found = compose(written(text), syntax, "Brev01", NOW)
    raw = encode(found.letter)
    assert encode(decode(raw)) == raw
    said = "".join(str(one["resource"].get("payload", "")) for one in to_fhir(decode(raw)).bundle["entry"])
    assert "Kategori" in said
