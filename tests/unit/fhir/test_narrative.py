"""Narratives that pages can show, and those that are refused."""

import pytest

from helhed.fhir.validation.narrative import narrative_problem

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
DEEPEST = 64


def nested(depth: int) -> str:
    inside = depth - 1
    return f"<div {XHTML}>" + "<b>" * inside + "x" + "</b>" * inside + "</div>"


def test_a_narrative_as_deep_as_pages_are_is_taken():
    assert narrative_problem(nested(DEEPEST)) is None


@pytest.mark.parametrize("depth", [DEEPEST + 1, 200_000])
def test_a_narrative_nested_deeper_is_refused_in_a_sentence(depth):
    assert narrative_problem(nested(depth)) == f"The narrative is nested deeper than {DEEPEST} elements."


def test_many_elements_beside_each_other_are_not_deep():
    assert narrative_problem(f"<div {XHTML}>" + "<p>x</p>" * 1000 + "</div>") is None


@pytest.mark.parametrize(
    "href", ["page.html", "page.html#Patient_1", "../a/b.html#x:y", "#here", "https://here.example/"]
)
def test_links_within_the_page_and_to_the_web_are_taken(href):
    assert narrative_problem(f'<div {XHTML}><a href="{href}">x</a></div>') is None


@pytest.mark.parametrize("href", ["javascript:alert(1)", "a:b.html#c", "data:text/html,x", "java\tscript:x#y"])
def test_links_that_do_something_are_refused(href):
    assert narrative_problem(f'<div {XHTML}><a href="{href}">x</a></div>') is not None
