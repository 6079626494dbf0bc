"""The rows behind subscriptions: every statement of this room."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate, chain
from typing import Any, NamedTuple
from uuid import UUID

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Connection, Pool
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.subscriptions.notices import Event
from helhed.trust.subscriptions.reading import Wanted
from helhed.trust.subscriptions.shape import bounds

KEPT = b""  #: the headers as they were
_TYPE = TYPE_NUMBERS["Subscription"]
_MOST_SEEN = 1000
_PUT = "select trust.put_subscription($1::fhir.ask, $2::trust.subscription, $3, $4, $5)"
_DROP = "select trust.drop_subscription($1::fhir.ask, $2, $3)"
_SEEN = "select * from trust.subscriptions_seen($1::fhir.ask, $2, $3::smallint, $4::smallint, $5)"
_AGAIN = "select * from trust.events_again($1::fhir.ask, $2, $3, $4, $5::jsonb, $6, $7)"
_CLAIM = "select * from trust.claim_subscriptions($1, $2, $3, $4)"
#: of each event, what stands behind the end of the one before it
_CHANGES = """
select fhir.note_changes(($3::uuid[])[coalesce(($1::int[])[e.n - 1], 0) + 1:e.last], ($2::timestamptz[])[e.n])
from unnest($1::int[]) with ordinality e(last, n) order by e.n"""
_TELL = "select * from trust.tell_events($1, $2, $3, $4::jsonb, $5)"


class Seen(NamedTuple):
    """A subscription as whoever may see it sees it."""

    id: UUID
    body: bytes
    version: int
    changed_at: datetime
    status: str
    error: str | None
    type_name: str
    criteria: str
    content: str
    told: int
    own: bool  #: the asker's, and not seen as an operator


class Claimed(NamedTuple):
    """A subscription that is this worker's to look after for a while."""

    id: UUID
    type_name: str
    criteria: str
    endpoint: str
    headers: bytes | None
    content: str
    patience: timedelta
    most: int
    status: str
    told: int
    attempts: int
    beat: bool  #: nothing was said for as long as its heartbeat


class Subscriptions:
    """What the owner does."""

    def __init__(self, pool: Pool, *, demo: bool) -> None:
        self._pool = pool
        self._demo = demo

    async def put(
        self,
        ask: Ask,
        identifier: UUID,
        wanted: Wanted,
        citizen: int | None,
        kept: tuple[bytes, bytes | None],
        known: int | None,
    ) -> str | None:
        """Made, or changed where a version is ``known`` (0: any). ``kept`` are its body and its sealed headers. What hinders it, if anything does."""
        body, headers = kept
        nothing = datetime.min.replace(tzinfo=ask.at.tzinfo)
        row = (
            identifier, int(ask.kind), ask.actor, ask.organisation, ask.role, int(ask.purpose), ask.client, None, ask.allowance,
            TYPE_NUMBERS[wanted.criteria.type_name], citizen, wanted.criteria.search, body, wanted.endpoint, headers, wanted.content,
            wanted.heartbeat, wanted.patience, wanted.most, wanted.ends_at, 0, ask.at, ask.at, wanted.status, None, 0, 0, 0,
            nothing, nothing, None,
        )  # fmt: skip
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            most = bounds().most_of_one_owner
            return await connection.fetchval(_PUT, ask_row(ask), row, known, most, self._demo)  # type: ignore[no-any-return]

    async def drop(self, ask: Ask, identifier: UUID, known: int | None) -> str | None:
        """Ended and forgotten. What hinders it, if anything does."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            return await connection.fetchval(_DROP, ask_row(ask), identifier, known)  # type: ignore[no-any-return]

    async def seen(self, ask: Ask, identifier: UUID | None, action: Action | None) -> list[Seen]:
        """Those that the asker may see, newest first; a look where there is an ``action``."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(
                _SEEN, ask_row(ask), identifier, _TYPE, None if action is None else int(action), _MOST_SEEN
            )
        return [_seen(row) for row in rows]

    async def again(self, ask: Ask, one: Seen, between: tuple[int, int], plan: str, *, content: str) -> list[Event]:
        """Events of one's own that were told before, as they may be told now."""
        async with lend(self._pool) as connection:
            rows = await connection.fetch(
                _AGAIN, ask_row(ask), one.id, *between, plan, bounds().most_events, content == "full-resource"
            )
        return [_event(row) for row in rows]


class Deliveries:
    """What is done to deliver."""

    def __init__(self, pool: Pool, *, demo: bool) -> None:
        self._pool = pool
        self._demo = demo

    async def claim(self, now: datetime, most: int, lease: timedelta) -> list[Claimed]:
        """Turns off what may go on no more, and takes what may need something."""
        async with lend(self._pool) as connection:
            await connection.execute("select trust.stop_subscriptions($1, $2)", now, self._demo)
            rows = await connection.fetch(_CLAIM, now, lease, most, bounds().at_once_of_one_owner)
        names = [name for name in Claimed._fields if name != "type_name"]
        return [Claimed(type_name=TYPE_NAMES[row["type"]], **{name: row[name] for name in names}) for row in rows]

    async def has_events(self, identifier: UUID, now: datetime, plan: str) -> bool:
        """Whether there is anything to tell; nothing is told by it."""
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval("select trust.has_events($1, $2, $3::jsonb)", identifier, now, plan))

    async def tell(self, identifier: UUID, now: datetime, trace: UUID, plan: str) -> list[Event]:
        """What is told now: decided now, and logged durably before this returns."""
        async with lend(self._pool) as connection:
            return [_event(row) for row in await connection.fetch(_TELL, identifier, now, trace, plan, self._demo)]

    async def taken(self, identifier: UUID, now: datetime, lease: timedelta, events: Sequence[Event] = ()) -> None:
        """The other side has it; the subscription is this worker's for a while longer."""
        async with lend(self._pool) as connection:
            numbers = [one.number for one in events]
            await connection.execute("select trust.events_taken($1, $2, $3, $4)", identifier, now, numbers, lease)

    async def refused(self, identifier: UUID, now: datetime, why: str, again: datetime) -> bool:
        """The other side has it not. Whether it is set aside now."""
        statement = "select trust.events_refused($1, $2, $3, $4, $5)"
        async with lend(self._pool) as connection:
            return bool(await connection.fetchval(statement, identifier, now, why, again, bounds().attempts))

    async def release(self, identifier: UUID) -> None:
        """Others may look after it."""
        async with lend(self._pool) as connection:
            await connection.execute("select trust.release_subscription($1)", identifier)

    async def forget(self, now: datetime) -> None:
        """Lets go of what is old."""
        kept, off = timedelta(days=bounds().kept_days), timedelta(days=bounds().off_days)
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            await connection.execute("select trust.forget_subscriptions($1, $2)", now - kept, now - off)


async def note_changes(connection: Connection, events: Sequence[Any]) -> None:
    """Takes up events of the store, oldest first, for whoever follows what they tell of."""
    ids = [[UUID(one) for one in event["ids"]] for event in events]
    ends = list(accumulate(len(some) for some in ids))
    moments = [datetime.fromisoformat(event["at"]) for event in events]
    await connection.execute(_CHANGES, ends, moments, list(chain.from_iterable(ids)))


def _seen(row: Any) -> Seen:
    names = [name for name in Seen._fields if name != "type_name"]
    return Seen(type_name=TYPE_NAMES[row["type"]], **{name: row[name] for name in names})


def _event(row: Any) -> Event:
    return Event(row["number"], TYPE_NAMES[row["type"]], row["id"], row["version"], row["at"], row["body"])
