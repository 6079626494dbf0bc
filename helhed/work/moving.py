"""Moving a piece of work: what somebody does on a page becomes the next version of the Task, by the store as through every door."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, PreconditionFailed
from helhed.work.answering import said_in
from helhed.work.queues import Whole
from helhed.work.tasks import ASSIGNEE, CLOSED, whose_move

ACCEPT, DECLINE, ASSIGN, START, HAND_ON = "accept", "decline", "assign", "start", "hand-on"
TAKE_BACK, DONE, FAILED, CALL_OFF, ASK_AGAIN = "take-back", "done", "failed", "call-off", "ask-again"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does: to whom or why, where the act takes it."""

    what: str
    reason: str = ""
    person: UUID | None = None
    unit: UUID | None = None


def acts_for(one: Whole) -> list[str]:
    """What the asker's place may do with a piece now, the first the likeliest. The rules themselves are ``work.objection``'s."""
    status = one.piece.status
    if status in CLOSED:
        return []
    found: list[str] = []
    if one.ours and status in {"requested", "received"}:
        found += [ACCEPT, DECLINE, ASSIGN]
    if one.has and status in {"accepted", "ready", "in-progress", "on-hold"}:
        found += [DONE, *([] if status == "in-progress" else [START]), ASSIGN, HAND_ON, FAILED]
    elif one.has:
        again = (
            status == "rejected" and said_in(one.piece.body) is not None
        )  # a citizen who had an answer may be asked once more
        found += [*([ASK_AGAIN] if again else []), HAND_ON, TAKE_BACK]
    return found + ([CALL_OFF] if one.sent or one.has else [])


def moved(body: Mapping[str, Any], act: Act, at: datetime) -> dict[str, Any]:
    """The Task after an act at a moment. Raises BadRequest for an act that is none, or lacks what it takes."""
    if act.what not in _MOVED:
        raise BadRequest("There is no such thing to do with a piece of work.")
    changes = {
        "lastModified": at.isoformat(timespec="milliseconds"),
        "statusReason": None,
        **_MOVED[act.what](body, act),
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def _because(status: str) -> Callable[[Mapping[str, Any], Act], dict[str, Any]]:
    def changed(_body: Mapping[str, Any], act: Act) -> dict[str, Any]:
        reason = {"statusReason": {"text": act.reason}} if act.reason else {}
        return {"status": status, **reason}

    return changed


def _given(body: Mapping[str, Any], act: Act) -> dict[str, Any]:
    others = _without_assignee(body)
    given = {"url": ASSIGNEE, "valueReference": {"reference": f"Practitioner/{act.person}"}}
    return {"extension": ([*others, given] if act.person else others) or None}


def _handed_on(body: Mapping[str, Any], act: Act) -> dict[str, Any]:
    if act.unit is None:
        raise BadRequest("Say to which unit.")
    owner = {"reference": f"Organization/{act.unit}"}
    return {"status": "requested", "owner": owner, "extension": _without_assignee(body) or None}


def _taken_back(body: Mapping[str, Any], _act: Act) -> dict[str, Any]:
    return {"status": "accepted", "owner": {"reference": whose_move(body).holder}}


def _without_assignee(body: Mapping[str, Any]) -> list[Any]:
    return [one for one in body.get("extension", ()) if one.get("url") != ASSIGNEE]


_MOVED: Mapping[str, Callable[[Mapping[str, Any], Act], dict[str, Any]]] = {
    ACCEPT: _because("accepted"),
    DECLINE: _because("rejected"),
    START: _because("in-progress"),
    DONE: _because("completed"),
    FAILED: _because("failed"),
    CALL_OFF: _because("cancelled"),
    ASSIGN: _given,
    HAND_ON: _handed_on,
    TAKE_BACK: _taken_back,
    ASK_AGAIN: _because("requested"),
}


class Moves:
    """Moves pieces through the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def make(self, ask: Ask, task: UUID, version: int, act: Act) -> None:
        """Does it, to the version that was seen. Raises Unknown, Forbidden, Unprocessable with the reason, or PreconditionFailed."""
        found = await self._store.read(ask, "Task", task)
        if found.version != version:
            raise PreconditionFailed("Somebody else changed this first: read it again.")
        body = moved(orjson.loads(found.body), act, ask.at)
        change = Change("PUT", "Task", body, orjson.dumps(body), task, if_match=version)
        await self._store.commit(ask, [change])
