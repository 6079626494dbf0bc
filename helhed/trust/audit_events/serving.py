"""Serves ``AuditEvent`` (``helhed.fhir.virtual``)."""

from collections.abc import Sequence
from uuid import UUID

from helhed.fhir.changes import Change, Version, Written
from helhed.fhir.virtual import Found, VirtualShape, Wish
from helhed.foundation.ask import ActorKind, Ask
from helhed.trust.audit_events.delivering import Deliveries
from helhed.trust.audit_events.filters import filter_of, patients_of
from helhed.trust.audit_events.rendering import rendered
from helhed.trust.audit_events.shape import AUDIT_EVENTS, row_of
from helhed.trust.log.reader import LogReader


class AuditEvents:
    """The log over FHIR."""

    shape: VirtualShape = AUDIT_EVENTS

    def __init__(self, reader: LogReader, deliveries: Deliveries) -> None:
        self._reader = reader
        self._deliveries = deliveries

    async def versions(self, ask: Ask, identifier: UUID) -> Sequence[Version]:
        """The one version of a row of the own log. Somebody else's log is searched, by its patient."""
        row = row_of(identifier)
        if row is None or ask.kind is not ActorKind.CITIZEN:
            return ()
        page = await self._reader.page(ask, {"ids": [row]}, limit=1)
        return [rendered(look) for look in page.looks]

    async def search(self, ask: Ask, wish: Wish) -> Found | None:
        """A page of a log: the own, or that of the one patient who is named."""
        patients = patients_of(wish)
        if ask.kind is ActorKind.SYSTEM or (patients is not None and len(patients) != 1):
            return None
        patient = patients[0] if patients else None
        if patient is None and ask.kind is not ActorKind.CITIZEN:
            return None
        if not await self._reader.reaches(ask, patient):
            return None
        page = await self._reader.page(ask, filter_of(wish), limit=max(wish.most, 1), patient=patient)
        shown = [rendered(look) for look in page.looks][: wish.most]
        return Found(shown, page.total if wish.total else None, page.after or () if wish.most else ())

    async def change(self, ask: Ask, changes: Sequence[Change]) -> Sequence[Written]:
        """Events that a source delivers from its own log: all of these or none, each at most once."""
        return await self._deliveries.take(ask, changes)
