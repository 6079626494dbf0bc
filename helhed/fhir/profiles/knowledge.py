"""The profiles and rules that hold now, in a running process: read when it starts, and again whenever they change."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NAMES
from helhed.fhir.packages import Known, edition, knowledge
from helhed.fhir.profiles import KINDS, Finding, Profiles
from helhed.fhir.profiles.conformance import Conformance, Demands, Elsewhere, Requirement, broken
from helhed.fhir.terminology import Terminology
from helhed.fhir.terminology.catalogue import imported
from helhed.foundation.aside import aside
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import InvalidResource, Issue
from helhed.foundation.lend import lend
from helhed.foundation.logging import logger

#: how old the profiles and rules of a running process may be
SECONDS = 5.0
_REQUIREMENTS = """select organisation, type, profile, severity, valid_from, valid_to
  from fhir.conformance order by id"""
_TERMINOLOGY = "select counter from fhir.terminology_state"
_MOST_TOLD = 10
_READING_COSTS = 1 << 30  #: as large as any document: always aside


class Knowledge:
    """What is installed and what is demanded, as this process knows it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._terminology = Terminology(pool)
        self._edition = (0, -1)
        self.profiles = Profiles()
        self.conformance = Conformance()

    async def refresh(self) -> bool:
        """Read again when something changed; whether it had."""
        async with lend(self._pool) as connection:
            newest = (await edition(connection), int(await connection.fetchval(_TERMINOLOGY)))
            if newest == self._edition:
                return False
            known = await knowledge(connection, KINDS)
            requirements = await _requirements(connection)
            overruled = await imported(connection)
        profiles, unsettled = await aside(_READING_COSTS, lambda: _prepared(known, overruled))
        for value_set, codes in (await self._terminology.codes_in_each(unsettled)).items():
            profiles.vocabulary.learn(value_set, codes)
        self.profiles = profiles
        self.conformance = Conformance(requirements)
        self._edition = newest
        return True

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep up until told to stop. A database that is away leaves what was known."""
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SECONDS)
            if not stopping.is_set():
                try:
                    await self.refresh()
                except Exception as error:
                    logger("knowledge").warning("profiles could not be read again", error=error)

    async def check(self, organisation: int | None, at: datetime, changes: Sequence[Change]) -> None:
        """Refuse changes that break what their source must conform to. Raises InvalidResource at the right places."""
        if not self.conformance.rules(organisation):
            return
        due = [(change, rules) for change in changes if (rules := self._rules(organisation, at, change))]
        if due:
            here = {f"{one.type_name}/{one.id}": one.resource for one in changes if one.resource is not None}
            size = sum(len(change.raw or b"") for change, _ in due)
            issues = await aside(size, lambda: self._issues(due, here, organisation, at))
            if issues:
                raise InvalidResource(issues=issues)

    def demands(self, organisation: int | None, at: datetime) -> Demands | None:
        """For whoever refuses resource by resource: the first thing that breaks what a source must conform to. None when
        nothing is asked of it.
        """
        if not self.conformance.rules(organisation):
            return None

        def problem(type_name: str, resource: dict[str, Any], elsewhere: Elsewhere) -> Issue | None:
            rules = self.conformance.of(organisation, type_name, at)
            if not rules:
                return None
            refusing, warning = broken(self.profiles, rules, resource, "", elsewhere, at)
            self._tell(type_name, organisation, warning)
            return refusing[0] if refusing else None

        return problem

    def _rules(self, organisation: int | None, at: datetime, change: Change) -> list[Requirement]:
        return [] if change.resource is None else self.conformance.of(organisation, change.type_name, at)

    def _issues(
        self,
        due: Sequence[tuple[Change, list[Requirement]]],
        here: dict[str, dict[str, Any]],
        organisation: int | None,
        at: datetime,
    ) -> list[Issue]:
        found: list[Issue] = []
        for change, rules in due:
            assert change.resource is not None
            refusing, warning = broken(self.profiles, rules, change.resource, change.where, here.get, at)
            found += refusing
            self._tell(change.type_name, organisation, warning)
        return found

    def _tell(self, type_name: str, organisation: int | None, warning: Sequence[Finding]) -> None:
        """Warnings are for whoever runs the network: which rules, of which source; never whose record."""
        if warning:
            rules = sorted({f"{one.profile} {one.rule}" for one in warning})
            log = logger("conformance")
            log.warning("not conformant", organisation=organisation, type=type_name, rules=rules[:_MOST_TOLD])


def _prepared(known: Sequence[Known], overruled: frozenset[str]) -> tuple[Profiles, list[str]]:
    """The profiles, and the value sets they need that packages alone do not settle."""
    profiles = Profiles(known)
    return profiles, profiles.vocabulary.unsettled(profiles.library.value_sets(), overruled)


async def _requirements(connection: Connection) -> list[Requirement]:
    rows = await connection.fetch(_REQUIREMENTS)
    return [
        Requirement(
            row["organisation"],
            "" if row["type"] is None else TYPE_NAMES[row["type"]],
            row["profile"],
            row["severity"],
            row["valid_from"],
            row["valid_to"],
        )
        for row in rows
    ]


__all__ = ["SECONDS", "Knowledge"]
