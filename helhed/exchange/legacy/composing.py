"""A new letter of the older kind from a message that was born in FHIR: a CareCommunication as MedCom's DIS91, in either syntax.

What the letter has no place for is written in it in plain words, or named as left out, there and to whoever asks: nothing goes silently.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from helhed.exchange.legacy import edifact, oioxml
from helhed.exchange.legacy.families import family
from helhed.exchange.legacy.faults import Place, unfit
from helhed.exchange.legacy.fhir import resources
from helhed.exchange.legacy.from_edifact import rest_of
from helhed.exchange.legacy.places import Json
from helhed.exchange.legacy.texts import PLAIN, Runs, to_children, wrapped
from helhed.exchange.legacy.tree import Document, Legacy
from helhed.foundation.clock import DANISH_TIME
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, SOR

CODE = "DIS91"
_GLN = ("http://www.gs1.org/gln", "https://www.gs1.org/gln")
_CHARSET = "iso8859-1"
_MOST_SUBJECT = 70  #: characters: one component of FTX


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter, and what of the message stands in it by name alone."""

    letter: Legacy
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Written:
    number: str
    at: datetime  #: by Danish clocks
    sender: tuple[str, str, str]  #: location number, SOR code, name
    receiver: tuple[str, str, str]
    person: tuple[str, bool, str, str]  #: number, whether it is a replacement number, family name, given names
    urgent: bool
    subject: str
    text: str


def compose(bundle: Json, syntax: str, number: str, at: datetime) -> Composed:
    """The letter. ``syntax`` is ``edifact`` or ``xml``; ``number``, of at most 14 characters, names its envelope and itself.

    Raises Unprocessable for a message of another family, and for parties or people that a letter cannot name.
    """
    known = {f"{one['resourceType']}/{one.get('id')}": one for one in resources(bundle)}
    header = next(iter(known.values()), {})
    focus = known.get(_reference((header.get("focus") or [{}])[0]), {})
    if focus.get("resourceType") != "Communication":
        raise unfit("Only correspondence can be written as a letter of the older kind.", Place("MessageHeader.focus"))
    receiver = (header.get("destination") or [{}])[0].get("receiver")
    lines, left_out = _text(focus, known)
    text, lost = _sayable("\n".join(lines) + "\n", syntax)
    written = _Written(
        number, at.astimezone(DANISH_TIME), _unit(header.get("sender"), known), _unit(receiver, known),
        _person(focus.get("subject"), known), focus.get("priority") in {"urgent", "asap", "stat"},
        _sayable(str(focus.get("topic", {}).get("text") or "Korrespondance"), syntax)[0][:_MOST_SUBJECT], text,
    )  # fmt: skip
    letter = _interchange(written) if syntax == "edifact" else _document(written)
    return Composed(letter, (*left_out, *(("tegn, der ikke findes i brevets tegnsæt",) if lost else ())))


# --- what it says -----------------------------------------------------------------------------------------------------


def _text(focus: Json, known: Mapping[str, Json]) -> tuple[list[str], list[str]]:
    """The newest part first, each with who wrote it; then what is named alone."""
    lines: list[str] = []
    left_out: list[str] = []
    for part in reversed(focus.get("payload", ())):
        attachment = part.get("contentAttachment")
        if attachment:
            left_out.append(f"vedhæftning: {attachment.get('title') or attachment.get('contentType') or 'uden navn'}")
        lines += [str(part["contentString"])] if part.get("contentString") else []
        lines += [*filter(None, [_signed(part, known)]), ""]
    codes = [c.get("code") for one in focus.get("category", ()) for c in one.get("coding", ()) if c.get("code")]
    lines += [f"Kategori: {one}" for one in codes]
    lines += [f"Samtale: {one['value']}" for one in focus.get("identifier", ()) if one.get("value")]
    if left_out:
        lines += ["", "Dette kunne ikke sendes med brevet, og ligger i den oprindelige besked:", *left_out]
    return lines, left_out


def _signed(part: Mapping[str, Any], known: Mapping[str, Json]) -> str:
    said: dict[str, Any] = {}
    for one in part.get("extension", ()):
        said.update({name: value for name, value in one.items() if name != "url"})
    role = known.get(_reference(said.get("valueReference")), {})
    person = known.get(_reference(role.get("practitioner")), role)
    names = person.get("name") if isinstance(person.get("name"), list) else []
    who = " ".join([*names[0].get("given", ()), names[0].get("family", "")]) if names else ""
    title = next((str(one.get("text", "")) for one in role.get("code", ())), "")
    phone = str(said.get("valueContactPoint", {}).get("value", ""))
    told = [who, title, str(said.get("valueDateTime", "")), f"tlf. {phone}" if phone else ""]
    return ", ".join(filter(None, told))


def _sayable(text: str, syntax: str) -> tuple[str, bool]:
    """As the letter's characters can say it; whether some could not be said."""
    plain = "".join(one if one == "\n" or one >= " " else " " for one in text.replace("\r\n", "\n"))
    if syntax != "edifact":
        return plain, False
    said = plain.encode(_CHARSET, "replace").decode(_CHARSET)
    return said, said != plain


def _unit(reference: Any, known: Mapping[str, Json]) -> tuple[str, str, str]:
    unit = known.get(_reference(reference), {})
    numbers = {one.get("system"): str(one.get("value", "")) for one in unit.get("identifier", ())}
    gln = next((numbers[system] for system in _GLN if numbers.get(system)), "")
    if not gln or not numbers.get(SOR):
        raise unfit("A letter names its parties by location number and SOR code.", Place("Organization.identifier"))
    return gln, numbers[SOR], str(unit.get("name", ""))


def _person(reference: Any, known: Mapping[str, Json]) -> tuple[str, bool, str, str]:
    patient = known.get(_reference(reference), {})
    numbers = {one.get("system"): str(one.get("value", "")) for one in patient.get("identifier", ())}
    number = numbers.get(CPR) or numbers.get(REPLACEMENT_CPR)
    if not number:
        raise unfit("A letter names whom it is about by a CPR or replacement number.", Place("Patient.identifier"))
    name: Mapping[str, Any] = next(iter(patient.get("name", ())), {})
    return number, CPR not in numbers, str(name.get("family", "")), " ".join(name.get("given", ()))


def _reference(said: Any) -> str:
    return str((said or {}).get("reference", "")) if isinstance(said, Mapping) else ""


# --- how it is written ------------------------------------------------------------------------------------------------


def _interchange(said: _Written) -> Legacy:
    e = edifact.escaped
    day, moment, kind = f"{said.at:%y%m%d}:{said.at:%H%M}", f"{said.at:%Y%m%d%H%M}", family(CODE).versions["edifact"]
    runs: Runs = [(PLAIN, said.text)]
    number, replacement, surname, given = said.person
    body = [
        f"UNH+{said.number}+MEDDIS:D:93A:UN:{kind}+{CODE}", "BGM+EPI++9+NA", f"DTM+137:{moment}:203",
        *_places("SSP", said.sender, 1), *_places("PO", said.receiver, 2),
        "S02+02", "GIS+N", f"RFF+SRI:{said.number}", f"RFF+{'HI' if said.urgent else 'NO'}:NC", f"DTM+182:{moment}:203",
        "S07+07", f"PNA+PAT+{'' if replacement else e(number)}:::CPR:IM+++SU:{e(surname[:70])}+FO:{e(given[:70])}",
        *([f"RFF+XPI:{e(number)}"] if replacement else []),
        "S11+11", "GIS+N", "RFF+AHI:1", "SEQ++1", "PAS+UP",
        "S14+14", f"FTX+OE+P00++{e(said.subject)}", "FTX+NC" + rest_of(wrapped(runs), "NC"), f"UNT+1+{said.number}",
    ]  # fmt: skip
    head = f"UNB+UNOC:3+{said.sender[0]}:14+{said.receiver[0]}:14+{day}+{said.number}++++1"
    read, _ = edifact.read_text("UNA:+.? '\n" + "'\n".join([head, *body, f"UNZ+1+{said.number}"]) + "'\n")
    counted = edifact.recounted(read)
    edifact.check(counted)
    return Legacy(counted, _CHARSET)


def _places(role: str, unit: tuple[str, str, str], place: int) -> Iterator[str]:
    yield from ("S01+01", f"NAD+{role}+{unit[1]}:SOR:SST++{edifact.escaped(unit[2][:35])}:::::US", f"SEQ++{place}")


def _document(said: _Written) -> Legacy:
    kind, e = family(CODE), oioxml.escaped
    moment = f"<Date>{said.at:%Y-%m-%d}</Date><Time>{said.at:%H:%M}</Time>"
    number, replacement, surname, given = said.person
    tag = "AlternativeIdentifier" if replacement else "CivilRegistrationNumber"
    text = (
        f'<Emessage xmlns="{kind.schema}"><Envelope><Sent>{moment}</Sent><Identifier>{said.number}</Identifier>'
        f"<AcknowledgementCode>pluspositivkvitt</AcknowledgementCode></Envelope><{kind.root}><Letter><Identifier>{said.number}</Identifier>"
        f"<VersionCode>{kind.versions['xml']}</VersionCode><StatisticalCode>X{CODE}</StatisticalCode><Authorisation>{moment}</Authorisation>"
        f"<TypeCode>X{CODE}</TypeCode><StatusCode>nytbrev</StatusCode></Letter>{_party('Sender', said.sender)}{_party('Receiver', said.receiver)}"
        f"<Patient><{tag}>{e(number)}</{tag}><PersonSurnameName>{e(surname)}</PersonSurnameName><PersonGivenName>{e(given)}</PersonGivenName>"
        "<EpisodeOfCareStatusCode>uoplyst</EpisodeOfCareStatusCode></Patient>"
        f"<AdditionalInformation><Priority>{'høj_prioritet' if said.urgent else 'rutine'}</Priority><Subject>{e(said.subject)}</Subject>"
        f"</AdditionalInformation><ClinicalInformation><Text01>{to_children([(PLAIN, said.text)], '')}</Text01></ClinicalInformation></{kind.root}></Emessage>"
    )
    read, _ = oioxml.read_text(text)
    return Legacy(Document(read.root, '<?xml version="1.0" encoding="UTF-8"?>\n', "\n"))


def _party(name: str, unit: Sequence[str]) -> str:
    gln, sor, words = map(oioxml.escaped, unit)
    return (
        f"<{name}><EANIdentifier>{gln}</EANIdentifier><Identifier>{sor}</Identifier><IdentifierCode>sorkode</IdentifierCode>"
        f"<OrganisationName>{words}</OrganisationName></{name}>"
    )
