"""The completeness manifest of a look: which sources answered, which did not, how old each answer is, and which may hold back.

"Does not answer" is not "has nothing". Nothing here depends on a block: who is asked, and how long it takes, is the same with and without.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Said(StrEnum):
    """What a source said to this look."""

    ANSWERED = "answered"  #: now, or so lately that it was not asked again
    LAST_ANSWER = "last-answer"  #: it did not answer; what it said before is shown
    SILENT = "silent"  #: it did not answer, and nothing of it is shown
    PAUSED = "paused"  #: an operator asks it nothing
    DELIVERS = "delivers"  #: it is not asked: it stores here, or sends messages


@dataclass(frozen=True, slots=True)
class Told:
    """One source in it."""

    source: UUID
    organisation: UUID
    name: str
    kind: str
    said: Said
    at: (
        datetime | None
    )  #: when it gave the answer that is shown; of one that delivers, when it last delivered anything about anybody
    withholds: bool  #: it may hold back without saying so
    dropped: int = 0  #: parts of its answer that could not be used
    fault: str = ""  #: why it did not answer (helhed.record.live.faults)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All sources of the network, as they concern one look."""

    told: tuple[Told, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.told)

    @property
    def whole(self) -> bool:
        """Whether everybody who was to be asked answered, and all of it could be used."""
        return all(one.said in {Said.ANSWERED, Said.DELIVERS} and not one.dropped for one in self.told)


NOTHING_ASKED = Manifest()
