"""Senders, the network and a receiver behind lines that drop, duplicate, delay and reorder, and servers that die in the middle.

One seed, one course of events: the same messages, the same faults. The network and its database are real, and so is the socket to the
receiver; the sender's line and the clock are not.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.exchange.messages.delivering import Carrier
from helhed.exchange.messages.intake import Intake
from helhed.exchange.messages.modes import Mode, Modes
from helhed.exchange.messages.rules import rules
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import HelhedError
from helhed.foundation.guarded import Reach
from helhed.foundation.ids import key_of
from tests.support.world import NOW, at
from tests.unit.exchange.letters import WRITER, Post, communication, envelope, letter
from tests.unit.exchange.listener import Listener

_AT_ONCE = 16
_ACTING = 4  #: no more than there are connections: who acts gives up when none is free in time
_STEP = timedelta(minutes=31)
#: what befalls a message on its way to the network; most arrive
_FATES = ("arrives",) * 12 + ("lost", "answer-lost", "answer-lost", "twice", "killed", "killed")


class Receiver(Listener):
    """Takes messages as a bad day lets it: it hangs up before or after it has taken one, or refuses."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._rng = rng
        self.taken: set[str] = set()  #: MessageHeader.id of each that it kept

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = self._rng.random()
        if fate < 0.08:  # gone before anything was read
            writer.close()
            return
        await self._take(reader, writer, hang_up=fate < 0.16, refuse=fate > 0.97)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, hang_up: bool, refuse: bool
    ) -> None:
        body = await self.body(reader)
        header = orjson.loads(body)["entry"][0]["resource"]["id"]
        if not refuse:
            self.taken.add(header)
        if hang_up:  # kept, and the answer is lost
            writer.close()
            return
        await self.answer(writer, body, "fatal-error" if refuse and header not in self.taken else "ok")


@dataclass
class Simulation:
    """One course of events."""

    post: Post
    rng: Random
    count: int
    moment: datetime = NOW
    acknowledged: set[str] = field(default_factory=set)
    handed_over: set[str] = field(default_factory=set)  #: the sender's system gave up: a person looks at it

    async def run(self) -> Receiver:
        """Until nothing moves any more."""
        async with Receiver(self.rng) as receiver:
            await self._prepare(receiver)
            waiting = [(self._message(place), 0) for place in range(self.count)]
            while waiting:
                self.rng.shuffle(waiting)
                waiting = [one for part in _parts(waiting) for one in await self._sent(part)]
                await self._carried()
            for _ in range(rules().most_resends + 3):
                await self._carried()
        await self._acted()
        return receiver

    async def _prepare(self, receiver: Receiver) -> None:
        mode = Mode.of("", "both", "rest", receiver.address)
        await Modes(self.post.world.store).set(self.post.world.system(self.post.clinic), key_of(self.post.clinic), mode)

    def _message(self, place: int) -> dict[str, Any]:
        thread = f"urn:uuid:{UUID(int=place // 3)}"
        return letter(*WRITER, focus=communication(f"Besked {place}", thread=thread), header=str(UUID(int=place + 1)))

    async def _sent(self, part: list[tuple[dict[str, Any], int]]) -> list[tuple[dict[str, Any], int]]:
        """A few at once, to one worker; those that got no answer, with how often they were sent."""
        worker = Intake(self.post.world.store)
        answered = await asyncio.gather(*(self._send(worker, message) for message, _ in part))
        again = [(envelope(m), n + 1) for (m, n), done in zip(part, answered, strict=True) if not done]
        over = {_header(m) for m, n in again if n > rules().most_resends}
        self.handed_over |= over
        return [one for one in again if _header(one[0]) not in over]

    async def _send(self, worker: Intake, message: dict[str, Any]) -> bool:
        """Whether the sender's system got its acknowledgement."""
        fate, pause = self.rng.choice(_FATES), self.rng.random() * 0.02
        if fate == "lost":
            return False
        work = [asyncio.create_task(self._take(worker, message)) for _ in range(2 if fate == "twice" else 1)]
        if fate == "killed":
            await asyncio.sleep(pause)
            for one in (*work, *_under_way()):
                one.cancel()
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        if fate in {"answer-lost", "killed"} or not any(one == "ok" for one in outcomes):
            return False
        self.acknowledged.add(_header(message))
        return True

    async def _take(self, worker: Intake, message: dict[str, Any]) -> str:
        ask = at(self.post.world.system(self.post.hospital), self.moment)
        return (await worker.take(ask, orjson.dumps(message))).code

    async def _carried(self) -> None:
        self.moment += _STEP
        carrier = Carrier(self.post.world.store, lambda: self.moment, system_of, Reach(loopback=True))
        with contextlib.suppress(HelhedError):
            while await carrier.round():
                pass

    async def _acted(self) -> None:
        """The receiver does what it was asked for, and says so, now and then twice."""
        clinic = at(self.post.world.system(self.post.clinic), self.moment)
        rows = await self.post.world.owner.fetch(
            "select r.id, r.body from fhir.resource r join exchange.message_task t on t.task = r.id"
        )
        bodies = [orjson.loads(row["body"]) for row in rows]
        mine = [one for one in bodies if one["owner"]["reference"] == f"Organization/{self.post.clinic}"]
        for place in range(0, len(mine), _ACTING):
            await asyncio.gather(*(self._act(clinic, one) for one in mine[place : place + _ACTING]))

    async def _act(self, clinic: Ask, task: dict[str, Any]) -> None:
        for status in ("accepted", "completed"):
            await self.post.world.change(clinic, UUID(task["id"]), {**task, "status": status})


def system_of(organisation: int, moment: datetime) -> Ask:
    """The system of an organisation at a moment."""
    return Ask(ActorKind.SYSTEM, organisation, organisation, "system", Purpose.OPERATIONS, "test", None, None, moment, uuid4())  # fmt: skip


def _under_way() -> list[asyncio.Task[Any]]:
    """The transactions of messages that are taken together: a worker that dies takes them along."""
    return [one for one in asyncio.all_tasks() if getattr(one.get_coro(), "__qualname__", "") == "Batcher._answer"]


def _header(message: dict[str, Any]) -> str:
    return str(message["entry"][0]["resource"]["id"])


def _parts(waiting: list[tuple[dict[str, Any], int]]) -> list[list[tuple[dict[str, Any], int]]]:
    return [waiting[place : place + _AT_ONCE] for place in range(0, len(waiting), _AT_ONCE)]
