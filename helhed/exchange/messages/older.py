"""Letters of MedCom's older families on the way of every message: taken whole or not at all, acknowledged once, shared as what they say.

A letter becomes the FHIR message of its table (``helhed.exchange.legacy``) and is taken by the same intake; what is kept is that message
with the letter's frame, from which the letter comes back word for word. Its units are found by whatever number it has for them. What the
general practice is asked to do becomes a piece of work. The answer is MedCom's receipt, in the letter's own syntax.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import orjson

from helhed.exchange.legacy import FollowUp, Legacy, decode, encode, follow_ups, letters, receipt, to_fhir
from helhed.exchange.legacy.receipts import UNKNOWN_RECEIVER, UNSPECIFIED, is_receipt
from helhed.exchange.messages.acknowledging import OK
from helhed.exchange.messages.delivering import Deliveries
from helhed.exchange.messages.envelope import Message, digest_of, sor_of
from helhed.exchange.messages.intake import Intake, Taken
from helhed.exchange.messages.rules import MessageType
from helhed.fhir import exact
from helhed.fhir.changes import Version
from helhed.fhir.indexing.dates import interval
from helhed.fhir.query import parse_search
from helhed.fhir.store import Store
from helhed.foundation.aside import aside
from helhed.foundation.ask import Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import HelhedError, NotSupported, Unknown
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, SOR, normal_cpr
from helhed.work.kinds import SYSTEM

EDIFACT = "application/edifact"  #: RFC 1767
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Emessage[\s>/]")
_WEIGHT = 6  #: reading and mapping is about this much more work per byte than what else is done aside
_FOLLOW_UP = "follow-up-after-discharge"
_ALLOWED = frozenset({"new-message"})
#: what becomes rows. A stay does not: a letter tells of one and never ends it, and an open stay would open the record
_SHARED = frozenset({"Communication", "Composition", "Condition", "DiagnosticReport", "Observation", "Procedure"})
_REFERRAL = frozenset({"ServiceRequest"})
_GOES_ALONG = frozenset({"MessageHeader", "Patient", "Organization", "Task"})
#: family -> what its receiver is asked for, beside what the letter's own words ask
_KINDS = {"REF": "referral-to-accept", "DIS91": "answer-to-message"}
_MOST_LETTERS = 50


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a file: the receipt of its envelope (b"" for one of receipts), and of each letter what the intake made of it."""

    receipt: bytes
    taken: tuple[Taken, ...]


def is_letter(raw: bytes) -> bool:
    """Whether a body of XML is a letter of MedCom's, and not FHIR."""
    return _ROOT.search(raw, 0, 4096) is not None


class Letters:
    """Takes letters."""

    def __init__(self, store: Store, intake: Intake) -> None:
        self._store = store
        self._intake = intake

    async def take(self, ask: Ask, raw: bytes, channel: str = "rest") -> Answered:
        """Take a file of EDIFACT or XML. Raises BadRequest, NotSupported or TooLarge for one that is no letter, and what ``Intake`` raises."""
        try:
            whole = await aside(_WEIGHT * len(raw), lambda: decode(raw))
            each = letters(whole)
            if len(each) > _MOST_LETTERS:
                raise NotSupported(f"An envelope has at most {_MOST_LETTERS} letters.")
            if receipts := [one for one in each if is_receipt(one)]:
                return await self._receipts(ask, raw, receipts, channel)
            mapped = [await aside(_WEIGHT * len(raw), partial(to_fhir, one)) for one in each]
        except Unknown:
            raise
        except HelhedError as error:
            await self._intake.unreadable(ask, raw, channel, error)
            raise
        taken = [await self._letter(ask, one.bundle, one.family, channel) for one in mapped]
        return Answered(_receipt(whole, raw, taken), tuple(taken))

    async def _receipts(self, ask: Ask, raw: bytes, receipts: list[Legacy], channel: str) -> Answered:
        """Each settles what it answers, and is never answered itself. One that answers nothing from here is kept, and Unknown is raised."""
        for one in receipts:
            try:
                await Deliveries(self._store).receipt(ask, one)
            except Unknown as error:
                await self._intake.put_aside(ask, raw, channel, "unknown-receipt", error)
                raise
        return Answered(b"", (Taken(None, OK, b""),))

    async def _letter(self, ask: Ask, bundle: dict[str, Any], family: str, channel: str) -> Taken:
        for unit in _units(bundle):
            if not sor_of(unit) and (sor := await self._sor(ask, unit)):
                unit.setdefault("identifier", []).append({"system": SOR, "value": sor})
        bundle["entry"] += [_entry(one) for one in _asked(bundle)]
        body = exact.dumps(bundle)
        return await self._intake.take_read(ask, message_of(exact.loads(body), family, ask.at), body, channel)

    async def _sor(self, ask: Ask, unit: dict[str, Any]) -> str:
        """The SOR code of a unit that a letter calls by another number; "" when no unit has it, or several have."""
        for one in unit.get("identifier", ()):
            if not one.get("system") or not one.get("value"):
                continue
            query = parse_search("Organization", [("identifier", f"{one['system']}|{one['value']}")], strict=True)
            found = {sor_of(_resource(match)) for match in (await self._store.search(ask, query)).matches}
            if len(found) == 1:
                return found.pop()
        return ""


def _receipt(whole: Legacy, raw: bytes, taken: list[Taken]) -> bytes:
    """The same file in the same envelope gets the same receipt."""
    answers = [orjson.loads(one.answer) for one in taken]
    at = max(datetime.fromisoformat(one["timestamp"]) for one in answers)
    number = sha256(raw).hexdigest()[:14]
    wrong = next((answer for one, answer in zip(taken, answers, strict=True) if one.code != OK), None)
    if wrong is None:
        return encode(receipt(whole, number, at))
    sentence, why = _why(wrong)
    return encode(receipt(whole, number, at, refused=sentence, why=why))


def message_of(bundle: dict[str, Any], family: str, at: datetime) -> Message:
    """A letter's bundle as the intake takes messages. ``at`` stands for the time of a letter that says none."""
    header = bundle["entry"][0]["resource"]
    entries = {name: one["resource"] for one in bundle["entry"] for name in _names(one)}
    focus = entries.get(_reference((header.get("focus") or [{}])[0]))
    kind = MessageType(family, None, "", _KINDS.get(family, _KINDS.get(family[:3])), _ALLOWED)
    shared = _GOES_ALONG | (_REFERRAL if family[:3] == "REF" else _SHARED)
    patients = [one for one in entries.values() if one["resourceType"] == "Patient"]
    organisations = [one for one in entries.values() if one["resourceType"] == "Organization"]
    return Message(
        envelope=str(bundle["id"]),
        header=str(header["id"]),
        type=kind,
        activity="new-message",
        occurred=_occurred(bundle, focus, at),
        sender=sor_of(entries.get(_reference(header.get("sender")), {})),
        receiver=sor_of(entries.get(_reference((header.get("destination") or [{}])[0].get("receiver")), {})),
        bundle={**bundle, "entry": [one for one in bundle["entry"] if one["resource"]["resourceType"] in shared]},
        entries=entries,
        chain=(),
        digest=digest_of(orjson.loads(exact.dumps(bundle))),
        numbers=tuple(dict.fromkeys(_numbers(patients))),
        focus=focus,
        sors=frozenset(filter(None, map(sor_of, organisations))),
    )


def _units(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Organization"]


def _names(entry: dict[str, Any]) -> tuple[str, str]:
    resource = entry["resource"]
    return entry["fullUrl"], f"{resource['resourceType']}/{resource['id']}"


def _reference(said: Any) -> str:
    return str((said or {}).get("reference", ""))


def _numbers(patients: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for patient in patients:
        for one in patient.get("identifier", ()):
            if one.get("system") in {CPR, REPLACEMENT_CPR} and one.get("value"):
                yield one["system"], normal_cpr(str(one["value"]))


def _occurred(bundle: dict[str, Any], focus: dict[str, Any] | None, at: datetime) -> datetime:
    said = next(
        (focus[name] for name in ("date", "sent", "authoredOn", "issued") if focus and name in focus),
        bundle.get("timestamp"),
    )
    return min(interval(said)[0], at) if said else at


def _asked(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A Task for each thing that the practice is asked to do."""
    for number, one in enumerate(follow_ups(bundle)):
        yield _task(bundle, number, one)


def _task(bundle: dict[str, Any], number: int, asked: FollowUp) -> dict[str, Any]:
    header = bundle["entry"][0]["resource"]
    receiver = (header.get("destination") or [{}])[0].get("receiver")
    task: dict[str, Any] = {
        "resourceType": "Task", "id": str(uuid5(UUID(header["id"]), f"task {number}")), "status": "requested", "intent": "order",
        "description": asked.text, "code": {"coding": [{"system": SYSTEM, "code": _FOLLOW_UP}]},
    }  # fmt: skip
    if asked.due:
        end = datetime.combine(asked.due, time(23, 59), DANISH_TIME)
        task["restriction"] = {"period": {"end": end.isoformat()}}
    return {**task, "owner": receiver} if receiver else task


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}


def _resource(version: Version) -> dict[str, Any]:
    found: dict[str, Any] = exact.loads(version.body)
    return found


def _why(answer: dict[str, Any]) -> tuple[str, str]:
    """What a receipt says of a refusal: the acknowledgement's own sentence."""
    issues = [
        i
        for e in answer["entry"]
        if e["resource"]["resourceType"] == "OperationOutcome"
        for i in e["resource"]["issue"]
    ]
    sentence = str(issues[0].get("diagnostics", "")) if issues else ""
    codes = {c.get("code") for i in issues for c in i.get("details", {}).get("coding", ())}
    unknown = codes & {
        "MSG_Receiver_Identifier_UNKNOWN",
        "MSG_Receiver_Identifier_MISSING",
        "MSG_RECEIVER_UNABLE_TO_RECEIVE_MSG_TYPE",
    }
    return sentence or "The letter was not taken.", UNKNOWN_RECEIVER if unknown else UNSPECIFIED
