"""What every page has, checked in its markup; the journeys check the rest in a browser."""

import re
from html.parser import HTMLParser

import pytest

from tests.unit.portals.conftest import Visitor
from tests.unit.portals.people import lung_network

VOID = {"meta", "link", "input", "br", "img", "hr", "path", "circle", "rect", "line", "use"}


class Page(HTMLParser):
    """The elements of a page."""

    def __init__(self, markup, language):
        super().__init__()
        self.markup, self.language = markup, language
        self.elements, self.open, self.unclosed = [], [], []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.unclosed.append((tag, self.open[-3:]))
        while self.open and self.open.pop() != tag:
            pass

    def all(self, *tags):
        return [(tag, attrs) for tag, attrs, _ in self.elements if tag in tags]


STOPS = [
    (None, "/"), (None, "/om"), (None, "/tilgaengelighed"), (None, "/nope"), (None, "/borger"),
    ("bodil", "/borger/log/papir"), ("bodil", "/borger/spoergsmaal"), ("bodil", "/borger/spoerg?opslag=1"), ("bodil", "/borger/beskeder"),
    ("bodil", "/borger"), ("bodil", "/borger/medicin"), ("bodil", "/borger/log"), ("bodil", "/borger/log/bevis"),
    ("bodil", "/borger/spaerringer"), ("bodil", "/borger/spaerringer/ny?hvem=alle&hvad=alt"), ("bodil", "/borger/spaerringer/ny?hvem=&hvad="),
    ("bodil", "/borger/spaerringer/i-nat"), ("bodil", "/borger/samtykker/ny"), ("bodil", "/borger/vaerdispring"),
    ("rune", "patient/vaerdispring"), ("rune", "patient/vaerdispring?grund=danger"),
    ("rune", "/hospital"), ("rune", "patient"), ("rune", "patient/tidslinje"),
    ("outsider", "patient"), ("tove", "patient"),
]  # fmt: skip


@pytest.fixture(scope="module", params=[(*stop, language) for stop in STOPS for language in ("da", "en")], ids=str)
def page(request):
    person, address, language = request.param
    visitor = Visitor(lung_network())
    visitor.get(f"/?lang={language}")
    if person:
        visitor.log_in(person)
    if address.startswith("patient"):
        visitor.open_patient("010250-9995")
        address = visitor.address.removeprefix("http://localhost") + address.removeprefix("patient")
    visitor.get(address)
    return Page(visitor.page, language)


def test_the_markup_is_whole_and_ids_are_unique(page):
    assert page.unclosed == []
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert [one for one in ids if ids.count(one) > 1] == []


def test_language_title_landmarks_and_one_main_heading(page):
    assert page.all("html")[0][1]["lang"] == page.language
    assert len(page.all("title")) == len(page.all("main")) == len(page.all("h1")) == 1
    assert len(page.all("header")) == 1
    assert ("a", {"class": "skipnav", "href": "#indhold"}) in page.elements[0:60] or any(
        attrs.get("class") == "skipnav" for _, attrs in page.all("a")
    )


def test_headings_descend_one_step_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    first = levels.index(1)
    assert all(b - a <= 1 for a, b in zip(levels[first:], levels[first + 1 :], strict=False)), levels


def test_no_list_is_announced_that_has_nothing_in_it(page):
    filled = {at for at, (_, _, above) in enumerate(page.elements) if above and above[-1] in ("ul", "ol")}
    for at, (tag, attrs, _) in enumerate(page.elements):
        assert tag not in ("ul", "ol") or at + 1 in filled, attrs


def test_every_field_has_a_label(page):
    labelled = {attrs["for"] for _, attrs in page.all("label") if "for" in attrs}
    for tag, attrs, above in page.elements:
        if tag in ("input", "select", "textarea") and attrs.get("type") != "hidden":
            assert "label" in above or attrs.get("id") in labelled, attrs


def test_tables_have_captions_and_header_cells_a_scope(page):
    assert len(page.all("table")) == len(page.all("caption"))
    assert all("scope" in attrs for _, attrs in page.all("th"))


def test_pictures_are_named_or_hidden(page):
    for tag, attrs in page.all("svg"):
        assert attrs.get("aria-hidden") == "true" or (attrs.get("role") == "img" and attrs.get("aria-label")), (
            tag,
            attrs,
        )


def test_nothing_is_styled_or_scripted_inline(page):
    assert all(
        "style" not in attrs and not any(name.startswith("on") for name in attrs) for _, attrs, _ in page.elements
    )
    assert page.all("style") == []
    assert all("src" in attrs for _, attrs in page.all("script"))


def test_references_between_elements_hold(page):
    ids = {attrs["id"] for _, attrs, _ in page.elements if "id" in attrs}
    named = {
        target
        for _, attrs, _ in page.elements
        for name in ("aria-labelledby", "aria-describedby", "for")
        for target in (attrs.get(name) or "").split()
    }
    jumps = {attrs["href"][1:] for _, attrs in page.all("a") if attrs.get("href", "").startswith("#")}
    assert (named | jumps) - ids == set()


def test_links_and_buttons_say_where_they_lead(page):
    for found in re.findall(r"<(?:a|button)\b[^>]*>(.*?)</(?:a|button)>", page.markup, flags=re.S):
        assert re.sub(r"<[^>]+>", "", found).strip(), found


def test_a_page_is_light(page):
    assert len(page.markup.encode()) < 100_000
