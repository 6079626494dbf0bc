"""A citizen's answer to an appointment: confirmed, called off, or asked to be moved.

Citizens write no resources (``docs/explanation/access.md``). The answer is written into the appointment, as the status of the citizen
among its participants, by the system of the organisation that keeps it, in one transaction with the piece of work that the unit
then has; who answered stands in the citizen's log. The appointment's own status stays the unit's to set.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from helhed.fhir import exact
from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS, type_definition
from helhed.fhir.store import Store, WriteSession
from helhed.fhir.store.rows import ask_row
from helhed.fhir.store.writing import home_bucket
from helhed.fhir.transaction import check_storable
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Forbidden, HelhedError, MethodNotAllowed, Unprocessable
from helhed.foundation.ids import new_id
from helhed.record.calendar.appointments import Appointment
from helhed.record.calendar.rules import rules
from helhed.record.paths import Json, objects, text
from helhed.trust.background import ordering_system
from helhed.work.tasks import task

KIND = "appointment-answer"
LONGEST_WORDS = 500
#: the status of a participant (http://hl7.org/fhir/R4/valueset-participationstatus.html) by what was answered
STATUS = {"confirm": "accepted", "cancel": "declined", "move": "tentative"}
_TYPE = TYPE_NUMBERS["Appointment"]
_LOG = "select fhir.log_writes($1::fhir.ask, $2, $3::smallint, $4::smallint, $5::smallint, $6::uuid[], $7::int[])"
_UNIT = "select id from registries.organisation where key = $1"


class NotTaken(Unprocessable):
    """The place does not take this answer here: call it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a citizen says to one version of an appointment."""

    kind: str  #: confirm, cancel, move
    words: str = ""  #: a wish, or why; for the unit
    basis: int = 1  #: as the decision numbers it: oneself, or by what somebody acts


def allowed(one: Appointment, now: datetime) -> tuple[str, ...]:
    """What may be answered to an appointment now; nothing when it is called off, over, or too near."""
    start = one.said.start
    if not one.stands or start is None or start.at.astimezone(UTC) - rules().answer_until <= now:
        return ()
    return tuple(kind for kind, status in STATUS.items() if kind in one.said.answers and one.said.answer != status)


class Answers:
    """Takes answers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def answer(self, ask: Ask, citizen: int, one: Appointment, answer: Answer) -> None:
        """Write the answer. NotTaken when the place does not take it, Unknown when the asker may not see the appointment (any more),
        PreconditionFailed when it was changed since ``one`` was read.
        """
        if answer.kind not in allowed(one, ask.at):
            raise NotTaken
        session: WriteSession | None = None
        try:
            async with self._store.session(ask) as session:
                await self._take(session, ask, citizen, one, answer)
        except HelhedError:
            if session is not None:
                await self._store.log_refusal(ask, session, ())
            raise

    async def _take(self, session: WriteSession, ask: Ask, citizen: int, one: Appointment, answer: Answer) -> None:
        version = await session.read("Appointment", one.id)
        content = exact.loads(version.body)
        unit = await session.connection.fetchval(_UNIT, one.origin)
        patient = _mark(content, STATUS[answer.kind])
        changes = [_update(content, one)]
        if answer.kind != "confirm":
            changes.append(_work(ask, one, answer, patient, f"Organization/{unit}"))
        system = ordering_system(one.origin, ask.at)
        try:
            await session.as_another(system).write(changes)
        except (Forbidden, MethodNotAllowed, Unprocessable) as error:
            raise NotTaken from error  # the place has no system of its own here
        values = (ask_row(ask), citizen, int(Action.ANSWER_APPOINTMENT), _TYPE, answer.basis, [one.id], [one.version])
        await session.connection.execute(_LOG, *values)


def _mark(content: Json, status: str) -> str:
    """Sets the citizen's status among the participants; returns the reference to the citizen."""
    for one in objects(content.get("participant")):
        reference = text(one, "actor.reference")
        if reference.startswith("Patient/"):
            one["status"] = status
            return reference
    raise NotTaken


def _update(content: Json, one: Appointment) -> Change:
    check_storable("Appointment", content)
    return Change("PUT", "Appointment", content, exact.dumps(content), one.id, if_match=one.version)


def _work(ask: Ask, one: Appointment, answer: Answer, patient: str, unit: str) -> Change:
    words = answer.words[:LONGEST_WORDS].strip()
    body: dict[str, Any] = task(
        kind=KIND,
        requester=patient,
        owner=unit,
        patient=patient,
        focus=f"Appointment/{one.id}",
        authored=ask.at,
        due=ask.at + rules().task_due,
        description=words,
    )
    body["input"] = [{"type": {"text": KIND}, "valueCode": answer.kind}]
    raw = exact.dumps(body)
    check_storable("Task", body)
    return Change("POST", "Task", body, raw, new_id(home_bucket(type_definition("Task"), body)))


def answered(one: Appointment) -> tuple[str, datetime] | None:
    """What the citizen answered last to an appointment, and when; None when nobody has since its time was set."""
    told = [*one.past, (one.updated, one.said)]
    last: tuple[str, datetime] | None = None
    for (_, before), (at, after) in pairwise(told):
        if before.times != after.times:
            last = None
        if before.answer != after.answer:
            last = (next((kind for kind, status in STATUS.items() if status == after.answer), ""), at)
    return last if last and last[0] else None
