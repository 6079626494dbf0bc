"""Reading a message: a Bundle whose first entry is its MessageHeader. Pure: who the parties are is for the registries to say.

http://hl7.org/fhir/R4/messaging.html, and MedCom's messaging profile.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from helhed.exchange.messages.rules import ACKNOWLEDGEMENT, ACTIVITIES, EVENTS, MessageType, rules
from helhed.fhir.indexing.dates import interval
from helhed.foundation.errors import HelhedError, InvalidResource, Issue
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, SOR, normal_cpr

_MOST_ENTRIES = 500
_MOST_CHAIN = 100  #: of Provenances: one for each step a message took


class Unfit(HelhedError):
    """The message breaks a rule of its family."""

    code = "business-rule"

    def __init__(self, sentence: str, where: str = "", *, error: str = "MSG_VALUESET_VALUE_UNKNOWN") -> None:
        super().__init__(issues=[Issue("business-rule", sentence, where)])
        self.error = error  #: of MedCom's acknowledgement error codes


@dataclass(frozen=True, slots=True)
class Step:
    """One Provenance of the chain."""

    header: str  #: MessageHeader.id that it is about
    activity: str
    at: datetime
    before: str  #: MessageHeader.id that it goes on from; ""
    takes_back: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was read."""

    envelope: str  #: Bundle.id
    header: str  #: MessageHeader.id
    type: MessageType
    activity: str
    occurred: datetime
    sender: str  #: SOR code
    receiver: str  #: SOR code of the primary destination; "" when it names none
    bundle: dict[str, Any]
    entries: Mapping[str, dict[str, Any]]  #: by fullUrl and by Type/id
    chain: tuple[Step, ...]
    digest: bytes  #: SHA-256 of everything but the envelope
    responds: tuple[str, str] = ("", "")  #: of an acknowledgement: MessageHeader.id and code
    numbers: tuple[tuple[str, str], ...] = ()  #: CPR or replacement numbers of its patients
    focus: dict[str, Any] | None = None
    sors: frozenset[str] = field(default_factory=frozenset)
    about: UUID | None = None  #: the row that it tells of, its sender's and here already: no other is made of it

    @property
    def resources(self) -> Iterator[dict[str, Any]]:
        """In their order."""
        return (one["resource"] for one in self.bundle["entry"])

    @property
    def thread(self) -> str | None:
        """What a CareCommunication belongs to."""
        some = (self.focus or {}).get("identifier") if self.type.focus == "Communication" else None
        return next((one["value"] for one in some or () if one.get("value")), None)

    @property
    def taken_back(self) -> list[str]:
        """The messages that this one takes back."""
        return [one.before for one in self.chain if one.header == self.header and one.takes_back and one.before]


def read_message(bundle: dict[str, Any], digest: bytes) -> Message:
    """A parsed Bundle, and its ``digest_of``, that follows FHIR's definitions. Raises InvalidResource for what is no message, Unfit for one that breaks rules."""
    header = _header(bundle)
    code = header.get("eventCoding", {})
    family = rules().types.get(code.get("code", "")) if code.get("system") == EVENTS else None
    if family is None:
        raise Unfit("This event is none that is exchanged here.", "Bundle.entry[0].resource.event", error="MSG_CodeSystem_VALUE_UNKNOWN")  # fmt: skip
    entries = _entries(bundle)
    chain = tuple(_chain(bundle))
    own = [one for one in chain if one.header == header["id"]]
    if len(own) != 1 or own[0].activity not in family.activities:
        raise Unfit(
            "One Provenance says what this message does, by an activity of its family.",
            "Bundle.entry.resource.activity",
        )
    destination = _primary(header)
    focus = _focus(header, family, entries)
    patients = [one for one in _resources(bundle) if one["resourceType"] == "Patient"]
    response = header.get("response", {})
    return Message(
        str(bundle["id"]),
        str(header["id"]),
        family,
        own[0].activity,
        own[0].at,
        _sor(header.get("sender"), entries),
        _sor(destination.get("receiver"), entries),
        bundle,
        entries,
        chain,
        digest,
        (str(response.get("identifier", "")), str(response.get("code", ""))),
        tuple(number for one in patients for number in _numbers(one)),
        focus,
        frozenset(filter(None, (sor_of(one) for one in _resources(bundle) if one["resourceType"] == "Organization"))),
    )


def digest_of(bundle: Mapping[str, Any]) -> bytes:
    """What makes a message itself: two envelopes of it have the same."""
    inner = {name: value for name, value in bundle.items() if name not in {"id", "timestamp", "meta", "identifier"}}
    return sha256(orjson.dumps(inner, option=orjson.OPT_SORT_KEYS)).digest()


def sor_of(organisation: Mapping[str, Any]) -> str:
    """The SOR code of an Organization; "" without one."""
    some = organisation.get("identifier", ())
    return next((str(one["value"]) for one in some if one.get("system") == SOR and one.get("value")), "")


def _header(bundle: dict[str, Any]) -> dict[str, Any]:
    entries = bundle.get("entry") or []
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "message":
        raise InvalidResource(issues=[Issue("value", "Send a Bundle of type message.", "Bundle.type")])
    if not bundle.get("id") or not bundle.get("timestamp"):
        raise InvalidResource(
            issues=[Issue("required", "A message has an id and a timestamp of its envelope.", "Bundle.id")]
        )
    if len(entries) > _MOST_ENTRIES:
        raise InvalidResource(issues=[Issue("too-costly", f"A message has at most {_MOST_ENTRIES} entries.", "Bundle.entry")])  # fmt: skip
    first = entries[0].get("resource", {}) if entries else {}
    if first.get("resourceType") != "MessageHeader" or not first.get("id"):
        issue = Issue("structure", "The first entry of a message is its MessageHeader, with an id.", "Bundle.entry[0]")
        raise InvalidResource(issues=[issue])
    if any("resource" not in one or not one.get("fullUrl") for one in entries):
        raise InvalidResource(
            issues=[Issue("required", "Each entry of a message has a fullUrl and a resource.", "Bundle.entry")]
        )
    return dict(first)


def _resources(bundle: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (one["resource"] for one in bundle["entry"])


def _entries(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    headers = 0
    for place, one in enumerate(bundle["entry"]):
        resource = one["resource"]
        headers += resource["resourceType"] == "MessageHeader"
        names = {one["fullUrl"], f"{resource['resourceType']}/{resource.get('id', '')}"}
        if headers > 1 or any(name in found for name in names):
            raise Unfit("Two entries of a message are one and the same, or both are its header.", f"Bundle.entry[{place}]")  # fmt: skip
        found.update(dict.fromkeys(names, resource))
    return found


def _chain(bundle: dict[str, Any]) -> Iterator[Step]:
    some = [one for one in _resources(bundle) if one["resourceType"] == "Provenance"]
    if len(some) > _MOST_CHAIN:
        raise Unfit(f"A chain has at most {_MOST_CHAIN} steps.", "Bundle.entry")
    for one in some:
        codings = one.get("activity", {}).get("coding", ())
        entity = (one.get("entity") or [{}])[0]
        target = one["target"][0].get("reference", "").rpartition("/")[2].removeprefix("urn:uuid:")
        if "recorded" not in one:  # FHIR takes an extension in its place, which says why it is not there
            raise Unfit("Each step says when it was recorded.", "Bundle.entry.resource.recorded")
        yield Step(
            target,
            next((str(c.get("code")) for c in codings if c.get("system") == ACTIVITIES), ""),
            interval(one["recorded"])[0],
            entity.get("what", {}).get("reference", "").rpartition("/")[2].removeprefix("urn:uuid:"),
            entity.get("role") == "removal",
        )


def _primary(header: Mapping[str, Any]) -> Mapping[str, Any]:
    """The destination the message is for; the first, where none says that it is."""
    some: list[dict[str, Any]] = header.get("destination", [])
    for one in some:
        if any(e.get("valueCoding", {}).get("code") == "primary" for e in one.get("extension", ())):
            return one
    return some[0] if some else {}


def _sor(reference: Any, entries: Mapping[str, dict[str, Any]]) -> str:
    target = entries.get(reference.get("reference", "")) if isinstance(reference, dict) else None
    return sor_of(target) if target is not None and target["resourceType"] == "Organization" else ""


def _focus(
    header: Mapping[str, Any], family: MessageType, entries: Mapping[str, dict[str, Any]]
) -> dict[str, Any] | None:
    some = [entries.get(one.get("reference", "")) for one in header.get("focus", ())]
    if family.name == ACKNOWLEDGEMENT:
        if not header.get("response"):
            raise Unfit("An acknowledgement says which message it answers.", "Bundle.entry[0].resource.response")
        return None
    if len(some) != 1 or some[0] is None or some[0]["resourceType"] != family.focus:
        raise Unfit(f"A message of this family is about one {family.focus}, which comes with it.", "Bundle.entry[0].resource.focus")  # fmt: skip
    return some[0]


def _numbers(patient: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in patient.get("identifier", ()):
        if one.get("system") in {CPR, REPLACEMENT_CPR} and one.get("value"):
            yield one["system"], normal_cpr(str(one["value"]))
