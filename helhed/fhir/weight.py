"""How much work a document is, told from its bytes before any of it is parsed.

Bytes are a poor measure: twelve megabytes of scanned letter are one string, and cost next to nothing; four megabytes of
small elements are two hundred thousand things to check and to index.
"""

import re

from helhed.foundation.errors import Issue, TooLarge

#: what stands between two strings, and the string after it; one that never ends reaches to the end
_PIECE = re.compile(rb'([^"]*+)(?:"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))?', re.DOTALL)
_MARKS = (b"{", b"[", b",")


def heavier_than(most: int, raw: bytes) -> bool:
    """Whether a document holds more than ``most`` properties, list items, objects and lists, about."""
    if _marks_in(raw) <= most:
        return False
    found = 0
    for piece in _PIECE.finditer(raw):  # marks in strings are text; it ends as soon as it is certain
        found += _marks_in(piece[1])
        if found > most:
            return True
    return False


def _marks_in(raw: bytes) -> int:
    return sum(raw.count(mark) for mark in _MARKS)


def check_weight(raw: bytes, most: int, where: str = "") -> None:
    """Raises TooLarge for a document of more than ``most`` elements. ``where`` is its FHIRPath."""
    if heavier_than(most, raw):
        told = f"A resource holds at most {most} elements here: send it as several."
        raise TooLarge(issues=[Issue("too-costly", told, where)])
