"""Somebody who was registered twice: a keeper of the directory says that two Patients are one citizen, or that they are not.

From then on every room treats both keys as one citizen's (``fhir.key_set``). No row is moved, so that a link that was wrong
can be taken back and leaves nothing behind. ``Patient.link`` says the same to whoever reads either Patient: both get a
new version in the transaction that links them, and what is written over them later keeps saying it.
"""

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.splice import set_property, splice
from helhed.fhir.store.inserting import copy_rows
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.versions import put_version
from helhed.fhir.store.writing import Prepared, add_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import OVERTAKEN, Connection, Pool
from helhed.foundation.errors import Conflict, Forbidden, HelhedError, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, prove

_LINK = "select * from registries.link_citizens($1::fhir.ask, $2, $3, $4, $5, $6::smallint)"
_UNLINK = "select * from registries.unlink_citizens($1::fhir.ask, $2, $3, $4, $5, $6::smallint)"
_LINKS = "select * from registries.links_of($1::fhir.ask, $2::smallint, $3)"
_REASON = 200  #: characters of a reason that are kept
_PROBLEMS: dict[str, tuple[type[HelhedError], str]] = {
    "forbidden": (Forbidden, "Only a keeper of the directory says who is the same citizen."),
    "reason": (Unprocessable, "Say why."),
    "citizens": (Unprocessable, "Name two patients of this network."),
    "joined": (Conflict, "These two are one citizen already."),
    "replaced": (Conflict, "The first of them was replaced already: link the one that replaced it."),
    "apart": (Conflict, "No link stands between these two, in this order."),
}
_PATIENT = TYPE_NUMBERS["Patient"]

Links = list[dict[str, Any]]


class Linking:
    """Links and unlinks citizens. Either is durable, and felt by the next statement, when the call returns."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def link(self, ask: Ask, replaced: UUID, kept: UUID, reason: str) -> None:
        """``replaced`` is the citizen ``kept``, who is known by ``kept`` from now on. Raises Forbidden, Unprocessable, Conflict."""
        await self._change(_LINK, ask, replaced, kept, reason)

    async def unlink(self, ask: Ask, replaced: UUID, kept: UUID, reason: str) -> None:
        """They are two after all: everything is as it was before, but what both did in the meantime stays where it was done."""
        await self._change(_UNLINK, ask, replaced, kept, reason)

    async def _change(self, statement: str, ask: Ask, replaced: UUID, kept: UUID, reason: str) -> None:
        try:
            problem = await self._changed(statement, ask, replaced, kept, reason)
        except OVERTAKEN as error:
            raise Conflict from error  # somebody wrote one of the two Patients meanwhile
        if problem is not None:  # after the refused attempt is in the log
            kind, why = _PROBLEMS[problem]
            raise kind(why)

    async def _changed(self, statement: str, ask: Ask, replaced: UUID, kept: UUID, reason: str) -> str | None:
        """What stood in the way; None when it was done."""
        pair = (key_of(replaced), key_of(kept))
        async with lend(self._pool) as connection, connection.transaction():
            await prove(connection, Duty.PERSON)
            rows = await connection.fetch(statement, ask_row(ask), uuid4(), *pair, reason.strip()[:_REASON], _PATIENT)
            problem: str | None = next((row["problem"] for row in rows), None)
            if problem is None:
                await prove(connection, Duty.STORE)
                for row, other in ((row, kept if row["id"] == replaced else replaced) for row in rows):
                    await _show(connection, ask, row, other)
        return problem


class PatientLinks:
    """Keeps ``Patient.link`` true in what is written over a Patient that was linked."""

    types = frozenset({"Patient"})

    async def prepare(self, connection: Connection, ask: Ask, change: Change) -> Change:
        """The change as it will be stored."""
        if change.method != "PUT" or change.id is None or change.resource is None or change.raw is None:
            return change
        links = await _links(connection, ask, change.id)
        if not links:
            return change
        raw, resource = with_links(change.raw, change.resource, links)
        return change._replace(raw=raw, resource=resource)


def with_links(
    raw: bytes, resource: dict[str, Any], links: Links, undone: UUID | None = None
) -> tuple[bytes, dict[str, Any]]:
    """A Patient that shows these links beside what its source says, and none that was undone."""
    gone = {_link(undone, replaces=replaces)["other"]["reference"] for replaces in (True, False)} if undone else set()
    theirs = [one for one in resource.get("link", ()) if one not in links and not _is_ours(one, gone)]
    return set_property(raw, resource, "link", [*theirs, *links] or None)


def _is_ours(link: dict[str, Any], references: set[str]) -> bool:
    return set(link) == {"other", "type"} and link["other"].get("reference") in references


def _link(other: UUID, *, replaces: bool) -> dict[str, Any]:
    return {"other": {"reference": f"Patient/{other}"}, "type": "replaces" if replaces else "replaced-by"}


async def _links(connection: Connection, ask: Ask, patient: UUID) -> Links:
    rows = await connection.fetch(_LINKS, ask_row(ask), _PATIENT, key_of(patient))
    return [_link(row["patient"], replaces=row["replaces"]) for row in rows]


async def _show(connection: Connection, ask: Ask, row: Any, other: UUID) -> None:
    """A new version of a Patient with the links that stand now."""
    identifier, version = row["id"], row["version"] + 1
    links = await _links(connection, ask, identifier)
    raw, resource = with_links(row["body"], orjson.loads(row["body"]), links, undone=other)
    prepared = Prepared()
    body = splice(raw, str(identifier), version, ask.at, resource)
    add_row(prepared, resource, body, sha256(raw).digest(), (identifier, 0, ask.at), None)
    await put_version(connection, identifier, row["version"], prepared.resources.pop())
    await copy_rows(connection, prepared)
