"""The job that looks at looks: takes the log in by its position, judges what is due, scores whom it concerns, opens cases.

Each run does a bounded piece of work, in statements of their own, and the rest waits for the next. One worker at a time takes in
(an advisory lock in the database); scoring twice changes nothing, as a case has each signal once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from helhed.foundation.database import Connection, Pool
from helhed.foundation.lend import lend
from helhed.trust.watch.doors import DoorEvents, Hour, door, traffic
from helhed.trust.watch.policy import WatchPolicy, watch_policy
from helhed.trust.watch.signals import Found, figures_of, score, signals_of

_IDENTIFY = "select trust.watch_identify($1)"
_TAKE_IN = "select taken, until from trust.watch_take_in($1, $2, $3)"
_CONFIRM = "select trust.watch_confirm($1, $2, $3)"
_REFRESH = "select trust.watch_refresh($1, $2, $3)"
_FIGURES = "select subject, last_at, figures::text from trust.watch_figures($1, $2)"
_HOURS = "select client, organisation, asks, days, middle, spread from trust.watch_hours($1)"
_DOORS = "select about, kind, times, places, organisation, first_at from trust.watch_doors($1, $2)"
_PATIENCE = "set local statement_timeout = 60000"  #: a busy hour, and once a day what is usual: nobody waits for them
_SECONDS = "select subject, times, first_at from trust.watch_seconds($1, $2, $3)"
_RAISE = "select trust.watch_raise($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)"
_MOST_STRETCHES = 24
_MOST_AT_ONCE = 2000
_DOOR_STRETCH = timedelta(hours=1)
_BETWEEN_IDENTIFYING = timedelta(minutes=10)


@dataclass(slots=True)
class Done:
    """What one run did."""

    rows: int = 0
    scored: int = 0
    raised: int = 0
    until: datetime | None = None


class WatchJob:
    """Runs as the application: it may call these functions, and they tell it numbers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._hour_done: datetime | None = None
        self._identified: datetime | None = None

    async def run(self, moment: datetime) -> Done:
        """One bounded run at ``moment``. Raises DatabaseAway, Overloaded."""
        held, done = watch_policy(), Done()
        async with lend(self._pool) as connection:
            await self._identify(connection, moment)
            await self._take_in(connection, moment, held, done)
            if done.until is not None and moment - done.until < timedelta(hours=1):
                async with connection.transaction():
                    await connection.execute(_PATIENCE)
                    await connection.fetchval(_REFRESH, moment, held.keep_looks, held.keep_events)
            at = min(moment, done.until) if done.until else moment
            await connection.fetchval(_CONFIRM, at, held.confirm, _MOST_AT_ONCE)
            await self._people(connection, at, held, done)
            await self._seconds(connection, moment, held, done)
            await self._traffic(connection, at, held, done)
            await self._doors(connection, moment, held, done)
        return done

    async def _identify(self, connection: Connection, moment: datetime) -> None:
        """Who newly employed professionals are: now and then, and at once again while there are more."""
        if self._identified is None or abs(moment - self._identified) >= _BETWEEN_IDENTIFYING:
            many = await connection.fetchval(_IDENTIFY, _MOST_AT_ONCE)
            self._identified = None if many == _MOST_AT_ONCE else moment

    async def _take_in(self, connection: Connection, moment: datetime, held: WatchPolicy, done: Done) -> None:
        for _ in range(_MOST_STRETCHES):
            async with connection.transaction():
                await connection.execute(_PATIENCE)
                ((taken, until),) = await connection.fetch(_TAKE_IN, moment, held.stretch, held.overlap)
            done.rows += taken
            done.until = until or done.until
            if until is None or until >= moment or done.rows >= 100 * _MOST_AT_ONCE:
                return

    async def _people(self, connection: Connection, at: datetime, held: WatchPolicy, done: Done) -> None:
        rows = await connection.fetch(_FIGURES, at, held.most_scored)
        done.scored += len(rows)
        for row in rows:
            told: dict[str, Any] = orjson.loads(row["figures"])
            found = signals_of(figures_of(told))
            if score(found) >= held.case_points:
                first = datetime.fromisoformat(told["first_at"]) if told.get("first_at") else row["last_at"]
                done.raised += await _raise(connection, held, "person", row["subject"], "", None, at, first, found)

    async def _seconds(self, connection: Connection, moment: datetime, held: WatchPolicy, done: Done) -> None:
        """Two who confirm at the counter for each other, again and again."""
        rule = held.rules["seconds"].numbers
        days, points = rule["days"], round(rule["points"])
        for row in await connection.fetch(_SECONDS, moment, timedelta(days=days), round(rule["at_least"])):
            found = Found("seconds", points, {"n": row["times"], "days": days})
            done.raised += await _raise(
                connection, held, "person", row["subject"], "", None, moment, row["first_at"], [found]
            )

    async def _traffic(self, connection: Connection, at: datetime, held: WatchPolicy, done: Done) -> None:
        """Once for each hour that is over."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        if hour == self._hour_done:
            return
        for row in await connection.fetch(_HOURS, hour):
            found = traffic(Hour(*row), held.rules)
            if found:
                about, place = row["client"], row["organisation"]
                done.raised += await _raise(connection, held, "traffic", None, about, place, at, hour, [found])
        self._hour_done = hour

    async def _doors(self, connection: Connection, moment: datetime, held: WatchPolicy, done: Done) -> None:
        for row in await connection.fetch(_DOORS, moment, _DOOR_STRETCH):
            found = door(DoorEvents(row["about"], row["kind"], row["times"], row["places"]), held.rules)
            if found:
                done.raised += await _raise(
                    connection, held, "credentials", None, row["about"], row["organisation"], moment, row["first_at"], [found]
                )  # fmt: skip


async def _raise(
    connection: Connection,
    held: WatchPolicy,
    kind: str,
    subject: int | None,
    about: str,
    organisation: int | None,
    at: datetime,
    first: datetime,
    found: list[Found],
) -> bool:
    """Whether a case was opened; one that is open gets the signals."""
    signals = [{"signal": one.signal, "points": one.points, "figures": dict(one.figures)} for one in found]
    deadline = held.states["new"].deadline
    due = at + deadline if deadline else at
    told = orjson.dumps(signals).decode()
    return bool(
        await connection.fetchval(_RAISE, kind, subject, about, organisation, at, first, score(found), told, due)
    )
