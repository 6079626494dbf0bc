"""Decided reads: many asks in one statement, each answered only after its log row is durable."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from helhed.fhir.changes import Version
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.batcher import Batcher
from helhed.foundation.errors import Gone, Unknown
from helhed.foundation.lanes import Lanes

_READ_MANY = "select n, outcome, version, updated, body from fhir.read_many($1::fhir.ask[], $2::smallint[], $3::uuid[])"
_HERE, _DELETED = 1, 2


class Wanted(NamedTuple):
    """One read: an ask and what it names."""

    ask: Ask
    type_name: str
    id: UUID | None


class ReadMany:
    """The statement behind every read by id."""

    def __init__(self, lanes: Lanes, *, batch_size: int, queue_limit: int) -> None:
        self._lanes = lanes
        self.batcher: Batcher[Wanted, Version] = Batcher(
            self._run, lanes=lanes.count, batch_size=batch_size, queue_limit=queue_limit
        )

    async def _run(self, wanted: Sequence[Wanted]) -> Sequence[Version | Exception]:
        asks = [ask_row(one.ask) for one in wanted]
        types = [TYPE_NUMBERS[one.type_name] for one in wanted]
        async with self._lanes.lane() as lane:
            rows = await lane.fetch(_READ_MANY, asks, types, [one.id for one in wanted])
        answers: list[Version | Exception] = [Unknown()] * len(wanted)
        for n, outcome, version, updated, body in rows:
            if outcome == _HERE:
                one = wanted[n - 1]
                answers[n - 1] = Version(one.type_name, _known(one.id), version, updated, body)
            elif outcome == _DELETED:
                answers[n - 1] = Gone()
        return answers


def _known(identifier: UUID | None) -> UUID:
    assert identifier is not None
    return identifier


def version_from(type_name: str, identifier: UUID, row: Any) -> Version:
    """A version from a row with ``outcome``, ``version``, ``updated`` and ``body``; raises Unknown or Gone."""
    if row["outcome"] == _DELETED:
        raise Gone
    if row["outcome"] != _HERE:
        raise Unknown
    return Version(type_name, identifier, row["version"], row["updated"], row["body"])
