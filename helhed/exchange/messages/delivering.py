"""The rest of the way: copies to receivers' own systems, what these answer, and what is told to the sender when nobody takes one.

A receiver's system fetches from its queue, is sent to at its address, or gets files. It acknowledges as any receiver does. The sender was
acknowledged by the network already: a message has one acknowledgement. What cannot be delivered comes back to the sender as a piece of
work, not as a second answer.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from helhed.exchange.legacy import Legacy, decode
from helhed.exchange.legacy.receipts import receipt_read
from helhed.exchange.messages.envelope import Message
from helhed.exchange.messages.folders import Folders
from helhed.exchange.messages.intake import Intake
from helhed.exchange.messages.lettering import OLDER_NAMES, Rendered, rendered
from helhed.exchange.messages.rules import rules
from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError, Unknown, Unprocessable
from helhed.foundation.guarded import Guard, NotFetched, Reach
from helhed.foundation.ids import bucket_of, new_id
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger
from helhed.foundation.proving import Duty, lend_proven, prove
from helhed.foundation.rounds import in_rounds
from helhed.foundation.settings import Settings
from helhed.registries.addressing import delivered, routes_of
from helhed.work.tasks import task

_HAND_OVER = "select * from exchange.hand_over($1::fhir.ask, $2, $3, $4, $5)"
_SETTLE = "select * from exchange.settle_copy($1::fhir.ask, $2, $3, $4, $5, $6)"
_ADDRESS = "select exchange.address_copies($1, $2, $3, $4::jsonb)"
_FORMS = "select * from exchange.forms_of($1::uuid[])"
_LETTER = "select exchange.note_letter($1, $2, $3, $4)"
_NUMBERED = "select * from exchange.copy_of_number($1::fhir.ask, $2)"
_REASON = "select exchange.note_reason($1, $2)"
_DUE = "select * from exchange.due_receivers($1, $2)"
_NOT_REACHED = "select exchange.not_reached($1, $2, $3, $4)"
_TO_ESCALATE = "select * from exchange.unreached($1)"
_ESCALATED = "select exchange.escalated($1, $2, $3)"
_MOST_FILES = 20  #: in one transaction: each is waited for until it is on the disk
_MOST_AT_ONCE, _MOST_ANSWER_BYTES, _SECONDS_BETWEEN, _PATIENCE_SECONDS = 100, 1 << 20, 5.0, 20.0
_GOOD = frozenset({200, 201, 202, 204})
_OLDER = orjson.dumps(OLDER_NAMES).decode()
#: makes the ask of an organisation's system at a moment
Asks = Callable[[int, datetime], Ask]
#: what has to be done with copies before they count as handed over
First = Callable[[list["Copy"]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a message in an envelope of its own."""

    delivery: UUID
    envelope: UUID
    message: UUID
    type: str
    header: str
    sender: str  #: SOR code
    sent_at: datetime
    attempt: int
    address: str | None
    body: bytes  #: as its sender sent it

    @property
    def enveloped(self) -> bytes:
        """The Bundle in this envelope; what did not come as JSON is given as it came."""
        try:
            bundle = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return self.body
        moment = self.sent_at.isoformat(timespec="milliseconds")
        head = {"resourceType": "Bundle", "id": str(self.envelope)}
        return orjson.dumps({**head, **bundle, "id": str(self.envelope), "timestamp": moment})


class Deliveries:
    """What receivers' systems fetch and answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def hand_over(
        self, ask: Ask, channel: str = "queue", most: int = _MOST_AT_ONCE, first: First | None = None
    ) -> list[Copy]:
        """What waits for the asker's organisation. Each comes again after a while, until it is acknowledged or given up.

        ``first`` is done before any of it counts as handed over: when it raises, all of it waits as before.
        """
        async with self._store.session(ask) as session:
            await prove(session.connection, Duty.STORE)
            patience = rules().acknowledge_within
            rows = await session.connection.fetch(
                _HAND_OVER, ask_row(ask), channel, most, patience, rules().most_resends
            )
            copies = [Copy(*(row[name] for name in Copy.__slots__)) for row in rows]
            if first is not None:
                await first(copies)
        return copies

    async def settle(self, ask: Ask, message: Message) -> str:
        """A receiver's acknowledgement. Raises Unknown for one of what it never got; answered again, it changes nothing."""
        header, code = message.responds
        said = "" if code == "ok" else _said(message)
        return await self.answered(ask, header, message.receiver, code, said)

    async def receipt(self, ask: Ask, letter: Legacy) -> str:
        """A receipt of the older kind (CTL01-03). Raises Unknown for one of an envelope that never went to this organisation."""
        number, code, said = receipt_read(letter)
        async with lend(self._store.pool) as connection:
            row = await connection.fetchrow(_NUMBERED, ask_row(ask), number)
        if row is None:
            raise Unknown("No letter went to this organisation in an envelope of that number.")
        return await self.answered(ask, row["header"], row["sender"], code, said)

    async def answered(self, ask: Ask, header: str, sender: str, code: str, said: str) -> str:
        """The same in plain words. What was taken stands in the address book, as the last delivery by that route."""
        async with self._store.session(ask) as session:
            await prove(session.connection, Duty.STORE)
            later = ask.at + rules().acknowledge_within
            row = await session.connection.fetchrow(_SETTLE, ask_row(ask), header, sender, code, said, later)
            assert row is not None  # it always answers with a row
            told: str = row["told"]
            if told == "acknowledged":
                await _note_route(session.connection, row, ask.at)
        if told == "unknown":
            raise Unknown("No message that is called this was handed to this organisation.")
        return told


@dataclass
class Carrier:
    """Carries copies to the addresses of receivers, and tells senders what came to nothing. One of them at work at a time does; several may."""

    store: Store
    clock: Clock
    asks: Asks
    reach: Reach = field(default_factory=Reach)
    guard: Guard = field(default_factory=Guard)
    folders: Folders | None = None

    async def round(self) -> int:
        """One round; how much was done."""
        done = 0
        await self._address()
        for receiver in await self._due("rest"):
            for copy in await Deliveries(self.store).hand_over(self.asks(receiver, self.clock()), "rest"):
                await self._carry(receiver, copy)
                done += 1
        for receiver in await self._due("file"):
            done += await self._put(receiver)
        return done + await self.escalate()

    async def run(self, stopping: asyncio.Event) -> None:
        """Rounds, until it is stopped."""
        await in_rounds(self.round, stopping, _SECONDS_BETWEEN, "exchange", "a round of messages did not end")

    async def _address(self) -> None:
        """Where each copy goes now; what goes nowhere says why."""
        async with lend_proven(self.store.pool, Duty.STORE) as connection:
            given = rules()
            await connection.execute(_ADDRESS, self.clock(), given.acknowledge_within, given.unaddressed_within, _OLDER)

    async def _due(self, channel: str) -> Sequence[int]:
        async with self.store.pool.acquire() as connection:
            return [row[0] for row in await connection.fetch(_DUE, channel, self.clock())]

    async def _carry(self, receiver: int, copy: Copy) -> None:
        ask = self.asks(receiver, self.clock())
        try:
            out = _rendered(copy, await self._forms([copy]))
            await self._noted(copy, out)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                async with await self.guard.connect(copy.address or "", self.reach) as connection:
                    answer = await connection.send("POST", {"content-type": out.media}, out.body, _MOST_ANSWER_BYTES)
            if answer.status not in _GOOD:
                await self._not_reached(copy, f"The address answered {answer.status}.")
            elif answer.body.strip() and out.number:
                await Deliveries(self.store).receipt(ask, decode(answer.body))
            elif answer.body.strip():
                message = Intake(self.store).read(answer.body)
                if message.responds[0] == copy.header:
                    await Deliveries(self.store).settle(ask, message)
        except (NotFetched, TimeoutError):
            await self._not_reached(copy, "The address was not reached.")
        except Unprocessable as error:
            await self._not_reached(copy, str(error), "cannot-be-said")
        except Exception as error:  # taken, and answered with what is no acknowledgement: it is sent again in its time, and hinders no other copy
            logger("exchange").warning(
                "a receiver answered what cannot be read", delivery=str(copy.delivery), error=error
            )

    async def _forms(self, copies: Sequence[Copy]) -> dict[UUID, str | None]:
        """As what each is taken: the name of an older message, or None."""
        async with lend_proven(self.store.pool, Duty.STORE) as connection:
            rows = await connection.fetch(_FORMS, [one.delivery for one in copies])
        return {row["delivery"]: row["taken_as"] for row in rows}

    async def _noted(self, copy: Copy, out: Rendered) -> None:
        if out.number:
            async with lend_proven(self.store.pool, Duty.STORE) as connection:
                await connection.execute(_LETTER, copy.delivery, out.number, self.clock(), out.told)

    async def _put(self, receiver: int) -> int:
        """Copies as files of the receiver's folder; on the disk before they count as handed over."""
        missed: list[tuple[Copy, str, str]] = []
        put: list[tuple[Copy, Rendered]] = []

        async def first(copies: list[Copy]) -> None:
            forms = await self._forms(copies)
            outs: list[tuple[Copy, Rendered]] = []
            for copy in copies:
                try:
                    outs.append((copy, _rendered(copy, forms)))
                except HelhedError as error:
                    missed.append((copy, str(error), "cannot-be-said"))
                except Exception as error:  # one that nobody foresaw hinders no other
                    logger("exchange").error("a copy could not be written", delivery=str(copy.delivery), error=error)
                    missed.append((copy, "It could not be written as the receiver takes it.", "cannot-be-said"))
            done = await asyncio.to_thread(_put_all, self.folders, receiver, outs)
            put.extend(outs[:done])
            missed.extend((copy, "The folder could not be written to.", "not-reached") for copy, _ in outs[done:])

        copies = await Deliveries(self.store).hand_over(self.asks(receiver, self.clock()), "file", _MOST_FILES, first)
        for copy, out in put:
            await self._noted(copy, out)
        for copy, why, reason in missed:
            await self._not_reached(copy, why, reason)
        return len(copies)

    async def _not_reached(self, copy: Copy, why: str, reason: str = "not-reached") -> None:
        now = self.clock()
        async with self.store.pool.acquire() as connection, connection.transaction():
            await prove(connection, Duty.STORE)  # type: ignore[arg-type]
            await connection.execute(_NOT_REACHED, copy.delivery, now, now + rules().acknowledge_within, why)
            await connection.execute(_REASON, copy.delivery, reason)

    # --- the sender's move ----------------------------------------------------------------------------------------------------

    async def escalate(self) -> int:
        """What reached nobody becomes a piece of work of its sender."""
        async with self.store.pool.acquire() as connection, connection.transaction():
            await prove(connection, Duty.STORE)  # type: ignore[arg-type]
            rows = await connection.fetch(_TO_ESCALATE, _MOST_AT_ONCE)
        done = 0
        for row in rows:
            done += await self._escalate(row)
        return done

    async def _escalate(self, row: Any) -> bool:
        ask = self.asks(row["organisation"], self.clock())
        own = new_id(bucket_of(row["patient"]))
        sender, receiver = f"Organization/{row['sender_id']}", f"Organization/{row['receiver_id']}"
        body = task(
            kind="undeliverable-message", requester=sender, owner=sender, authored=ask.at,
            patient=f"Patient/{row['patient']}", description=_WHY.get(row["reason"]) or _WHY[row["state"]], urgent=True,
        )  # fmt: skip
        body["input"] = [{"type": {"text": "receiver"}, "valueReference": {"reference": receiver}}]
        async with self.store.session(ask) as session:
            await prove(session.connection, Duty.STORE)
            if not await session.connection.fetchval(_ESCALATED, row["delivery"], own, ask.at):
                return False
            await session.write([Change("POST", "Task", body, orjson.dumps(body), own)])
        return True


_WHY = {
    "unit-closed": "Modtageren er nedlagt. Find den enhed, der har overtaget, og send beskeden dertil.",
    "address-ended": "Modtagerens adresse til beskeder er ophørt, og der er ingen ny. Kontakt modtageren.",
    "no-address": "Modtageren har ingen adresse til beskeder af den slags. Kontakt modtageren.",
    "refused": "Modtagerens system afviste beskeden. Kontakt modtageren.",
    "given-up": "Modtagerens system kvitterede ikke for beskeden. Kontakt modtageren.",
    "withheld": "Beskeden blev ikke afleveret. Kontakt modtageren eller borgeren.",
}


async def _note_route(connection: Connection, row: Any, at: datetime) -> None:
    """The route that took it: the one it was sent by, else the nearest, where a system fetched it."""
    routes = await routes_of(connection, row["receiver"], row["type"], at)
    taken = next((one for one in routes if one.endpoint == row["endpoint"]), None) or next(iter(routes), None)
    if taken is not None:
        await delivered(connection, taken, row["type"], at)


def _said(message: Message) -> str:
    """What is wrong, in the words of whoever refuses."""
    issues = [i for one in message.resources if one["resourceType"] == "OperationOutcome" for i in one.get("issue", ())]
    codes = [c.get("code", "") for i in issues for c in i.get("details", {}).get("coding", ())]
    texts = [str(i["diagnostics"]) for i in issues if i.get("diagnostics")]
    return "; ".join([*codes, *texts])[:500]


def _rendered(copy: Copy, forms: Mapping[UUID, str | None]) -> Rendered:
    return rendered(copy.body, copy.enveloped, copy.envelope, copy.sent_at, forms.get(copy.delivery))


def _put_all(folders: Folders | None, receiver: int, outs: Sequence[tuple[Copy, Rendered]]) -> int:
    """How many could be put: the first so many."""
    done = 0
    with contextlib.suppress(OSError):
        own = folders.organisations().get(receiver) if folders else None
        if folders is None or own is None:
            return 0
        with folders.of(own) as folder:
            for copy, out in outs:
                folder.put(f"{copy.envelope}.{out.suffix}", out.body)
                done += 1
    return done


def carrier(store: Store, asks: Asks, settings: Settings) -> Carrier:
    """As this installation carries: to itself in a demo alone."""
    folders = Folders(Path(settings.message_folder)) if settings.message_folder else None
    reach = Reach(loopback=settings.demo and settings.fetch_from_loopback)
    return Carrier(store, system_clock, asks, reach, folders=folders)
