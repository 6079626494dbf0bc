"""Each Task as a piece of work, in the transaction that writes it: the rules of moving it, and who has it afterwards."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any
from uuid import UUID

import msgspec
import orjson

from helhed.fhir.changes import Change
from helhed.fhir.indexing.dates import interval
from helhed.fhir.splice import set_property
from helhed.fhir.store import Stored
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import Issue, Unprocessable
from helhed.foundation.ids import key_of
from helhed.registries.projections import local_target
from helhed.work.kinds import OTHER, kind_named
from helhed.work.tasks import ASSIGNEE, HOLDER, extension_of, kind_of

_PUT = "select problem, stands, holder from work.put_pieces($1::fhir.ask[], $2::text[]::jsonb[])"
_FORGET = "select work.forget_pieces($1)"
#: what whoever was asked, or has it, may change; the rest is its sender's (and what the store gives it, nobody's)
_MOVES = frozenset({
    "id", "meta", "text", "status", "statusReason", "businessStatus", "owner", "executionPeriod", "lastModified", "note",
    "output", "extension",
})  # fmt: skip
#: why a Task may not be written so, and where in it
_PROBLEMS: Mapping[str, tuple[str, str]] = {
    "sender": ("Task.requester", "A unit asks in its own name: the requester is another."),
    "accepted-for-others": ("Task.status", "Only the unit that is asked accepts. Ask it (status requested), and wait for it."),
    "requester": ("Task.requester", "Who asked stays who asked: hand a piece of work on by its owner."),
    "edge": ("Task.status", "A piece of work that is {stands} does not become {status}."),
    "content": ("Task", "What was asked is changed by who asked. Who was asked accepts, declines, hands on or completes it."),
    "deadline": ("Task.restriction.period", "The deadline is changed by who asked."),
    "not-yours": ("Task.status", "Another has this piece of work: only they, or who asked, move it so."),
    "not-asked": ("Task.status", "Only the unit that is asked answers."),
    "asked-again": ("Task.owner", "Another owner is asked anew: the status is requested."),
    "assignee": ("Task.extension", "Whoever it is given to works in the unit that owns it."),
    "reason": ("Task.statusReason", "Say why (statusReason): whoever asked reads it."),
}  # fmt: skip
_WITH_REASON = frozenset({"rejected", "failed"})


class Pieces:
    """Projects Tasks. A preparer, as it needs to know who writes, and as a Task that was handed on says who has it still."""

    types = frozenset({"Task"})

    async def prepare(self, connection: Connection, ask: Ask, change: Change) -> Change:
        """Takes the Task up, or raises Unprocessable with the reason: then nothing of it is written."""
        return (await self.prepare_many(connection, [(ask, change)]))[0]

    async def prepare_many(self, connection: Connection, asked: Sequence[tuple[Ask, Change]]) -> list[Change]:
        """The same for Tasks of several asks; raises what the first that is refused would."""
        said = [_said(change) for _, change in asked]
        told = [orjson.dumps(one).decode() for one in said]
        rows = await connection.fetch(_PUT, [ask_row(ask) for ask, _ in asked], told)
        for one, row in zip(said, rows, strict=False):  # a refusal is the last
            if row["problem"] is not None:
                raise refused(row["problem"], one["status"], row["stands"])
        return [_held(change, row["holder"]) for (_, change), row in zip(asked, rows, strict=True)]

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Nothing: it is taken up already."""

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """A deleted Task is nobody's move."""
        await connection.execute(_FORGET, list(removed))


def _said(change: Change) -> dict[str, Any]:
    assert change.resource is not None
    assert change.id is not None
    said = what_is_said(change.id, change.resource)
    if said["status"] in _WITH_REASON and not change.resource.get("statusReason"):
        raise refused("reason", said["status"], None)
    return said


def _held(change: Change, holder: UUID | None) -> Change:
    assert change.resource is not None
    assert change.raw is not None
    raw, resource = saying_who_has_it(change.raw, change.resource, holder)
    return change._replace(raw=raw, resource=resource)


def refused(problem: str, status: str, stands: str | None) -> Unprocessable:
    """Why a Task may not be written so, in words."""
    where, why = _PROBLEMS[problem]
    return Unprocessable(issues=[Issue(Unprocessable.code, why.format(stands=stands, status=status), where)])


def what_is_said(task: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
    """What ``work.put_pieces`` takes. Whoever is not of this network, and an extension that is not ours, is nobody."""
    kind = kind_named(kind_of(body))
    status = body.get("status")
    due = _moment(body.get("restriction", {}).get("period", {}).get("end"), last=True)
    authored = _moment(body.get("authoredOn"))
    return {
        "task": str(task),
        "citizen": _key(body.get("for"), "Patient"),
        "kind": kind_of(body) or OTHER,
        "status": status,
        "edges": list(before(str(status))),
        "requester": _key(body.get("requester"), "Organization"),
        "requester_job": _id(body.get("requester"), "PractitionerRole"),
        "requester_person": _key(body.get("requester"), "Practitioner"),
        "owner": _key(body.get("owner"), "Organization"),
        "owner_job": _id(body.get("owner"), "PractitionerRole"),
        "owner_person": _key(body.get("owner"), "Practitioner"),
        "owner_citizen": _key(body.get("owner"), "Patient"),
        "assignee": _key(extension_of(body, ASSIGNEE), "Practitioner"),
        "urgent": body.get("priority") in {"urgent", "asap", "stat"},
        "authored": authored and authored.isoformat(),
        "due": due and due.isoformat(),
        "accept_seconds": kind.accept_within.total_seconds(),
        "act_seconds": kind.act_within.total_seconds(),
        "content": _content(body),
    }


def saying_who_has_it(raw: bytes, body: dict[str, Any], holder: UUID | None) -> tuple[bytes, dict[str, Any]]:
    """The Task with the extension that names who handed it on and has it still; without it, where nobody did."""
    before_it: list[Any] = body.get("extension", [])
    others = [one for one in before_it if one.get("url") != HOLDER]
    reference = {"reference": f"Organization/{holder}"}
    wanted = others if holder is None else [*others, {"url": HOLDER, "valueReference": reference}]
    return (raw, body) if wanted == before_it else set_property(raw, body, "extension", wanted or None)


@cache
def _edges() -> Mapping[str, Sequence[str]]:
    read = msgspec.json.decode((resources.files("helhed.work") / "data" / "states.json").read_bytes())
    return {one["status"]: tuple(one["before"]) for one in read["states"]}


STATES = frozenset(_edges())  #: what a Task may be


def before(status: str) -> Sequence[str]:
    """From which statuses a Task may come to this one."""
    return _edges().get(status, ())


def _content(body: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in body.items() if name.lstrip("_") not in _MOVES}
    return hashlib.sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _id(reference: Any, type_name: str) -> str | None:
    found = local_target(reference, type_name)
    return None if found is None else str(found)


def _key(reference: Any, type_name: str) -> int | None:
    found = local_target(reference, type_name)
    return None if found is None else key_of(found)


def _moment(text: Any, *, last: bool = False) -> datetime | None:
    """A dateTime of FHIR as one moment: its first, or its last where only the day is said."""
    found = interval(text) if isinstance(text, str) else None
    return None if found is None else found[1 if last else 0]
