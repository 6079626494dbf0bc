"""Style as a test: sizes, words, and things that stand in one place only."""

import ast
import re
import statistics
from collections.abc import Iterator

import pytest

from helhed.foundation.migrations import PACKAGES
from tests.unit.house.files import ROOT, modules, texts

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MEDIAN_FUNCTION = 8

# Written in pieces, so that this file passes its own rules.
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "crates" + ".io")
PATHS = ("/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/", "/Us" + "ers/", "/tmp/bu" + "ild")
PROMISES = ("TO" + "DO", "FIX" + "ME", "X" + "XX")


def test_a_file_holds_one_idea():
    """The demo's people are exempt: each is one person, however long the life."""
    sizes = {path: content.count("\n") for path, content in modules() if not path.startswith("demo/people/")}
    long = {path: size for path, size in sizes.items() if size > LONGEST_FILE}
    assert not long


def test_functions_are_short():
    sizes = dict(_function_sizes())
    long = {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION}
    assert not long
    assert statistics.median(sizes.values()) <= MEDIAN_FUNCTION


def test_the_policy_is_read_in_one_place():
    """``helhed.trust.policy.document``: whoever asks what a policy file says finds who reads it."""
    reads = re.compile(r"resources\.files\([^)]*trust[^)]*\)[^\n]*polic|resources\.files\([^)]*trust\.policy")
    found = {path for path, content in modules() if path.startswith("helhed/") and reads.search(content)}
    assert found == {"helhed/trust/policy/__init__.py"}


@pytest.mark.parametrize("words", [HOSTS, PATHS], ids=["registry hosts", "paths of a machine"])
def test_nothing_names_one_machine_or_one_registry(words):
    """The room called work stands in folders of its own, which are no machine's."""
    read = ((path, re.sub(r"(helhed|unit|\.\.)/work" + "/", "", content)) for path, content in texts())
    assert not [f"{path}: {word}" for path, content in read for word in words if word in content]


def test_no_promises_are_left_in_the_code():
    found = re.compile(rf"\b({'|'.join(PROMISES)})\b")
    published = "helhed/fhir/terminology/core.jsonl"  # the codes of others: one of them is the currency nobody has
    assert not [path for path, content in texts() if path != published and found.search(content)]


def test_text_files_are_clean():
    unclean = [
        path
        for path, content in texts()
        if content and (not content.endswith("\n") or "\r" in content or re.search(r"[ \t]\n", content))
    ]
    assert not unclean, "a line ends in blanks, or the last one does not end"


def test_demo_people_live_in_the_demo_only():
    """All demo people have the middle name Test; no name and no CPR number of anybody stands in the code."""
    person = re.compile(r"\b[A-ZÆØÅ][a-zæøå]+ Test [A-ZÆØÅ][a-zæøå]+")
    number = re.compile(r"(?<![\w-])(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d\d-?\d{4}(?![\w-])")
    places = ("helhed/", "tools/", "bench/")
    for path, content in texts():
        if path.startswith(places) and path.endswith((".py", ".sql", ".html", ".js", ".json")):
            assert not person.search(content), path
            assert not number.search(content), path


def test_time_is_asked_of_the_clock():
    """Deadlines and validities are decided by the injected clock, so that tests and replays can set it."""
    clocks = re.compile(r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time)\(")
    allowed = {"helhed/foundation/clock.py"}
    assert not [path for path, content in modules("helhed") if clocks.search(content) and path not in allowed]


def test_tests_wait_for_events_not_for_time():
    sleeping = re.compile(r"\b(time|asyncio)\.sleep\((?!0\))")
    tests = [(path, content) for path, content in modules("tests") if path.rsplit("/", 1)[-1].startswith("test_")]
    assert tests
    assert not [path for path, content in tests if sleeping.search(content)]


def test_asks_are_made_where_a_caller_was_authenticated():
    """The tokens of the API door, the sessions of the portals; import and demo load, each as its own custodian."""
    makers = ("helhed/trust/", "helhed/portals/rooms/", "helhed/exchange/foreign/", "helhed/commands/demo_world.py")
    made = [path for path, content in modules("helhed") if re.search(r"(?<![\w.])Ask\(", content)]
    assert not [path for path in made if not path.startswith(makers)]


def test_the_two_forms_of_the_decision_do_not_know_each_other():
    """The reference is for reading and for tests; nothing that serves imports it, and it knows no database."""
    form = "helhed/trust/reference/"
    users = [
        path
        for path, content in modules("helhed")
        if re.search(r"\btrust(\.| import )reference\b", content) and not path.startswith(form)
    ]
    reference = "".join(content for path, content in modules("helhed") if path.startswith(form))
    assert "def decide(" in reference
    assert not users
    assert not re.search(r"helhed\.fhir\.store|helhed\.foundation\.database|asyncpg|migrations/", reference)


def test_migrations_are_numbered_without_gaps_and_state_their_phase():
    for folder in sorted(ROOT.glob("helhed/*/migrations")):
        files = sorted(folder.glob("*.sql"))
        assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1)), folder
        assert not [path.name for path in files if not path.read_text("utf-8").startswith("-- Phase: ")]


def test_every_rooms_migrations_run():
    rooms = {folder.parent.name for folder in ROOT.glob("helhed/*/migrations")}
    assert rooms == set(PACKAGES)


def test_migration_phases_are_known():
    for path in sorted(ROOT.glob("helhed/*/migrations/*.sql")):
        phase = path.read_text("utf-8").removeprefix("-- Phase: ").split(".", 1)[0]
        assert phase in {"first", "pre", "post"}, path.name


def _function_sizes() -> Iterator[tuple[str, int]]:
    for path, content in modules("helhed", "tools", "bench"):
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.name}:{node.lineno}", _body_lines(node)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, the docstring not counted."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1
