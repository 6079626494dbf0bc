"""Two verifiers that share nothing but the format agree on every honest and every forged export."""

import json
from pathlib import Path

import pytest

from tests.support.forgeries import FOLDER, written
from tests.unit.evidence.verifiers import word_of, words_of_the_browser

FILES = sorted(FOLDER.glob("*.json"))


def test_the_vectors_are_those_that_are_made() -> None:
    """`python -m tests.support.forgeries` writes them."""
    assert {path.name: path.read_text("utf-8") for path in FILES} == written()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_verifier_of_the_command_says_what_is_wrong(file: Path) -> None:
    vector = json.loads(file.read_text("utf-8"))
    assert word_of(vector["export"], vector["trusted"]) == vector["expected"]


def test_the_verifier_of_the_browser_says_the_same() -> None:
    expected = {path.name: json.loads(path.read_text("utf-8"))["expected"] for path in FILES}
    assert words_of_the_browser(FILES) == expected
