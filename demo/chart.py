"""One citizen's record as it is written: resources by source organisation, joined to citizen, contact and author."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from demo.bundles import SourceBundle, entry, transaction
from demo.datatypes import CPR, HL7, URI, Json, human_name, identifier, phone, reference, urn
from demo.places import PLACES
from demo.staff import STAFF

REGISTER = "personregister"
_PATIENT_IN = {
    "AllergyIntolerance": "patient",
    "Device": "patient",
    "Immunization": "patient",
    "RelatedPerson": "patient",
}
_ONE_IDENTIFIER = {"QuestionnaireResponse"}
_CONTEXT = {"MedicationAdministration": "context", "MedicationDispense": "context"}
_NO_CONTACT = {"Appointment", "Device", "Goal", "RelatedPerson"}


@dataclass(frozen=True, slots=True)
class Citizen:
    """Who a record is about."""

    handle: str
    name: str
    cpr: str
    gender: str
    born: str
    clinic: str  #: handle of the chosen clinic
    address: str = ""  #: "Havnegade 7, 6991 Vestfjord", "" when name and address are protected
    municipality: str = "Vestfjord Kommune"
    phone: str = ""
    married: tuple[str, str] = ("", "")  #: v3 MaritalStatus and the Danish word
    language: tuple[str, str] = ("da", "Dansk")
    interpreter: bool = False


@dataclass(slots=True)
class Chart:
    """Collects what each source writes. Everything added gets an address that is the same in every run."""

    citizen: Citizen
    _entries: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    _seen: Counter[str] = field(default_factory=Counter)
    _changes: dict[str, list[tuple[str, Json]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """The citizen comes first."""
        self._entries[REGISTER].append(entry(self.url, _patient(self.citizen)))

    @property
    def url(self) -> str:
        """Where references to the citizen point."""
        return urn("patient", self.citizen.handle)

    def add(self, source: str, resource: Json, *, by: str = "", at: str = "", contact: str = "") -> str:
        """Write a resource for ``source``, by a member of staff or a place, and within a contact; returns its address."""
        kind = resource["resourceType"]
        url = self._address(source, resource)
        number = identifier(URI, url, "usual")
        complete = {
            "resourceType": kind,
            "identifier": number if kind in _ONE_IDENTIFIER else [*resource.get("identifier", ()), number],
            **{key: value for key, value in resource.items() if key not in ("resourceType", "identifier")},
        }
        self._join(complete, contact)
        _AUTHORS.get(kind, _nobody)(complete, STAFF[by].reference if by else None, PLACES[at or source].reference)
        self._entries[source].append(entry(url, complete))
        return url

    def change(self, source: str, url: str, elements: Json) -> None:
        """What ``source`` says anew of something it wrote, once everything of this chart is there."""
        self._changes[source].append((url, elements))

    def bundles(self) -> Iterator[SourceBundle]:
        """One transaction for each source, in the order the sources first wrote."""
        for source, entries in self._entries.items():
            changes = tuple(self._changes[source])
            yield SourceBundle(source, PLACES[source].url, self.citizen.handle, transaction(entries), changes)

    def _address(self, source: str, resource: Json) -> str:
        kind = resource["resourceType"]
        key = f"{self.citizen.handle}/{source}/{kind}"
        self._seen[key] += 1
        return urn(key, self._seen[key])

    def _join(self, resource: Json, contact: str) -> None:
        kind = resource["resourceType"]
        citizen = reference(self.url)
        if kind == "Appointment":
            resource["participant"] = [{"actor": citizen, "status": "needs-action"}, *resource.get("participant", ())]
        else:
            resource[_PATIENT_IN.get(kind, "subject")] = citizen
        if not contact or kind in _NO_CONTACT:
            return
        if kind == "DocumentReference":
            resource["context"] = {"encounter": [reference(contact)], **resource.get("context", {})}
        elif kind == "Encounter":
            resource["partOf"] = reference(contact)
        else:
            resource[_CONTEXT.get(kind, "encounter")] = reference(contact)


def _patient(citizen: Citizen) -> Json:
    code, word = citizen.language
    language: Json = {
        "language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}], "text": word},
        "preferred": True,
    }
    resource: Json = {
        "resourceType": "Patient",
        "identifier": [identifier(CPR, citizen.cpr)],
        "active": True,
        "name": [human_name(citizen.name)],
        "gender": citizen.gender,
        "birthDate": citizen.born,
        "communication": [language],
        "generalPractitioner": [PLACES[citizen.clinic].reference],
    }
    if not citizen.address:  # name and address are protected, as DK Core marks it
        resource["meta"] = {"security": [{"system": HL7 + "v3-Confidentiality", "code": "R"}]}
    if citizen.interpreter:
        url = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
        resource["extension"] = [{"url": url, "valueBoolean": True}]
    if citizen.phone:
        resource["telecom"] = [phone(citizen.phone)]
    resource["address"] = [
        _home(citizen) if citizen.address else {"use": "home", "text": "Beskyttet adresse", "country": "DK"}
    ]
    if citizen.married[0]:
        system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
        resource["maritalStatus"] = {
            "coding": [{"system": system, "code": citizen.married[0]}],
            "text": citizen.married[1],
        }
    return resource


def _home(citizen: Citizen) -> Json:
    line, _, town = citizen.address.partition(", ")
    post_code, _, city = town.partition(" ")
    return {
        "use": "home",
        "type": "both",
        "text": citizen.address,
        "line": [line],
        "city": city,
        "district": citizen.municipality,
        "postalCode": post_code,
        "country": "DK",
    }


Author = Callable[[Json, Json | None, Json], None]


def _nobody(resource: Json, person: Json | None, place: Json) -> None:
    """This type names no author."""


def _one(element: str, *, else_place: bool = False) -> Author:
    def name(resource: Json, person: Json | None, place: Json) -> None:
        if author := person or (place if else_place else None):
            resource[element] = author

    return name


def _list(element: str) -> Author:
    def name(resource: Json, person: Json | None, place: Json) -> None:
        resource[element] = [*([person] if person else []), place]

    return name


def _actors(element: str) -> Author:
    def name(resource: Json, person: Json | None, place: Json) -> None:
        resource[element] = [{"actor": person or place}]

    return name


def _people(element: str) -> Author:
    def name(resource: Json, person: Json | None, place: Json) -> None:
        if person:
            resource[element] = [{"actor": person}]

    return name


def _participant(resource: Json, person: Json | None, place: Json) -> None:
    resource.setdefault("serviceProvider", place)
    if person:
        resource["participant"] = [{"individual": person}]


_AUTHORS: Mapping[str, Author] = {
    "AllergyIntolerance": _one("recorder"),
    "CarePlan": _one("author", else_place=True),
    "Communication": _one("sender", else_place=True),
    "Condition": _one("recorder"),
    "DiagnosticReport": _list("performer"),
    "DocumentReference": _list("author"),
    "Encounter": _participant,
    "Flag": _one("author", else_place=True),
    "Goal": _one("expressedBy"),
    "Immunization": _actors("performer"),
    "MedicationAdministration": _people("performer"),
    "MedicationDispense": _actors("performer"),
    "MedicationRequest": _one("requester", else_place=True),
    "Observation": _list("performer"),
    "Procedure": _actors("performer"),
    "QuestionnaireResponse": _one("author"),
    "ServiceRequest": _one("requester", else_place=True),
}
