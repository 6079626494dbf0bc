"""A citizen answers a piece of work that was asked of them: done, cannot, or wants help; as oneself, or acting for somebody.

Citizens write no resources (``docs/explanation/access.md``). The answer becomes the Task's ``status`` and ``statusReason``, written by the system of
the organisation that keeps it; who answered stands in the receipts and in the citizen's log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from helhed.fhir import exact
from helhed.fhir.changes import Change, Written
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store import Store, WriteSession
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import (
    Forbidden,
    HelhedError,
    Issue,
    MethodNotAllowed,
    PreconditionFailed,
    Unknown,
    Unprocessable,
)
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, prove
from helhed.trust.background import ordering_system
from helhed.work.kinds import kind_named

SYSTEM = "urn:helhed:task-answer"  #: of the code in ``statusReason``
CITIZEN = "citizen-"  #: before what was done, in a receipt of something that a citizen did
LONGEST_WORDS = 1000
_ANSWERABLE = "select * from work.answerable($1::fhir.ask, $2)"
_NOTE = "select work.note_answer($1::fhir.ask, $2, $3, $4)"
_REFUSED = "select fhir.log_writes($1::fhir.ask, $2, $3::smallint, $4::smallint, null, $5::uuid[], $6::int[])"
#: what an app sends along that says nothing of the piece, or is ours to set
_PASSED_OVER = frozenset({"id", "meta", "text", "status", "statusReason", "lastModified"})


class Said(StrEnum):
    """What is answered; the code in ``statusReason`` where it is not done."""

    DONE = "done"
    CANNOT = "cannot"
    HELP = "help"


_MOVES: Mapping[Said, str] = {
    Said.DONE: f"{CITIZEN}completed", Said.CANNOT: f"{CITIZEN}declined", Said.HELP: f"{CITIZEN}help",
}  # fmt: skip
_STATUS: Mapping[Said, str] = {Said.DONE: "completed", Said.CANNOT: "rejected", Said.HELP: "rejected"}


class NotYours(Forbidden):
    """This piece of work is not yours to answer."""


class NotTaken(Unprocessable):
    """The place takes no answers here: call it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answers, and why, in their own words; whoever asked reads it. ``cannot`` takes words."""

    said: Said
    words: str = ""


def said_in(body: Mapping[str, Any]) -> Said | None:
    """What a citizen answered to a piece, as its Task has it; None where it was no citizen, or nothing was answered."""
    reason = body.get("statusReason")
    codings = reason.get("coding") if isinstance(reason, Mapping) else None
    listed = codings if isinstance(codings, list) else ()
    codes = [one.get("code") for one in listed if isinstance(one, Mapping) and one.get("system") == SYSTEM]
    return next((Said(code) for code in codes if code in set(Said)), None)


def answer_of(body: Mapping[str, Any]) -> Answer:
    """The answer that an app writes as a Task: ``completed``; or ``rejected``, with ``statusReason`` (its text, or the code ``help``).

    Raises Unprocessable for what is none.
    """
    reason = body.get("statusReason")
    text = reason.get("text") if isinstance(reason, Mapping) else ""
    words = text if isinstance(text, str) else ""
    if body.get("status") == "completed":
        return Answer(Said.DONE)
    if body.get("status") == "rejected":
        return Answer(said_in(body) or Said.CANNOT, words)
    why = "A citizen answers a piece of work by completed, or by rejected with a reason."
    raise Unprocessable(issues=[Issue(Unprocessable.code, why, "Task.status")])


class Answers:
    """Takes answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def answer(self, ask: Ask, task: UUID, version: int, answer: Answer) -> None:
        """Take it, to the version that was seen.

        Raises Unknown for what the asker may not see, NotYours, Unprocessable without a reason where one is due, PreconditionFailed when it was
        changed since, and NotTaken when the place has no system of its own here.
        """
        if await self._answer(ask, task, version, answer) is None:
            raise Unknown

    async def put(self, ask: Ask, change: Change) -> Written:
        """The same as an app's update of the Task. Raises Unprocessable for elements that are not the citizen's to change, too."""
        assert change.id is not None
        assert change.resource is not None
        if change.if_match is None:
            raise PreconditionFailed('Say which version you have read: If-Match: W/"3".')
        if ask.write_types is not None and "Task" not in ask.write_types:
            raise Forbidden("The app was not given leave to answer pieces of work (patient/Task.u).")
        answer = answer_of(change.resource)
        written = await self._answer(ask, change.id, change.if_match, answer, change.resource)
        if written is None:  # hidden and missing alike: what an update of nothing is answered with
            raise MethodNotAllowed
        return written

    async def _answer(
        self, ask: Ask, task: UUID, version: int, answer: Answer, sent: Mapping[str, Any] | None = None
    ) -> Written | None:
        found: Any = None
        try:
            async with self._store.session(ask) as session:
                found = await session.connection.fetchrow(_ANSWERABLE, ask_row(ask), task)
                if found is None or not found["theirs"]:
                    refused = found is not None
                else:
                    return await self._take(
                        session, ask, found, Change("PUT", "Task", None, None, task, version), answer, sent
                    )
        except HelhedError:
            await self._refused(ask, found, task)
            raise
        if refused:  # after the transaction: that it was tried stands in the log
            raise NotYours
        return None

    async def _take(
        self, session: WriteSession, ask: Ask, found: Any, change: Change, answer: Answer, sent: Mapping[str, Any] | None
    ) -> Written:  # fmt: skip
        before = exact.loads(found["body"])
        if found["version"] != change.if_match:
            raise PreconditionFailed("Somebody else changed this first: read it again.")
        if sent is not None:
            _only_theirs(before, sent)
        body = answered(before, answer, ask)
        writer = session.as_another(ordering_system(found["origin"], ask.at))
        try:
            (written,) = await writer.write([change._replace(resource=body, raw=exact.dumps(body))])
        except (Forbidden, MethodNotAllowed) as error:
            raise NotTaken from error  # the place has no system of its own here
        within = kind_named(found["kind"]).accept_within.total_seconds()
        await prove(session.connection, Duty.STORE)
        await session.connection.execute(_NOTE, ask_row(ask), change.id, _MOVES[answer.said], within)
        return written

    async def _refused(self, ask: Ask, found: Any, task: UUID) -> None:
        if found is None:
            return
        async with lend(self._store.pool) as connection:
            await _log(connection, ask, found, task)


async def _log(connection: Connection, ask: Ask, found: Any, task: UUID) -> None:
    about = (found["citizen"], int(Action.ANSWER_WORK), TYPE_NUMBERS["Task"], [task], [found["version"]])
    await connection.execute(_REFUSED, ask_row(ask), *about)


def answered(before: Mapping[str, Any], answer: Answer, ask: Ask) -> dict[str, Any]:
    """The Task after an answer. Raises Unprocessable without a reason where one is due, and for one that is too long."""
    words = answer.words.strip()
    if len(words) > LONGEST_WORDS or (answer.said is Said.CANNOT and not words):
        why = f"Say why, in at most {LONGEST_WORDS} characters: whoever asked reads it."
        raise Unprocessable(issues=[Issue(Unprocessable.code, why, "Task.statusReason")])
    reason: dict[str, Any] = {"coding": [{"system": SYSTEM, "code": answer.said.value}]} | (
        {"text": words} if words else {}
    )
    changes: dict[str, Any] = {
        "status": _STATUS[answer.said],
        "lastModified": ask.at.isoformat(timespec="milliseconds"),
        "statusReason": None if answer.said is Said.DONE else reason,
    }
    return {name: value for name, value in {**before, **changes}.items() if value is not None}


def _only_theirs(before: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
    names = {name for name in {*before, *sent} if name.lstrip("_") not in _PASSED_OVER}
    for name in sorted(names):
        if before.get(name) != sent.get(name):
            why = "A citizen answers a piece of work (status, statusReason). The rest is not theirs to change."
            raise Unprocessable(issues=[Issue(Unprocessable.code, why, f"Task.{name.lstrip('_')}")])
