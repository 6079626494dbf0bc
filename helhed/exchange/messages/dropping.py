"""Messages that are dropped as files: each is picked up once, taken like every other, answered by a file, and put away.

Taken, then answered, then moved: who is killed in between does the rest of it again, and finds the same answer. Who may write into an
organisation's folder speaks for it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

from helhed.exchange.messages.acknowledging import OK
from helhed.exchange.messages.delivering import carrier
from helhed.exchange.messages.folders import Folder, Folders
from helhed.exchange.messages.notifying import Notifier
from helhed.exchange.messages.rules import rules
from helhed.exchange.messages.taking import syntax_of, take_file
from helhed.fhir.parsing import DEFAULT_LIMITS
from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.errors import HelhedError, Overloaded
from helhed.foundation.logging import logger
from helhed.foundation.rounds import in_rounds
from helhed.foundation.settings import Settings

_MOST_AT_ONCE, _SECONDS_BETWEEN, _MOST_TOLD = 100, 5.0, 3


class _Outcome(NamedTuple):
    """What became of a file: the folder it goes to, and what its sender is told."""

    to: str
    syntax: str
    answer: bytes


@dataclass
class Drops:
    """Takes what is in the folders."""

    store: Store
    clock: Clock
    asks: Callable[[int, datetime], Ask]
    folders: Folders

    async def round(self) -> int:
        """One round; how many files were put away. What was put away long ago is deleted. A folder that fails, or a network that is busy, leaves its files for the next."""
        done = 0
        for key, own in (await asyncio.to_thread(self.folders.organisations)).items():
            try:
                with self.folders.of(own) as folder, folder.alone() as alone:
                    for picked in await asyncio.to_thread(folder.pick_up, _MOST_AT_ONCE) if alone else ():
                        done += await self._put_away(key, folder, picked)
                    if alone:
                        await asyncio.to_thread(self._tidied, folder)
            except (HelhedError, OSError) as error:
                logger("exchange").warning("a folder of messages was not done", organisation=str(own), error=error)
        return done

    async def _put_away(self, key: int, folder: Folder, picked: str) -> bool:
        """Whether it was. What cannot be done with a file hinders no other: it is there for the next round."""
        try:
            await self._one(self.asks(key, self.clock()), folder, picked)
        except (HelhedError, OSError):
            raise
        except Exception as error:
            logger("exchange").error("a file of messages was not done", file=picked, error=error)
            return False
        return True

    def _tidied(self, folder: Folder) -> None:
        for name, kept in rules().kept_in_folders.items():
            folder.tidy(name, (self.clock() - kept).timestamp(), _MOST_AT_ONCE)

    async def run(self, stopping: asyncio.Event) -> None:
        """Rounds, until it is stopped."""
        await in_rounds(self.round, stopping, _SECONDS_BETWEEN, "exchange", "the folders of messages could not be read")

    async def _one(self, ask: Ask, folder: Folder, picked: str) -> None:
        raw = await asyncio.to_thread(folder.read, picked, DEFAULT_LIMITS.bytes)
        outcome = await self._outcome(ask, raw)
        if outcome.answer:
            name = f"answer-{sha256(raw).hexdigest()}.{outcome.syntax}"
            await asyncio.to_thread(folder.put, name, outcome.answer)
        await asyncio.to_thread(folder.move, picked, outcome.to, f".{syntax_of(raw)}")

    async def _outcome(self, ask: Ask, raw: bytes) -> _Outcome:
        try:
            handed = await take_file(self.store, ask, raw, "file")
        except Overloaded:
            raise
        except HelhedError as error:  # the intake has kept it, where it is more than a wrong acknowledgement
            told = [{"severity": "error", "code": one.code, "diagnostics": one.diagnostics} for one in error.issues]
            outcome = {"resourceType": "OperationOutcome", "issue": told[:_MOST_TOLD]}
            return _Outcome("parked", "json", orjson.dumps(outcome))
        return _Outcome("done" if handed.worst.code == OK else "parked", handed.syntax, handed.answer)


async def exchange_messages(
    store: Store, asks: Callable[[int, datetime], Ask], settings: Settings, stopping: asyncio.Event
) -> None:
    """Tells of stays, carries copies, and takes drops where this installation has a folder, until it is stopped."""
    runs = [Notifier(store, system_clock, asks).run(stopping), carrier(store, asks, settings).run(stopping)]
    if settings.message_folder:
        runs.append(Drops(store, system_clock, asks, Folders(Path(settings.message_folder))).run(stopping))
    await asyncio.gather(*runs)
