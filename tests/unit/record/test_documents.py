"""Letters as plain text."""

import base64

import pytest

from helhed.record.documents import plain, words_of
from tests.unit.record.builders import record, text


def test_markup_is_read_and_never_passed_on():
    assert plain("<div><h1>Epikrise</h1><p>Ilt &lt; 92 %<br/>seponeret</p><script>alert(1)</script></div>") == (
        "Epikrise\nIlt < 92 %\nseponeret"
    )


def document(kind, data):
    found = record(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "content": [{"attachment": {"contentType": kind, "data": data}}],
        }
    )
    return words_of(found, found.entries[0])


def test_a_letter_in_plain_text_keeps_its_lines():
    assert (
        document("text/plain; charset=utf-8", base64.b64encode("Kære kollega\nÆ ø å".encode()).decode())
        == "Kære kollega\nÆ ø å"
    )


@pytest.mark.parametrize(
    ("kind", "data"), [("application/pdf", "JVBERi0="), ("text/plain", "no base64!"), ("text/plain", "/w==")]
)
def test_what_cannot_be_read_here_is_left_closed(kind, data):
    assert document(kind, data) == ""


def test_the_sections_of_a_note_follow_each_other():
    section = {
        "title": "Plan",
        "text": {"div": "<div>Ilt 2 L</div>"},
        "section": [{"title": "Ilt", "text": {"div": "<p>mål 88–92</p>"}}],
    }
    found = record({"resourceType": "Composition", "title": "Notat", "type": text("Notat"), "section": [section]})
    assert words_of(found, found.entries[0]) == "Plan\nIlt 2 L\nIlt\nmål 88–92"
