"""The sample letters: every family in the syntaxes it has. All people in them are made up."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "samples"
NAMES = sorted(path.name for path in FOLDER.iterdir())


@cache
def sample(name: str) -> bytes:
    """The bytes of one sample."""
    return (FOLDER / name).read_bytes()
