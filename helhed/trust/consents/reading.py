"""A ``Consent`` as it was sent, as a block or a consent. What cannot be held is refused by name: nothing is lost in silence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from helhed.foundation.errors import InvalidResource, Issue
from helhed.foundation.ids import key_of, parse_id
from helhed.trust.blocks.shapes import Shape
from helhed.trust.consents import shape as words
from helhed.trust.consents.moments import first_moment, moment_after

Json = dict[str, Any]
_TOP = frozenset({"resourceType", "id", "meta", "text", "language", "status", "scope", "category", "patient", "dateTime", "policyRule", "provision",
                  "extension", "sourceReference"})  # fmt: skip
_PROVISION = frozenset({"type", "period", "actor", "dataPeriod", "data"})
_ACTOR = frozenset({"role", "reference", "extension", "id"})


@dataclass(frozen=True, slots=True)
class Permit:
    """A consent to read what is not blocked, or what ``block`` hides."""

    professional: int | None
    organisation: int | None
    block: UUID | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """What a Consent says."""

    patient: UUID
    status: str
    says: Shape | Permit
    replaces: UUID | None


class _Reader:
    def __init__(self, resource: Json, where: str) -> None:
        self.resource = resource
        self.where = where or "Consent"

    def refuse(self, path: str, told: str) -> InvalidResource:
        place = f"{self.where}.{path}" if path else self.where
        return InvalidResource(issues=[Issue("not-supported", told, place)])

    def only(self, found: Json, known: frozenset[str], path: str) -> None:
        for name in found:
            if name not in known:
                raise self.refuse(f"{path}.{name}".strip("."), f"{name} of a Consent cannot be kept here.")

    def reference(self, found: Any, path: str, *types: str) -> tuple[str, UUID]:
        """Type and id of a reference to one of these types."""
        text = found.get("reference") if isinstance(found, dict) else None
        kind, _, name = str(text or "").rpartition("/")
        if kind == "" and str(text).startswith("urn:uuid:"):
            kind, name = "urn:uuid", str(text)[9:]
        identifier = parse_id(name)
        if identifier is None or (types and kind not in types):
            raise self.refuse(path, f"A reference to {' or '.join(types) or 'a resource'} of this network is needed.")
        return kind, identifier

    def flag(self, found: Json, url: str, path: str) -> bool:
        """An extension that says yes; any other is refused."""
        extensions = found.get("extension", [])
        for one in extensions:
            if one.get("url") != url or not isinstance(one.get("valueBoolean"), bool):
                raise self.refuse(f"{path}.extension".strip("."), "That extension of a Consent cannot be kept here.")
        return any(one["valueBoolean"] for one in extensions)


def read(resource: Json, where: str = "") -> Read:
    """What was sent. Raises InvalidResource for what cannot be held."""
    reader = _Reader(resource, where)
    reader.only(resource, _TOP, "")
    provision = resource.get("provision") or {}
    reader.only(provision, _PROVISION, "provision")
    kind = provision.get("type")
    if kind not in words.RULES:
        raise reader.refuse("provision.type", "A Consent here denies (a block) or permits (a consent).")
    if resource.get("status") not in {"active", "inactive"}:
        raise reader.refuse("status", "A Consent here is active, or inactive once it is ended.")
    _, patient = reader.reference(resource.get("patient"), "patient", "Patient")
    replaces = None
    if "sourceReference" in resource:
        _, replaces = reader.reference(resource["sourceReference"], "sourceReference", "Consent")
    says = _block(reader, provision) if kind == "deny" else _permit(reader, provision)
    return Read(patient, resource["status"], says, replaces)


def _block(reader: _Reader, provision: Json) -> Shape:
    parts: dict[str, Any] = {"shown": reader.flag(reader.resource, words.SHOWN, "")}
    for number, actor in enumerate(provision.get("actor", ())):
        for name, value in _actor(reader, actor, f"provision.actor[{number}]").items():
            if name in parts and value is not False:
                raise reader.refuse(f"provision.actor[{number}]", "A block names at most one of each: split it.")
            parts[name] = value
    parts["valid_from"], parts["valid_to"] = _period(reader, provision, "period")
    parts["what_from"], parts["what_to"] = _period(reader, provision, "dataPeriod")
    data = _data(reader, provision)
    if data is not None:
        _, parts["what_document"] = reader.reference(data, "provision.data[0].reference")
    return Shape(**parts)


def _actor(reader: _Reader, actor: Json, path: str) -> dict[str, Any]:
    reader.only(actor, _ACTOR, path)
    code = _role(reader, actor, path)
    kind, identifier = reader.reference(actor.get("reference"), f"{path}.reference", "Organization", "Practitioner")
    alone = reader.flag(actor, words.ALONE, path)
    key = key_of(identifier)
    if kind == "Organization" and code in {words.READER, words.CUSTODIAN}:
        side = "who" if code == words.READER else "what"
        return {f"{side}_organisation": key, f"{side}_alone": alone}
    if kind == "Practitioner" and code in {words.READER, words.AUTHOR} and not alone:
        return {"who_professional" if code == words.READER else "what_author": key}
    raise reader.refuse(
        path, "A reader (IRCP) is a place or a person, a custodian (CST) a place, an author (AUT) a person."
    )


def _role(reader: _Reader, actor: Json, path: str) -> str:
    codings = (actor.get("role") or {}).get("coding", [])
    found = [one.get("code") for one in codings if one.get("system") == words.PARTICIPATION]
    if len(found) != 1 or len(codings) != 1:
        raise reader.refuse(f"{path}.role", "The role of an actor is one code of v3-ParticipationType.")
    return str(found[0])


def _period(reader: _Reader, provision: Json, name: str) -> tuple[datetime | None, datetime | None]:
    period = provision.get(name) or {}
    reader.only(period, frozenset({"start", "end"}), f"provision.{name}")
    bounds = []
    for part, parsed in (("start", first_moment), ("end", moment_after)):
        said = period.get(part)
        moment = None if said is None else parsed(said)
        if said is not None and moment is None:
            raise reader.refuse(
                f"provision.{name}.{part}", "A day, or an instant to the microsecond at most, is needed."
            )
        bounds.append(moment)
    return bounds[0], bounds[1]


def _data(reader: _Reader, provision: Json) -> Any:
    data = provision.get("data", [])
    if len(data) > 1 or any(
        one.get("meaning") != words.INSTANCE or set(one) - {"meaning", "reference"} for one in data
    ):
        raise reader.refuse("provision.data", "A Consent here names at most one instance: split it.")
    return data[0]["reference"] if data else None


def _permit(reader: _Reader, provision: Json) -> Permit:
    parts: dict[str, Any] = {}
    for number, actor in enumerate(provision.get("actor", ())):
        path = f"provision.actor[{number}]"
        for name, value in _actor(reader, actor, path).items():
            if name in parts or value is True or name.startswith("what_"):
                raise reader.refuse(path, "A consent names a reader: a person, a place with its units, or both.")
            if value is not False:
                parts[name] = value
    if not parts:
        raise reader.refuse("provision.actor", "A consent names whom it is to.")
    if "dataPeriod" in provision or "extension" in reader.resource:
        raise reader.refuse("provision", "A consent is to read all that is not blocked, or what one block hides.")
    _, until = _period(reader, provision, "period")
    if until is None:
        raise reader.refuse("provision.period.end", "A consent has an end.")
    data = _data(reader, provision)
    block = None if data is None else reader.reference(data, "provision.data[0].reference", "Consent")[1]
    return Permit(parts.get("who_professional"), parts.get("who_organisation"), block, until)
