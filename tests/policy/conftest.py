"""Golden files: what is printed must be what was reviewed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

_UPDATE = "HELHED_UPDATE_GOLDEN"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with the file of that name beside the tests; ``HELHED_UPDATE_GOLDEN=1`` writes it instead."""
    return _compare


def _compare(name: str, text: str) -> None:
    path = Path(__file__).parent / name
    if os.environ.get(_UPDATE) == "1":
        path.write_text(text, "utf-8")
    reviewed = path.read_text("utf-8") if path.exists() else ""
    assert reviewed == text, f"{name} is not what was reviewed: look at it with {_UPDATE}=1 and git diff"
