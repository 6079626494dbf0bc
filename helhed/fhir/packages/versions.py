"""Which installed version serves one that was asked for.

The exact version when it is there; of a wildcard (``2.x``, ``current``) the newest that fits; else the newest installed,
and whoever asked is told so. MedCom's packages ask for older DK Core versions than the one a network runs on, and a
network checks against one.
"""

import re
from collections.abc import Iterable

_PIECE = re.compile(r"\d+|[a-z]+", re.IGNORECASE)
_ANY = frozenset({"current", "dev", "latest", "*"})


def newness(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]:
    """A key that sorts versions, oldest first; a version with a label (-ballot) stands before the one without."""
    numbers, dash, label = version.partition("+")[0].partition("-")
    digits = tuple(int(piece) if piece.isdecimal() else 0 for piece in numbers.split(".")[:8])
    pieces = tuple((1, int(p), "") if p.isdecimal() else (2, 0, p.lower()) for p in _PIECE.findall(label))
    return digits, not dash, pieces


def newest(versions: Iterable[str]) -> str | None:
    """The newest of some versions, None of none."""
    return max(versions, key=newness, default=None)


def chosen(asked: str, installed: Iterable[str]) -> str | None:
    """The installed version that serves ``asked``, None when nothing is installed."""
    there = list(installed)
    if asked in there:
        return asked
    prefix = asked[:-1] if asked.endswith((".x", ".*")) else ""
    fitting = [one for one in there if prefix and one.startswith(prefix)]
    return newest(fitting or there)


def fits(asked: str, version: str) -> bool:
    """Whether a version is what was asked for, and not only what there is."""
    wild = asked.endswith((".x", ".*")) and version.startswith(asked[:-1])
    return not asked or asked in _ANY or asked == version or wild
