"""The citizen and those around: contact facts, language, relatives and whether they may be called."""

from dataclasses import dataclass

from helhed.record.coding import Coded, coded, codes
from helhed.record.paths import Json, extension, objects, text, walk
from helhed.record.reading import Record

_LOCAL = {"da", "da-DK"}


@dataclass(frozen=True, slots=True)
class Relative:
    """Somebody close. Calling is itself a disclosure, so the citizen's wish stands beside the number."""

    name: str
    relation: str
    phones: tuple[tuple[str, str], ...]  #: use (home, work, mobile, "") and number
    may_be_called: bool | None  #: None when nobody wrote it down
    note: str
    origin: int
    wish: str = ""  #: of the stamkort, when they may be called


@dataclass(frozen=True, slots=True)
class Home:
    """What else the first hour needs to know about the person."""

    interpreter: str  #: language an interpreter is needed for, "" when none is registered
    implants: tuple[str, ...]
    lives: str


def relatives(record: Record) -> list[Relative]:
    """Relatives and contact persons in force, those who may be called first.

    Whom the citizen has named on the stamkort is shown as the citizen says: what sources wrote of the same person is left out.
    """
    found = [_related(entry.content, entry.origin) for entry in record.of("RelatedPerson") if _shown(entry.content)]
    named = {relative.name for relative in found}
    for patient in record.of("Patient"):
        contacts = (_related(contact, patient.origin) for contact in objects(patient.content.get("contact")))
        found += [contact for contact in contacts if contact.name and contact.name not in named]
    said = {_same(relative.name) for relative in found if relative.wish}
    shown = (relative for relative in found if relative.wish or _same(relative.name) not in said)
    return sorted(shown, key=lambda relative: (relative.may_be_called is not True, relative.name))


def _same(name: str) -> str:
    return " ".join(name.casefold().split())


def _shown(content: Json) -> bool:
    return content.get("active") is not False and not text(content, "period.end") and not is_oneself(content)


def is_oneself(content: Json) -> bool:
    """Whether a RelatedPerson is what the citizen says of themselves (v3-RoleCode ONESELF)."""
    return "ONESELF" in set(walk(content, "relationship.coding.code"))


def _related(content: Json, origin: int) -> Relative:
    wish = extension(content, "may-be-called-when")
    allowed, note = extension(content, "may-be-called"), extension(content, "may-be-called-note")
    return Relative(
        name=human_name(content.get("name")),
        relation=(coded(content.get("relationship")) or Coded("")).text,
        phones=tuple(
            (text(point, "use"), text(point, "value"))
            for point in objects(content.get("telecom"))
            if point.get("system") in ("phone", "sms")
        ),
        may_be_called=allowed if isinstance(allowed, bool) else None,
        note=note if isinstance(note, str) else "",
        origin=origin,
        wish=wish if isinstance(wish, str) else "",
    )


def human_name(value: object) -> str:
    """A HumanName as text: the official one before others."""
    names = sorted(objects(value), key=lambda name: name.get("use") != "official")
    if not names:
        return ""
    given = " ".join(str(part) for part in walk(names[0], "given"))
    return text(names[0], "text") or f"{given} {text(names[0], 'family')}".strip()


def home(record: Record) -> Home:
    """Interpreter need, implants and how the citizen lives, as registered."""
    patient = next(record.of("Patient"), None)
    content = patient.content if patient else {}
    return Home(_interpreter(content), _implants(record), text(content, "address.text"))


def _interpreter(patient: Json) -> str:
    needed = extension(patient, "patient-interpreterRequired")
    languages = objects(patient.get("communication"))
    spoken = next((item for item in languages if item.get("preferred")), languages[0] if languages else {})
    named = coded(spoken.get("language"))
    foreign = bool(named) and not codes(spoken.get("language")) & _LOCAL
    if needed is False or not (foreign and (needed or spoken.get("preferred"))):
        return ""
    return named.text if named else ""


def _implants(record: Record) -> tuple[str, ...]:
    worn = (e.content for e in record.of("Device") if e.content.get("status", "active") == "active")
    found = (coded(content.get("type")) for content in worn if _is_implant(content))
    return tuple(dict.fromkeys(device.text for device in found if device))


def _is_implant(device: Json) -> bool:
    """FHIR R4 has no mark for it, so the words decide; a thing carried or borrowed is not one."""
    said = [*walk(device, "type.text"), *walk(device, "type.coding.display"), *walk(device, "note.text")]
    return any(word in str(words).casefold() for words in said for word in ("implant", "pacemaker"))
