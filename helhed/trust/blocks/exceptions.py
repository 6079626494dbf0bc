"""What a block cannot do, and what law says besides: dated data of ``policy/exceptions.json``, told before a block is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from helhed.trust.policy import document


@dataclass(frozen=True, slots=True)
class LegalException:
    """One of them."""

    name: str
    hidden_here: bool  #: whether a block in this network hides it all the same
    types: tuple[str, ...]  #: the resource types it is about
    danish: str
    english: str
    law: str


@dataclass(frozen=True, slots=True)
class Exceptions:
    """All of them."""

    dated: date
    confirmed: bool  #: by a lawyer
    all: Sequence[LegalException]

    def told(self, language: str) -> list[tuple[str, str]]:
        """Sentence and law of each."""
        return [(one.danish if language == "da" else one.english, one.law) for one in self.all]


@cache
def exceptions() -> Exceptions:
    """The exceptions that this version of the network carries."""
    found = document("exceptions.json")
    return Exceptions(
        date.fromisoformat(found["date"]),
        found["confirmed_by_a_lawyer"],
        tuple(
            LegalException(
                one["exception"], one["here"] == "hidden", tuple(one["types"]), one["da"], one["en"], one["law"]
            )
            for one in found["exceptions"]
        ),
    )
