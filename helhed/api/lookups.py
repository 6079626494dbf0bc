"""Look-ups by number at the FHIR door: counted for each person, slowed and refused when they are too many."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from helhed.fhir.query import Query
from helhed.foundation.ask import ActorKind, Ask


class Verdict(Protocol):
    """What a look-up has to bear."""

    @property
    def pause(self) -> float:
        """Seconds to wait first."""

    @property
    def refused(self) -> bool:
        """Whether it is one too many."""


class Counter(Protocol):
    """``trust``: how many different people somebody looks up."""

    async def note(self, who: str, asker: str, people: Sequence[str], now: datetime) -> Verdict:
        """Counts look-ups."""


Pause = Callable[[float], Awaitable[None]]


class Watch:
    """Watches the searches of people; a system client acts for many and is held by its agreement and its log."""

    def __init__(self, counter: Counter, pause: Pause) -> None:
        self._counter = counter
        self._pause = pause

    async def over(self, ask: Ask, query: Query) -> bool:
        """Whether the numbers that ``query`` names are too many. The search is run all the same, for its log row."""
        if query.cursor:
            return False
        return await self._over(ask, [str(token) for token in query.named_tokens])

    async def over_one(self, ask: Ask, wanted: str) -> bool:
        """The same for somebody who is described; ``wanted`` is the description."""
        return await self._over(ask, [wanted])

    async def over_written(self, ask: Ask, numbers: Sequence[str]) -> bool:
        """The same for numbers that are written over somebody."""
        return await self._over(ask, numbers)

    async def _over(self, ask: Ask, wanted: Sequence[str]) -> bool:
        if ask.kind is ActorKind.SYSTEM or not wanted:
            return False
        who, asker = ask.kind.name.lower(), str(ask.actor)
        verdict = await self._counter.note(who, asker, wanted, ask.at)
        if verdict.pause:
            await self._pause(verdict.pause)
        return verdict.refused


def lookups_in(bundle: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Type and parameters of the entries that search, read as they will be done. What is no sound entry is none of these."""
    found = []
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        request = entry.get("request") if isinstance(entry, dict) else None
        url = request.get("url") if isinstance(request, dict) and request.get("method") in {"GET", "HEAD"} else None
        if isinstance(url, str) and "?" in url:
            with suppress(ValueError):
                parts = urlsplit(url)
                found.append((unquote(parts.path).strip("/"), parse_qsl(parts.query, keep_blank_values=True)))
    return found
