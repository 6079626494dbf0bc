"""``$process-message`` (http://hl7.org/fhir/R4/messageheader-operation-process-message.html): a message in, its acknowledgement out; and the
network's own around it: ``$message-poll``, ``$message-answer``, ``$message-trace``, ``Organization/{id}/$message-mode``.

A message that can be told whose it is and what it is called is answered with its acknowledgement, also where that says no: the code of
the acknowledgement is the outcome, the status of HTTP says that there is one. What is no message is an error, and is kept as well.
"""

from typing import Any
from uuid import UUID

import orjson

from helhed.api.answers import ALWAYS, Answer
from helhed.api.door import Door
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.parameters import Given, given
from helhed.api.request import FHIR_TYPES, XML_TYPES, Request
from helhed.exchange.messages.delivering import Deliveries
from helhed.exchange.messages.following import Followed, Messages
from helhed.exchange.messages.modes import Mode, Modes
from helhed.exchange.messages.older import EDIFACT, Letters, is_letter
from helhed.exchange.messages.rules import ACKNOWLEDGEMENT
from helhed.fhir.splice import instant
from helhed.fhir.xml import json_of
from helhed.foundation.aside import aside
from helhed.foundation.ask import ActorKind
from helhed.foundation.errors import BadRequest, Forbidden, HelhedError, Unknown
from helhed.foundation.ids import key_of, parse_id

_SYSTEM = frozenset({"system"})
_XML_WEIGHT = 4
_OUR = "urn:helhed:operation:"
_CODES = frozenset({"ok", "transient-error", "fatal-error"})
_MOST = 200


async def _process(door: Door, request: Request, place: Place) -> Answer:
    _only_systems(request)
    media = request.check_type(FHIR_TYPES | XML_TYPES | {EDIFACT})
    raw = await request.body()
    intake = door.intake
    if media == EDIFACT or (media in XML_TYPES and is_letter(raw)):
        answered = await Letters(door.store, intake).take(request.ask, raw)
        if not answered.receipt:  # of receipts, which are never answered
            return Answer(204)
        return Answer(200, answered.receipt, ((b"content-type", media.encode()), *ALWAYS[1:]))
    came = raw
    if media in XML_TYPES:
        try:
            raw = await aside(_XML_WEIGHT * len(came), lambda: json_of(came, limits=door.limits, most_elements=door.most_elements))  # fmt: skip
        except HelhedError as error:
            await intake.unreadable(request.ask, came, "rest", error)
            raise
    message = await intake.readable(request.ask, raw, "rest", came)
    if message.type.name == ACKNOWLEDGEMENT:  # which is never acknowledged
        await Deliveries(door.store).settle(request.ask, message)
        return Answer(204)
    taken = await intake.take_read(request.ask, message, came)
    return Answer(200, taken.answer)


async def _poll(door: Door, request: Request, place: Place) -> Answer:
    _only_systems(request)
    asked = await given(door, request)
    asked.only("message-poll", "count")
    copies = await Deliveries(door.store).hand_over(request.ask, most=asked.count("count", 50, _MOST))
    entries = b",".join(b'{"resource":' + one.enveloped + b"}" for one in copies)
    return Answer(200, b'{"resourceType":"Bundle","type":"collection"' + (b',"entry":[' + entries + b"]}" if copies else b"}"))  # fmt: skip


async def _answer(door: Door, request: Request, place: Place) -> Answer:
    _only_systems(request)
    asked = await given(door, request)
    asked.only("message-answer", "message", "sender", "code", "reason")
    header, code = asked.one("message"), asked.one("code") or "ok"
    if not header or code not in _CODES:
        raise BadRequest("Say which message (MessageHeader.id), and a code: ok, transient-error or fatal-error.")
    told = await Deliveries(door.store).answered(request.ask, header, asked.one("sender") or "", code, asked.one("reason") or "")  # fmt: skip
    return Answer(200, _parameters([{"name": "state", "valueCode": told}]))


async def _trace(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("message-trace", "patient", "message", "count")
    patient, wanted = _uuid(asked, "patient", "Patient/"), _uuid(asked, "message", "")
    count = asked.count("count", 20, _MOST)
    found = await Messages(door.store).seen(request.ask, patient=patient, wanted=wanted, most=count)
    return Answer(200, _parameters([{"name": "message", "part": _told(one)} for one in found]))


async def _mode(door: Door, request: Request, place: Place) -> Answer:
    asked = await given(door, request)
    asked.only("message-mode", "type", "mode", "channel", "address")
    unit = parse_id(place.id or "")
    if unit is None:
        raise Unknown
    mode = Mode.of(asked.one("type") or "", asked.one("mode") or "", asked.one("channel") or "queue", asked.one("address"))  # fmt: skip
    await Modes(door.store).set(request.ask, key_of(unit), mode)
    return Answer(200, _parameters([{"name": "mode", "valueCode": mode.mode}]))


def _only_systems(request: Request) -> None:
    if request.ask.kind is not ActorKind.SYSTEM:
        raise Forbidden("Messages are sent by the system of an organisation; people write them on the pages.")


def _uuid(asked: Given, name: str, prefix: str) -> UUID | None:
    text = asked.one(name)
    found = None if text is None else parse_id(text.removeprefix(prefix)) or _any_uuid(text)
    if text is not None and found is None:
        raise Unknown
    return found


def _any_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _told(one: Followed) -> list[dict[str, Any]]:
    texts = {"type": one.type, "activity": one.activity, "code": one.code, "sender": one.sender, "receiver": one.receiver, "problem": one.problem}  # fmt: skip
    parts: list[dict[str, Any]] = [{"name": "id", "valueId": str(one.id)}]
    parts += [{"name": name, "valueString": value} for name, value in texts.items() if value]
    parts.append({"name": "received", "valueInstant": instant(one.received_at)})
    if one.equal is not None:
        parts.append({"name": "equal", "valueBoolean": one.equal})
    for step in one.steps:
        part = [{"name": "step", "valueCode": step.step}, {"name": "at", "valueInstant": instant(step.at)}]
        part += [{"name": "by", "valueString": step.by}] if step.by else []
        parts.append({"name": "step", "part": part})
    return parts


def _parameters(parts: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


PROCESS_MESSAGE = Operation(
    "process-message", _SYSTEM, None, "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message", _process,
    changes=True,
)  # fmt: skip
MESSAGES = (
    PROCESS_MESSAGE,
    Operation("message-poll", _SYSTEM, None, _OUR + "message-poll", _poll, changes=True),
    Operation("message-answer", _SYSTEM, None, _OUR + "message-answer", _answer, changes=True),
    Operation("message-trace", _SYSTEM, None, _OUR + "message-trace", _trace),
    Operation("message-mode", frozenset({"instance"}), frozenset({"Organization"}), _OUR + "message-mode", _mode, changes=True),
)  # fmt: skip
