"""The citizen's log as pages show it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.foundation.errors import BadRequest
from helhed.portals import ports
from helhed.portals.ports.log_desk import LogWish
from helhed.trust.audit_events.delivering import Deliveries, LogSource
from helhed.trust.audit_events.rendering import rendered
from helhed.trust.log.citizen_log import CitizenLog
from helhed.trust.log.reader import LogReader, Look, Met

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HIDING = frozenset({Action.MASK, Action.UNMASK, Action.MASK_PART, Action.UNMASK_PART})
_PURGES = frozenset({Action.PROPOSE_PURGE, Action.WITHDRAW_PURGE, Action.PURGE})
_LONGEST_CURSOR, _MOST_PAGES = 40, 100
_WITHHELD = "w:"
_CHANGES = (
    Action.CREATE, Action.UPDATE, Action.DELETE, Action.PROPOSE_PURGE, Action.WITHDRAW_PURGE, Action.PURGE, Action.RETAIN_NO_LONGER,
)  # fmt: skip
_OVERRIDE = 8
#: a look-up carries the basis of broken glass when no relation gives another, and breaks nothing
_NO_LOOK_UP = [int(one) for one in Action if one is not Action.LOOKUP]
#: what each choice of the page lets through, in the words of ``trust.log_page``
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "alt": {}, "andre": {"others": True}, "egne": {"others": False}, "afvist": {"permitted": False},
    "systemer": {"kinds": [int(ActorKind.SYSTEM)]}, "noed": {"emergency": True, "actions": _NO_LOOK_UP}, "afleveret": {"delivered": True},
    "rettelser": {"others": True, "permitted": True, "actions": [int(one) for one in _CHANGES]},
}  # fmt: skip


class PortalLog:
    """The citizen's log, paged."""

    def __init__(self, reader: LogReader, log: CitizenLog, deliveries: Deliveries) -> None:
        self._reader = reader
        self._log = log
        self._deliveries = deliveries

    async def entries(
        self, ask: Ask, since: datetime, until: datetime, cursor: str | None, limit: int
    ) -> ports.LogPage:
        """Newest first. BadRequest for a cursor that is none."""
        return await self._page(ask, LogWish(since, until, cursor, limit=limit), whole_days=False)

    async def page(self, ask: Ask, wish: LogWish) -> ports.LogPage:
        """The same, as a wish says; no day is parted."""
        return await self._page(ask, wish, whole_days=True)

    async def page_of(self, ask: Ask, citizen: int, wish: LogWish) -> ports.LogPage:
        """The log of somebody whom the asker acts for; that a clinician hid something is not told of."""
        found = await self._reader.page(
            ask, await self._wanted(ask, wish), limit=wish.limit, patient=citizen, whole_days=True
        )
        after = None if found.after is None else _cursor(*found.after)
        told = [_entry(one, {}) for one in found.looks if not _is_hidden(one)]
        return ports.LogPage(told, after, found.total)

    async def _page(self, ask: Ask, wish: LogWish, *, whole_days: bool) -> ports.LogPage:
        wanted = await self._wanted(ask, wish)
        found = await self._reader.page(ask, wanted, limit=wish.limit, whole_days=whole_days)
        notes = await self._purges(ask, found.looks)
        after = None if found.after is None else _cursor(*found.after)
        return ports.LogPage([_entry(one, notes) for one in found.looks], after, found.total)

    async def _wanted(self, ask: Ask, wish: LogWish) -> dict[str, Any]:
        told: dict[str, Any] = {"since": wish.since.isoformat(), "until": wish.until.isoformat(), **_KINDS[wish.kind]}
        if wish.cursor:
            told["after"] = _after(wish.cursor)
        if wish.row is not None:
            told["ids"] = [wish.row]
        if wish.place is not None:
            told["organisations"] = [wish.place]
        if wish.person:
            told["people"] = [await self._person(ask, wish.person, wish.since)]
        if wish.text:
            told["text"] = dict(wish.text)
        return told

    async def _person(self, ask: Ask, person: str, since: datetime) -> dict[str, Any]:
        """Whom a choice of the page names: by key, or by the pseudonym of somebody whose name is withheld."""
        nobody = {"kind": 0, "actor": 0, "withheld": False}
        if person.startswith(_WITHHELD):
            return await self._reader.behind(ask, person.removeprefix(_WITHHELD), since) or nobody
        kind, _, key = person.partition(":")
        if not (kind.isdecimal() and len(kind) == 1 and key.lstrip("-").isdecimal() and len(key) <= 20):
            return nobody
        return {"kind": int(kind), "actor": int(key), "withheld": False}

    async def bundle(self, ask: Ask, wish: LogWish) -> bytes:
        """The same as AuditEvents, every page of it."""
        wanted, events = await self._wanted(ask, wish), []
        for _ in range(_MOST_PAGES):
            found = await self._reader.page(ask, wanted, limit=wish.limit)
            events += [rendered(look).body for look in found.looks]
            if found.after is None:
                break
            wanted["after"] = list(found.after)
        entries = b",".join(b'{"resource":' + body + b"}" for body in events)
        head = b'{"resourceType":"Bundle","type":"collection"'
        return head + (b',"entry":[' + entries + b"]}" if entries else b"}")

    async def met(self, ask: Ask, since: datetime) -> Sequence[Met]:
        """Who and where is met in the own log."""
        return await self._reader.choices(ask, since)

    async def sources(self, ask: Ask) -> Sequence[LogSource]:
        """How whole the logs of others are."""
        return await self._deliveries.sources(ask)

    async def _purges(self, ask: Ask, looks: Sequence[Look]) -> dict[UUID, ports.PurgeNote]:
        named = [row for one in looks if one.action in _PURGES and one.permitted for row in one.resources]
        return {
            one.id: ports.PurgeNote(
                one.wrongly, one.ground, one.case_number, one.proposer, one.approver, one.done_at, one.rows,
                one.versions, one.seal,
            )
            for one in (await self._log.purges(ask, named) if named else ())
        }  # fmt: skip


def _cursor(moment: str, row: str) -> str:
    return f"{(datetime.fromisoformat(moment) - _EPOCH) // timedelta(microseconds=1)}.{row}"


def _after(cursor: str) -> list[str]:
    micros, _, row = cursor.partition(".")
    if not (micros.isdecimal() and row.isdecimal() and len(cursor) <= _LONGEST_CURSOR and int(row) < 2**63):
        raise BadRequest("The page link is not one of ours: start again.")
    try:
        return [(_EPOCH + timedelta(microseconds=int(micros))).isoformat(), row]
    except OverflowError:
        raise BadRequest("The page link is not one of ours: start again.") from None


def _is_hidden(one: Look) -> bool:
    """Whether a row tells of nothing but what is hidden from the reader, or of the hiding."""
    of_rows = one.action <= Action.OVERVIEW and bool(one.resources)
    return one.action in _HIDING or (of_rows and not one.seen)


def _entry(one: Look, notes: Mapping[UUID, ports.PurgeNote]) -> ports.LogEntry:
    types = one.type_names or tuple(one.local.get("types", ())) or ((one.type_name,) if one.type_name else ())
    return ports.LogEntry(
        one.id, one.moment, ActorKind(one.kind), one.actor or 0, one.actor_name, one.organisation,
        one.organisation_name, one.role, one.purpose, one.action, one.permitted, one.basis, types, len(one.resources),
        one.principal_name, one.as_other, next((notes[row] for row in one.resources if row in notes), None),
        pseudonym=one.pseudonym, person=person_of(one.kind, one.actor, one.pseudonym), source_name=one.source_name,
        arrived=one.at if one.source is not None or one.action == Action.OPEN_OFFLINE else None, late=bool(one.local.get("late")),
        local_role=str(one.local.get("role", "")), reason=str(one.local.get("reason", "")),
        app=one.client_name or "", ticket=str(one.ticket or ""), request=str(one.trace),
    )  # fmt: skip


def person_of(kind: int, actor: int | None, pseudonym: str) -> str:
    """By which a page chooses somebody."""
    return f"{_WITHHELD}{pseudonym}" if pseudonym else f"{kind}:{actor}"
