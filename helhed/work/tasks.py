"""A piece of work as a FHIR Task: how it is built, and how one is read. Pure: no store, no clock.

``requester`` asks, ``owner`` is asked. Until the one who was asked has accepted, the piece stays with whoever asked; once
accepted it is the owner's. A unit that has accepted and hands the piece on to another unit asks in its turn: it is then the
``holder`` (an extension), and the piece stays with it until the other accepts. https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from helhed.foundation.errors import Unprocessable
from helhed.work.kinds import SYSTEM, kinds

#: who has a piece that was handed on and is not accepted by the next yet; the network itself keeps it right
HOLDER = "urn:helhed:extension:task-holder"
#: who in the owner's unit does it
ASSIGNEE = "urn:helhed:extension:task-assignee"
#: the Task of a unit that has accepted
ACCEPTED = frozenset({"accepted", "ready", "in-progress", "on-hold"})
#: asked, and not answered
ASKED = frozenset({"draft", "requested", "received"})
CLOSED = frozenset({"completed", "failed", "cancelled", "entered-in-error"})
STATUSES = ACCEPTED | ASKED | CLOSED | {"rejected"}


class Step(Enum):
    """What a piece waits for."""

    ACCEPT = "accept"  #: that who was asked accepts or declines; it is with who asked
    SEND_AGAIN = "send-again"  #: declined or never sent: that who has it asks somebody else, does it, or calls it off
    ACT = "act"  #: that who accepted does it
    NOTHING = "nothing"  #: it is over


@dataclass(frozen=True, slots=True)
class Move:
    """Whose move it is. References are as the Task has them; "" where it has none."""

    step: Step
    holder: str  #: who answers for the piece now
    asked: str  #: who has to move: the holder, or whoever was asked to accept
    due: str  #: ``restriction.period.end`` as it was written, or ""

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.step is not Step.NOTHING


def task(
    *,
    kind: str,
    requester: str,
    owner: str,
    authored: datetime,
    patient: str | None = None,
    focus: str | None = None,
    due: datetime | None = None,
    description: str = "",
    urgent: bool = False,
) -> dict[str, Any]:
    """The body of a new piece of work, asked of ``owner`` by ``requester``.

    References are ``Type/id`` or ``urn:uuid:...`` of the same transaction. ``due`` is when it has to be done; None is what the
    kind gives. Moments have a time zone. Raises Unprocessable for a kind that is none, a moment without a zone, or a deadline
    before the beginning.
    """
    if kind not in kinds():
        raise Unprocessable(f"There is no kind of work {kind!r}: one of {', '.join(kinds())}.")
    due = authored + kinds()[kind].act_within if due is None else due
    if authored.tzinfo is None or due.tzinfo is None:
        raise Unprocessable("The moments of a piece of work have a time zone.")
    if due < authored:
        raise Unprocessable("A piece of work is due after it is asked for.")
    at = authored.isoformat(timespec="milliseconds")
    body: dict[str, Any] = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": "urgent" if urgent else "routine",
        "code": {"coding": [{"system": SYSTEM, "code": kind, "display": kinds()[kind].words["en"]}]},
        "authoredOn": at,
        "lastModified": at,
        "requester": {"reference": requester},
        "owner": {"reference": owner},
        "restriction": {"period": {"end": due.isoformat(timespec="milliseconds")}},
    }
    for name, reference in (("for", patient), ("focus", focus)):
        if reference:
            body[name] = {"reference": reference}
    if description:
        body["description"] = description
    return body


def kind_of(body: Mapping[str, Any]) -> str | None:
    """The name of the kind that a Task has; None for none, or one that is not ours."""
    code = body.get("code")
    codings = code.get("coding") if isinstance(code, Mapping) else None
    listed = codings if isinstance(codings, list) else ()
    found = (one.get("code") for one in listed if isinstance(one, Mapping) and one.get("system") == SYSTEM)
    return next((name for name in found if isinstance(name, str) and name in kinds()), None)


def reference_of(value: Any) -> str:
    """The literal reference of a Reference; "" for none."""
    found = value.get("reference") if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def extension_of(body: Mapping[str, Any], url: str) -> Any:
    """The Reference of an extension of a Task; None for none."""
    extensions = body.get("extension")
    for one in extensions if isinstance(extensions, list) else ():
        if isinstance(one, Mapping) and one.get("url") == url:
            return one.get("valueReference")
    return None


def holder_of(body: Mapping[str, Any]) -> str:
    """Who handed the piece on and has it still, where somebody did; "" elsewhere."""
    return reference_of(extension_of(body, HOLDER))


def whose_move(body: Mapping[str, Any]) -> Move:
    """Whose move a Task says it is. Never raises: what is missing reads as ""."""
    status = str(body.get("status"))
    requester, owner = reference_of(body.get("requester")), reference_of(body.get("owner"))
    restriction = body.get("restriction")
    period = restriction.get("period") if isinstance(restriction, Mapping) else None
    end = period.get("end") if isinstance(period, Mapping) else None
    due = end if isinstance(end, str) else ""
    holder = holder_of(body) or requester
    if status in CLOSED:
        return Move(Step.NOTHING, "", "", due)
    if status in ACCEPTED and owner:
        return Move(Step.ACT, owner, owner, due)
    if status in {"requested", "received"} and owner and owner != holder:
        return Move(Step.ACCEPT, holder or owner, owner, due)
    return Move(Step.SEND_AGAIN, holder or owner, holder or owner, due)
