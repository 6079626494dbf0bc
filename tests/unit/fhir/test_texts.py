"""What no string of FHIR may be: empty, white space alone, or with characters that nothing shows. JSON and XML refuse alike."""

from typing import Any

import orjson
import pytest

from helhed.fhir.validation import validate
from helhed.fhir.xml import json_of
from helhed.foundation.errors import BadRequest, InvalidResource

CONTROL = [chr(code) for code in range(32) if chr(code) not in "\t\n\r"]
#: one element of each type that is written as a text
PLACES = ["note[0].text", "code.text", "code.coding[0].code", "code.coding[0].system", "meta.profile[0]"]


def observation(text: str, place: str) -> dict[str, Any]:
    whole: dict[str, Any] = {"resourceType": "Observation", "status": "final"}
    whole["code"] = {"text": text} if place == "code.text" else {"coding": [{"code": "c", "system": "urn:s"}]}
    if place.startswith("code.coding"):
        whole["code"]["coding"][0][place.rpartition(".")[2]] = text
    if place == "meta.profile[0]":
        whole["meta"] = {"profile": [text]}
    if place == "note[0].text":
        whole["note"] = [{"text": text}]
    return whole


@pytest.mark.parametrize("place", PLACES)
def test_a_character_that_nothing_shows_is_refused_where_it_stands(place: str) -> None:
    assert validate(observation("urn:a", place)) == []
    for one in CONTROL:
        for text in (one, f"a{one}", f"{one}a", f"a{one}b"):
            assert {issue.expression for issue in validate(observation(text, place))} == {f"Observation.{place}"}, text


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", ["", " ", "\n", "\t \r\n"])
def test_white_space_alone_is_no_text(place: str, text: str) -> None:
    assert {issue.expression for issue in validate(observation(text, place))} == {f"Observation.{place}"}


def test_lines_and_tabs_within_a_text_are_part_of_it() -> None:
    assert validate(observation("a\r\n\tb\n", "note[0].text")) == []
    assert validate(observation("æ \u00a0 \u2028 \U0001f642", "note[0].text")) == []


@pytest.mark.parametrize("text", [" ", "&#10;", "&#x9;&#xD;", "\n  \n"])
def test_xml_refuses_white_space_alone_where_json_does(text: str) -> None:
    found = _of_xml(f'<note><text value="{text}"/></note>')
    assert found == ["Observation.note[0].text"]


@pytest.mark.parametrize("text", ["&#1;", "&#x0B;", "\x01", "&#x1F;"])
def test_xml_refuses_what_nothing_shows(text: str) -> None:
    with pytest.raises(BadRequest):
        _of_xml(f'<note><text value="a{text}b"/></note>')


def test_lines_and_tabs_come_through_xml_as_they_are() -> None:
    assert _of_xml('<note><text value="a&#9;&#10;b"/></note>') == []


def _of_xml(inner: str) -> list[str]:
    document = f'<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="x"/></code>{inner}</Observation>'
    try:
        return [issue.expression for issue in validate(orjson.loads(json_of(document.encode())))]
    except InvalidResource as refused:
        return [issue.expression for issue in refused.issues]
