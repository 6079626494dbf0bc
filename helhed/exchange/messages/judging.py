"""Judging a message by what is known of it: whether it can be taken, what it asks to be written, and what is kept of it then."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.exchange.messages import acknowledging
from helhed.exchange.messages.comparing import compared
from helhed.exchange.messages.envelope import Message, Unfit
from helhed.exchange.messages.keeping import Kept, Outcome, Way
from helhed.exchange.messages.sharing import Parties, Share, parse_known, share
from helhed.fhir.changes import Written
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.validation import validate
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import InvalidResource
from helhed.foundation.ids import key_of
from helhed.trust.policy import BASIS_NUMBERS

MOST_TOLD = 3  #: problems in one answer
SHARED = frozenset({"shared", "both"})
MESSAGED = frozenset({"message", "both"})
_RECEIVED = ("received", "validated", "stored", "acknowledged")


class Refused(Unfit):
    """A message that cannot be taken."""

    def __init__(self, sentence: str, *, error: str, later: bool = False) -> None:
        super().__init__(sentence, error=error)
        self.later = later  #: whether it may be taken another time


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message."""

    id: UUID | None
    code: str
    answer: bytes  #: the acknowledgement; b"" for one of an acknowledgement, which is never acknowledged
    again: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A message that can be taken."""

    parties: Parties
    known: Any
    share: Share


def judge(knowledge: Knowledge, ask: Ask, message: Message, known: Any) -> Judged:
    """What a message asks to be written; ``known`` as ``begin`` tells it. Raises Refused or Unfit with what the acknowledgement says."""
    parties = _parties_of(message, known)
    _conforms(knowledge, ask, message)
    rows = known["sender_mode"] in SHARED
    return Judged(parties, known, share(message, parties, ask.at, retracted=known["retracted"], rows=rows))


def check(found: Share) -> None:
    """What is built from a message follows the definitions as well."""
    for one in found.changes:
        if issues := validate(one.resource or {}, one.type_name):
            raise InvalidResource(issues=issues[:MOST_TOLD])


def outcome(ask: Ask, message: Message, raw: bytes, judged: Judged, written: Sequence[Written]) -> Outcome:
    """What is kept of a message whose rows are written, with its acknowledgement."""
    known, found = judged.known, judged.share
    own = known["message"] or uuid4()
    ack = orjson.dumps(acknowledging.acknowledgement(message, own, uuid4(), ask.at, acknowledging.OK))
    messaged, shared = compared(message, judged.parties, found, written)
    steps = [*_RECEIVED[:3], *(("late",) if found.late else ()), *(("retracted",) if known["retracted"] else ())]
    steps += ["asked"] if found.tasks else []
    way = Way(known["channel"] or "queue", known["address"]) if known["receiver_mode"] in MESSAGED else None
    kept = Kept(
        own, known["sender"], known["receiver"], key_of(judged.parties.patient), acknowledging.OK, None, ack,
        known["sender_mode"], known["receiver_mode"], found.late, messaged, shared,
    )  # fmt: skip
    rows = [(one.id, TYPE_NUMBERS[one.type_name]) for one in written]
    rows += [] if message.about is None else [(message.about, TYPE_NUMBERS[message.type.focus or ""])]
    basis = BASIS_NUMBERS["custodian"] if ask.kind is ActorKind.SYSTEM else BASIS_NUMBERS["owner"]
    return Outcome(ask, message, raw, kept, [*steps, _RECEIVED[3]], rows, found.keys, found.tasks, way, basis)


def _conforms(knowledge: Knowledge, ask: Ask, message: Message) -> None:
    """By the profile of its family, where it is installed."""
    profiles = knowledge.profiles
    if profiles.library.structure(message.type.profile) is None:
        return
    found = profiles.validate(message.bundle, [message.type.profile], at=ask.at)
    wrong = [one for one in found if one.severity == "error"]
    if wrong:
        told = "; ".join(f"{one.expression}: {one.diagnostics}" for one in wrong[:MOST_TOLD])
        raise Refused(f"It breaks the profile of its family. {told}", error="MSG_VALUESET_VALUE_UNKNOWN")


def _parties_of(message: Message, known: Any) -> Parties:
    """Raises Refused with what the acknowledgement says."""
    if not message.receiver:
        raise Refused("The message names no receiver with a SOR code.", error="MSG_Receiver_Identifier_MISSING")
    if known["receiver"] is None or known["closed"]:
        raise Refused("The receiver is not known here, or is closed.", error="MSG_Receiver_Identifier_UNKNOWN")
    if known["blocked"]:
        raise Refused("The receiver cannot take this message.", error="MSG_RECEIVER_UNABLE_TO_RECEIVE_MSG_TYPE")
    patients = known["patients"] or []
    if not message.numbers:
        raise Refused("The message says by no number whom it is about.", error="MSG_CodeSystem_VALUE_UNKNOWN")
    if len(patients) != 1:
        told = (
            "Nobody with this number is known here yet."
            if not patients
            else "The message is about more than one person."
        )
        raise Refused(told, error="MSG_Mailbox_Out_Of_Operation" if not patients else "MSG_Datatype_Wrong", later=not patients)  # fmt: skip
    organisations = {sor: UUID(one) for sor, one in orjson.loads(known["organisations"] or b"{}").items()}
    return Parties(
        UUID(str(patients[0])), UUID(str(known["sender_id"])), UUID(str(known["receiver_id"])), organisations,
        parse_known(orjson.loads(known["known"] or b"{}")),
    )  # fmt: skip
