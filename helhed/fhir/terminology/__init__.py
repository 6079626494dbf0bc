"""Terminology: code systems, value sets and concept maps, and the questions they answer.

They are public knowledge, and no citizen's: no look is decided or logged here. Operations take and give FHIR Parameters;
other rooms ask ``codes_in``, ``is_in``, ``descendants``, ``ancestors`` and ``display``, whose answers are kept until a
terminology changes. What is not held here is unknown, never valid.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from helhed.fhir.terminology import concepts, expansion, membership, translation
from helhed.fhir.terminology.catalogue import Catalogue, load_catalogue
from helhed.fhir.terminology.compose import load_value_set, members_of
from helhed.fhir.terminology.model import BadValueSet, Coding, Json, Undecided, UnknownTerminology
from helhed.fhir.terminology.parameters import given
from helhed.fhir.terminology.texts import find_concept
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import TooCostly
from helhed.foundation.lend import lend

__all__ = ["BadValueSet", "Coding", "Terminology", "Undecided", "UnknownTerminology", "given"]

#: codes of one value set that are handed out at once, and answers that are kept
MOST_CODES = 100_000
_MOST_KEPT = 512
_COUNTER = "select counter from fhir.terminology_state"
_DOWN = (
    "select d.code from fhir.concept c join fhir.concept_above a on a.system = c.system and a.ancestor = c.number"
    " join fhir.concept d on d.system = a.system and d.number = a.descendant where c.system = $1 and c.code = $2"
)
_UP = (
    "select d.code from fhir.concept c join fhir.concept_above a on a.system = c.system and a.descendant = c.number"
    " join fhir.concept d on d.system = a.system and d.number = a.ancestor where c.system = $1 and c.code = $2"
)


class Terminology:
    """What this network knows of codes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._catalogue = Catalogue(-1)
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    # --- operations ---------------------------------------------------------------------------------------------------

    async def lookup(self, parameters: Json, language: str = "") -> Json:
        """CodeSystem ``$lookup``. Raises UnknownTerminology, Unknown, BadRequest."""
        async with self._held() as (connection, catalogue):
            return await concepts.lookup(connection, catalogue, parameters, language)

    async def validate_code(self, parameters: Json, language: str = "") -> Json:
        """CodeSystem ``$validate-code``. Raises UnknownTerminology, Undecided, BadRequest."""
        async with self._held() as (connection, catalogue):
            return await concepts.validate_code(connection, catalogue, parameters, language)

    async def subsumes(self, parameters: Json) -> Json:
        """CodeSystem ``$subsumes``. Raises UnknownTerminology, Unknown, BadRequest."""
        async with self._held() as (connection, catalogue):
            return await concepts.subsumes(connection, catalogue, parameters)

    async def expand(self, parameters: Json, at: datetime, language: str = "") -> Json:
        """ValueSet ``$expand``. Raises UnknownTerminology, BadValueSet, BadRequest, TooCostly."""
        async with self._held() as (connection, catalogue):
            return await expansion.expand(connection, catalogue, parameters, at, language)

    async def validate_in_value_set(self, parameters: Json, language: str = "") -> Json:
        """ValueSet ``$validate-code``. Raises UnknownTerminology, Undecided, BadValueSet, BadRequest."""
        async with self._held() as (connection, catalogue):
            return await membership.validate_in_value_set(connection, catalogue, parameters, language)

    async def translate(self, parameters: Json, language: str = "") -> Json:
        """ConceptMap ``$translate``. Raises UnknownTerminology, BadRequest."""
        async with self._held() as (connection, catalogue):
            return await translation.translate(connection, catalogue, parameters, language)

    # --- for other rooms ----------------------------------------------------------------------------------------------

    async def codes_in(self, value_set: str) -> frozenset[tuple[str, str]] | None:
        """(system, code) pairs of a value set; None when it cannot be worked out here, or holds over ``MOST_CODES``."""
        return await self._remembered(("in", value_set), lambda c, k: _codes_in(c, k, value_set))  # type: ignore[no-any-return]

    async def codes_in_each(self, value_sets: Iterable[str]) -> dict[str, frozenset[tuple[str, str]]]:
        """``codes_in`` of several value sets at one moment; those that cannot be worked out here are left out."""
        async with self._held() as (connection, catalogue):
            found = {one: await _codes_in(connection, catalogue, one) for one in value_sets}
        return {one: codes for one, codes in found.items() if codes is not None}

    async def is_in(self, value_set: str, system: str, code: str) -> bool | None:
        """Whether a code is in a value set, of any size; None when that cannot be said here."""
        question = ("is", value_set, system, code)
        return await self._remembered(question, lambda c, k: _is_in(c, k, value_set, system, code))  # type: ignore[no-any-return]

    async def descendants(self, system: str, code: str) -> frozenset[str] | None:
        """The codes below a code, without it; None for a system or code that is not held."""
        return await self._remembered(("down", system, code), lambda c, k: _related(c, k, system, code, _DOWN))  # type: ignore[no-any-return]

    async def ancestors(self, system: str, code: str) -> frozenset[str] | None:
        """The codes above a code, without it; None for a system or code that is not held."""
        return await self._remembered(("up", system, code), lambda c, k: _related(c, k, system, code, _UP))  # type: ignore[no-any-return]

    async def display(self, system: str, code: str, language: str = "da") -> str | None:
        """What a code is called; None for a system or code that is not held."""
        question = ("display", system, code, language)
        return await self._remembered(question, lambda c, k: _display(c, k, system, code, language))  # type: ignore[no-any-return]

    # --- what is held -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[tuple[Connection, Catalogue]]:
        """A connection and what is held, as one moment sees it: an import shows whole or not at all."""
        async with lend(self._pool) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            counter = await connection.fetchval(_COUNTER)
            catalogue = self._catalogue
            if counter != catalogue.counter:
                catalogue = await load_catalogue(connection, counter)
                if counter > self._catalogue.counter:
                    self._catalogue = catalogue
                    self._kept.clear()
            yield connection, catalogue

    async def _remembered(self, question: Hashable, work: Callable[[Connection, Catalogue], Awaitable[Any]]) -> Any:
        async with lend(self._pool) as connection:
            counter = await connection.fetchval(_COUNTER)
        if counter == self._catalogue.counter and question in self._kept:
            self._kept.move_to_end(question)
            return self._kept[question]
        async with self._held() as (connection, catalogue):
            found = await work(connection, catalogue)
            if catalogue is self._catalogue:
                self._kept[question] = found
                if len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
        return found


async def _codes_in(connection: Connection, catalogue: Catalogue, canonical: str) -> frozenset[tuple[str, str]] | None:
    try:
        value_set = await load_value_set(connection, catalogue, canonical)
        members = await members_of(connection, catalogue, value_set)
    except (UnknownTerminology, BadValueSet, TooCostly):
        return None
    if members.missing:
        return None
    rows = await connection.fetch(
        f"select system, code from ({members.sql}) m limit {MOST_CODES + 1}", *members.parameters
    )
    return None if len(rows) > MOST_CODES else frozenset((row["system"], row["code"]) for row in rows)


async def _is_in(connection: Connection, catalogue: Catalogue, canonical: str, system: str, code: str) -> bool | None:
    try:
        value_set = await load_value_set(connection, catalogue, canonical)
        members = await members_of(connection, catalogue, value_set)
    except (UnknownTerminology, BadValueSet, TooCostly):
        return None
    if await membership.systems_with(connection, members, system, code):
        return True
    return None if members.missing and (not system or system in members.missing) else False


async def _related(
    connection: Connection, catalogue: Catalogue, url: str, code: str, statement: str
) -> frozenset[str] | None:
    system = catalogue.find(url)
    found = None if system is None else await find_concept(connection, system, code)
    if system is None or found is None:
        return None
    return frozenset(row["code"] for row in await connection.fetch(statement, system.key, found.code))


async def _display(connection: Connection, catalogue: Catalogue, url: str, code: str, language: str) -> str | None:
    system = catalogue.find(url)
    found = None if system is None else await find_concept(connection, system, code)
    return None if system is None or found is None else found.text(system, language)
