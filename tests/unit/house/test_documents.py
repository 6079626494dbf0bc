"""The documents hold together: links lead somewhere, decisions are numbered, terms are the code's own."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.house.files import ROOT, named, texts
from tools.pytest_order import KINDS

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))
HEADINGS = ["## Context", "## Options", "## Decision", "## Costs"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path):
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    local = [target for target in targets if not target.startswith(("http://", "https://", "mailto:"))]
    assert not [target for target in local if not (document.parent / target).exists()]


def test_the_index_of_documents_is_complete():
    index = named("docs/index.md")
    pages = [
        path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md") if path.name != "index.md"
    ]
    assert not [page for page in pages if f"({page})" not in index]


def test_decisions_are_numbered_from_one_without_gaps():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_gives_its_options_and_costs(decision: Path):
    text = decision.read_text("utf-8")
    assert re.match(
        rf"# {decision.name[:4]}\. .+\n\n(Accepted|Superseded by \[\d+\]\(.+\)), \d{{4}}-\d\d-\d\d\.\n", text
    )
    assert re.findall(r"^## .*$", text, re.MULTILINE) == HEADINGS


def test_every_initiative_has_one_honest_line():
    rows = re.findall(r"^\| (\d\.\d) \|.*\| (here|begun|not yet) \|", named("docs/initiatives.md"), re.MULTILINE)
    per_goal = {1: 7, 2: 5, 3: 6, 4: 5, 5: 4}
    expected = [f"{goal}.{number}" for goal, count in per_goal.items() for number in range(1, count + 1)]
    assert [number for number, _ in rows] == expected


def test_a_term_has_one_row_in_the_glossary():
    rows = _glossary()
    assert len(rows) >= 40
    for column in (0, 1):
        doubled = [term for term, count in Counter(row[column].lower() for row in rows).items() if count > 1]
        assert not [term for term in doubled if term != "–"]


def test_the_glossary_speaks_the_words_of_the_code():
    code = " ".join(content for path, content in texts() if path.startswith(("helhed/", "demo/")))
    words = set(re.findall(r"\w+", code))
    named_in_code = {term for row in _glossary() for term in re.findall(r"`([^`]+)`", row[2])}
    missing = sorted(named_in_code - words)
    assert not missing


def test_settings_in_the_documents_exist():
    known = set(re.findall(r"`(HELHED_\w+)`", named("docs/reference/settings.md"))) | {
        "HELHED_TEST_DATABASE_URL",
        "HELHED_STRICT_SKIPS",
        "HELHED_EXTERNAL_DATA",
    }
    used = {
        name for path, text in texts() if path.endswith(".md") for name in re.findall(r"\bHELHED_[A-Z_]+[A-Z]\b", text)
    }
    assert not used - known


def test_commands_in_the_documents_exist():
    targets = set(re.findall(r"^([a-z-]+):", named("Makefile"), re.MULTILINE))
    commands = set(re.findall(r"^## helhed (\S+)", named("docs/reference/commands.md"), re.MULTILINE))
    for path, text in texts():
        if path.endswith(".md"):
            assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets, path
            assert set(re.findall(r"`(?:\.venv/bin/)?helhed ([a-z-]+)", text)) <= commands, path


def test_the_kinds_of_tests_are_those_that_are_there():
    """The README names them, and ``tools/pytest_order.py`` knows when each runs."""
    there = {path.name for path in ROOT.glob("tests/*") if any(path.rglob("test_*.py"))}
    named_ones = re.search(r"^\| `tests/` \| by kind: ([a-z, ]+) \|$", named("README.md"), re.MULTILINE)
    assert named_ones
    assert set(named_ones[1].split(", ")) == there
    assert set(KINDS) == there


def _glossary() -> list[list[str]]:
    lines = [line for line in named("GLOSSARY.md").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(row) == 4 for row in rows)
    return rows[2:]
