"""Notices by push: a citizen's device is told how many wait, and where they are read. No kind, no name, nothing of health leaves."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.errors import HelhedError, Overloaded, Unprocessable
from helhed.foundation.guarded import Guard, NotAllowedThere, NotFetched, Reach
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger
from helhed.foundation.proving import Duty, lend_proven
from helhed.foundation.settings import Settings
from helhed.trust.log.notices import notice_kinds
from helhed.trust.log.push_crypto import Sender, bytes_of, encrypted, point
from helhed.trust.policy import document

_CHOOSE = "select trust.choose_push($1::fhir.ask, $2, $3, $4, $5, $6, $7, $8)"
_OWN = "select * from trust.own_push($1::fhir.ask)"
_END = "select trust.end_push($1::fhir.ask, $2)"
_CLAIM = "select * from trust.claim_push($1, $2, $3, $4, $5)"
_NOTE = "select trust.note_push($1, $2, $3, $4, $5)"
_LEASE = timedelta(minutes=5)  #: after which another worker tells what a dead one had begun
_MOST_ATTEMPTS = 10
_AT_ONCE = 50
_SECONDS_BETWEEN = 20.0
_PATIENCE = 10.0  #: seconds for one push service to answer
_MOST_ANSWER_BYTES = 16_384
_KEPT_SECONDS = 86_400  #: how long a push service keeps it for a device that is off
_LONGEST = 2000
_PADDED_TO = 256  #: bytes: what is told is as long of one notice as of many
_GOOD, _GONE = range(200, 300), frozenset({404, 410})  #: RFC 8030, section 7.3
PATH = "/borger/beskeder"
_ONE = {"da": "Du har 1 ny besked. Log ind for at læse den.", "en": "You have 1 new notice. Log in to read it."}
_MANY = {
    "da": "Du har {n} nye beskeder. Log ind for at læse dem.",
    "en": "You have {n} new notices. Log in to read them.",
}

Senders = Callable[[], Sequence[Sender]]  #: the one in use first, then those whose keys are accepted still


@dataclass(frozen=True, slots=True)
class Services:
    """Which push services are sent to, and to how many devices of one citizen (``policy/push_services.json``)."""

    hosts: frozenset[str]
    beneath: tuple[str, ...]  #: hosts whose names end so
    most_devices: int

    def takes(self, endpoint: str) -> bool:
        """Whether it is an address of one of them: https, at its own port, of nobody by name."""
        try:
            parts = urlsplit(endpoint)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        plain = endpoint.isascii() and endpoint.isprintable() and len(endpoint) <= _LONGEST and "@" not in parts.netloc and "#" not in endpoint  # fmt: skip
        named = host in self.hosts or host.endswith(self.beneath)
        return plain and named and parts.scheme == "https" and port is None and " " not in endpoint


@cache
def services() -> Services:
    """Dated data, read once."""
    read = document("push_services.json")
    exact = frozenset(one["host"] for one in read["services"] if not one["beneath"])
    beneath = tuple(f".{one['host']}" for one in read["services"] if one["beneath"])
    return Services(exact, beneath, read["most_devices"])


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is told."""

    id: UUID
    since: datetime


@dataclass(frozen=True, slots=True)
class PushDevices:
    """Chooses devices, each for the asking citizen alone."""

    pool: Pool
    senders: Senders
    to: Services = field(default_factory=services)

    @property
    def public(self) -> bytes:
        """The key that a browser asks its push service with."""
        return self.senders()[0].public

    async def own(self, ask: Ask) -> list[Device]:
        """What was chosen, the oldest first."""
        async with lend(self.pool) as connection:
            return [Device(*row) for row in await connection.fetch(_OWN, ask_row(ask))]

    async def choose(self, ask: Ask, endpoint: str, receiver: str, secret: str, language: str) -> None:
        """This device from now on; the keys as the browser has them, in base64url. Unprocessable for what is no device of a push
        service that is sent to, Overloaded when the citizen has chosen as many as are told.
        """
        try:
            key, beside = bytes_of(receiver), bytes_of(secret)
            point(key)
        except ValueError:
            raise Unprocessable("That is no device.") from None
        if len(key) != 65 or len(beside) != 16 or not self.to.takes(endpoint):
            raise Unprocessable("That is no device.")
        words = language if language in _ONE else "da"
        async with lend_proven(self.pool, Duty.PERSON) as connection:
            wanted = (ask_row(ask), uuid4(), endpoint, key, beside, self.public, words, self.to.most_devices)
            problem = await connection.fetchval(_CHOOSE, *wanted)
        if problem:
            raise Overloaded("Enough devices are told.") if problem == "many" else Unprocessable("Not by you.")

    async def end(self, ask: Ask, device: UUID) -> bool:
        """No more by this device; False when there is none."""
        async with lend_proven(self.pool, Duty.PERSON) as connection:
            return bool(await connection.fetchval(_END, ask_row(ask), device))


@dataclass(frozen=True, slots=True)
class Pusher:
    """Goes round. A device is claimed in a transaction of its own before anything leaves, and noted when it has: a worker that dies in between has
    it told once more after the lease, and the device shows one in place of the other.
    """

    pool: Pool
    senders: Senders
    to: Services = field(default_factory=services)
    guard: Guard = field(default_factory=Guard)

    async def round(self, now: datetime) -> int:
        """How many devices were told."""
        kinds = notice_kinds().values()
        always, chosen = [one.name for one in kinds if one.always], [one.name for one in kinds if one.chosen]
        async with lend_proven(self.pool, Duty.PERSON) as connection:
            claimed = await connection.fetch(_CLAIM, now, _LEASE, always, chosen, _AT_ONCE)
        return sum(await asyncio.gather(*(self._tell(row, now) for row in claimed)))

    async def _tell(self, row: Any, now: datetime) -> bool:
        sender = next((one for one in self.senders() if one.public == row["sender"]), None)
        # a key that is retired speaks to nobody: the citizen chooses the device again
        status = 410 if sender is None or not self.to.takes(row["endpoint"]) else await self._sent(row, sender, now)
        told, gone = status in _GOOD, status in _GONE
        again = None
        if not told and not gone and row["attempts"] < _MOST_ATTEMPTS:
            again = now + timedelta(minutes=min(2 ** row["attempts"], 720))
        async with lend_proven(self.pool, Duty.PERSON) as connection:
            await connection.execute(_NOTE, row["device"], row["notices"], now, again, gone)
        return told

    async def _sent(self, row: Any, sender: Sender, now: datetime) -> int:
        """What the push service answered; 0 for none. Nothing is followed."""
        body = encrypted(_message(row["language"], row["pieces"]), row["receiver"], row["secret"], padded_to=_PADDED_TO)
        headers = {
            "authorization": sender.authorization(row["endpoint"], now), "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream", "ttl": str(_KEPT_SECONDS), "topic": "helhed", "urgency": "normal",
        }  # fmt: skip
        try:
            async with asyncio.timeout(_PATIENCE):
                async with await self.guard.connect(row["endpoint"], Reach()) as connection:
                    return (await connection.send("POST", headers, body, _MOST_ANSWER_BYTES)).status
        except (NotFetched, NotAllowedThere, TimeoutError):
            return 0

    async def run(self, clock: Clock, stopping: asyncio.Event) -> None:
        """Rounds until it is stopped; when the database is away, the next time will do."""
        while not stopping.is_set():
            with contextlib.suppress(HelhedError, OSError):
                if told := await self.round(clock()):
                    logger("notices").info("devices were told", devices=told)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS_BETWEEN)


def _message(language: str, pieces: int) -> bytes:
    said = _ONE[language] if pieces == 1 else _MANY[language].format(n=pieces if pieces < 100 else "99+")
    return orjson.dumps({"body": said, "url": PATH})


def push_of(settings: Settings, pool: Pool, keys: KeysInUse) -> tuple[PushDevices, Pusher] | None:
    """Choosing and telling; None where the operator has not said whom push services may write to."""
    if not settings.push_contact:
        return None

    def senders() -> list[Sender]:
        return [Sender.of(one, settings.push_contact) for one in keys.secrets(KeyPurpose.TOKENS)]

    return PushDevices(pool, senders), Pusher(pool, senders)
