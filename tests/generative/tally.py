"""Invariant 27: a generated policy test in which too few cases have something to hide was no test. Every suite counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LEAST_WITH_SOMETHING_HIDDEN = 0.30


@dataclass
class Tally:
    """Cases of one suite, and those in which a hidden row matches what is asked for."""

    cases: int = 0
    hidden: int = 0

    def met(self, *, hidden: bool) -> None:
        """One case."""
        self.cases += 1
        self.hidden += hidden


@contextmanager
def counted() -> Iterator[Tally]:
    """A suite that counts; raises AssertionError at its end when it had too little to hide."""
    tally = Tally()
    yield tally
    assert tally.hidden >= LEAST_WITH_SOMETHING_HIDDEN * tally.cases, tally
