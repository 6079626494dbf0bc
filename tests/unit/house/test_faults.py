"""The page of faults and attacks names tests that are there, and leaves out no attack on the store."""

import re

from tests.unit.house.files import ROOT

PAGE = ROOT / "docs" / "explanation" / "faults.md"
LAST_ON_THE_STORE = 51


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE.read_text("utf-8"))
    assert len(named) > LAST_ON_THE_STORE
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    ]
    assert not missing


def test_every_attack_on_the_store_has_its_line() -> None:
    _, _, attacks = PAGE.read_text("utf-8").partition("## Attacks")
    lines = re.findall(r"^\| (\d.*?) \|", attacks, re.MULTILINE)
    told = {int(number) for line in lines for number in re.findall(r"\b\d+\b(?! [GM]i?B)", line)}
    assert not set(range(1, LAST_ON_THE_STORE + 1)) - told
