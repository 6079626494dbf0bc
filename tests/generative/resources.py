"""Small clinical resources for generated worlds: valid R4, few codes, many coincidences."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st

Resource = dict[str, Any]
Pick = TypeVar("Pick")

FAMILIES = ("Holm", "Holmgaard", "Åberg", "Møller", "Müller", "Bergson", "Berg", "holm", "O'Hara", "Test, Ny")
GIVENS = ("Ane", "Anette", "Bo", "Éva", "Æske")
NAMES = ("Nord", "Nordhavn", "Ørsted", "Klinik Å", "klinik a")
#: what stands beside codes: alike but for case, accents and blanks, or for a Danish letter
WORDS = ("Blodtryk", "BLÓDTRYK,  liggende", "Åndenød", "Andenod", "50% vægt")
PLACES = (
    (55.3959, 10.3883),
    (55.4012, 10.4051),
    (55.3127, 10.7896),
    (56.1572, 10.2107),
    (-16.85, 179.96),
    (-16.8, -179.9),
    (89.95, 40.0),
)
TITLES = ("Stue 1", "Stue 10", "stue 2", "Østgang")
NPU, LOCAL, SKS = "urn:oid:1.2.208.176.2.1", "http://example.org/codes", "urn:oid:1.2.208.176.2.4"
CODES = ((NPU, "NPU01933"), (NPU, "NPU19748"), (LOCAL, "NPU01933"), (LOCAL, "x"))
DIAGNOSES = ((SKS, "DJ449"), (SKS, "DI109"), (LOCAL, "DJ449"))
#: every precision, edges of days and of summer time, and moments that share a day
DATES = ("2026-11-22T23:30:00Z", "2026-11-23", "2026-11-23T00:30:00+01:00", "2026-11", "2026", "2025-12-31",
         "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-03-29", "2026-11-22T23:30:00.250Z")  # fmt: skip
UCUM = "http://unitsofmeasure.org"
#: numbers as they are written, with values that meet at a boundary of a precision or of a unit
AMOUNTS = (("5.4", "mg"), ("5.40", "mg"), ("0.0054", "g"), ("5.45", "mg"), ("5.35", "mg"), ("5", "mg"), ("5400", "ug"),
           ("37", "Cel"), ("310.15", "K"), ("-1", "mmol/L"), ("100", "mg"), ("0.1", "g"), ("99.5", "mg"))  # fmt: skip
PROFILES = ("http://example.org/fhir/StructureDefinition/a", "http://example.org/fhir/StructureDefinition/a/b",
            "http://example.org/fhir/StructureDefinition/ab", "urn:oid:1.2.3")  # fmt: skip
MOMENTS = tuple(date for date in DATES if "T" in date)


class Drawer:
    """Draws choices: from hypothesis, which shrinks what fails; or from a seed, which is quick and even."""

    def __init__(self, integer: Callable[[int, int], int]) -> None:
        self._integer = integer

    @classmethod
    def of(cls, draw: Callable[[st.SearchStrategy[int]], int]) -> "Drawer":
        """Hypothesis draws."""
        return cls(lambda least, most: draw(st.integers(least, most)))

    @classmethod
    def seeded(cls, seed: int) -> "Drawer":
        """A seed draws."""
        return cls(Random(seed).randint)

    def pick(self, among: Sequence[Pick]) -> Pick:
        """One of several; the first is the simplest."""
        return among[self._integer(0, len(among) - 1)]

    def number(self, least: int, most: int) -> int:
        """A whole number."""
        return self._integer(least, most)

    def chance(self, percent: int) -> bool:
        """Whether something that happens so often happens. The simplest is that it does not."""
        return self.number(0, 99) >= 100 - percent


def concept(drawer: Drawer, codes: Sequence[tuple[str, str]]) -> Resource:
    """One coding, sometimes two, sometimes one without a system; sometimes with words beside it."""
    codings = [{"system": system, "code": code} for system, code in {drawer.pick(codes): 1}]
    if drawer.chance(15):
        codings.append({"code": drawer.pick(codes)[1]})
    found: Resource = {"coding": codings}
    if drawer.chance(25):
        codings[-1]["display"] = drawer.pick(WORDS)
    if drawer.chance(15):
        found["text"] = drawer.pick(WORDS)
    return found


def location(drawer: Drawer) -> Resource:
    """A place, mostly with coordinates: some near each other, some across the date line or at a pole."""
    found: Resource = {"resourceType": "Location", "name": drawer.pick(NAMES)}
    if drawer.chance(85):
        latitude, longitude = drawer.pick(PLACES)
        found["position"] = {"latitude": latitude, "longitude": longitude}
    return found


def when(drawer: Drawer, element: str) -> Resource:
    """``elementDateTime`` or ``elementPeriod``, open or closed, or nothing."""
    if drawer.chance(10):
        return {}
    if drawer.chance(70):
        return {f"{element}DateTime": drawer.pick(DATES)}
    return {f"{element}Period": period(drawer)}


def period(drawer: Drawer) -> Resource:
    """A period, open or closed."""
    begins, ends = ("2025-11-20", "2026-11-20T08:00:00Z"), ("2026-11-22", "2026-11-24T10:00:00Z", "2027")
    found: Resource = {"start": drawer.pick(begins)} if drawer.chance(85) else {}
    if not found or drawer.chance(60):
        found["end"] = drawer.pick(ends)
    return found


def quantity(drawer: Drawer) -> Resource:
    """An amount in UCUM, or in a unit of its own, sometimes with a comparator, sometimes without a unit."""
    number, unit = drawer.pick(AMOUNTS)
    found: Resource = {"value": float(number), "system": UCUM, "code": unit, "unit": drawer.pick((unit, "enhed"))}
    if drawer.chance(15):
        found["system"] = LOCAL
    if drawer.chance(10):
        found["comparator"] = drawer.pick(("<", "<=", ">", ">="))
    if drawer.chance(10):
        found = {"value": float(number)}
    return found


def component(drawer: Drawer) -> Resource:
    """A part of a measurement."""
    found: Resource = {"code": concept(drawer, CODES)}
    if drawer.chance(70):
        found["valueQuantity"] = quantity(drawer)
    elif drawer.chance(70):
        found["valueCodeableConcept"] = concept(drawer, CODES)
    return found


def patient(drawer: Drawer) -> Resource:
    """A citizen; names coincide on purpose. No general practitioner: relations are facts of the world."""
    name: Resource = {"family": drawer.pick(FAMILIES)}
    if drawer.chance(70):
        name["given"] = [drawer.pick(GIVENS)]
    found: Resource = {"resourceType": "Patient", "name": [name], "gender": drawer.pick(("female", "male", "other"))}
    if drawer.chance(80):
        found["birthDate"] = drawer.pick(("1958-03-14", "2011-11-24", "2011-11-23", "1958-03", "1958"))
    if drawer.chance(60):
        found["identifier"] = [{"system": LOCAL, "value": str(drawer.number(1, 3))}]
    return found


def encounter(drawer: Drawer, earlier: Sequence[str], places: Sequence[str]) -> Resource:
    """A contact. No service provider: relations are facts of the world."""
    found: Resource = {
        "resourceType": "Encounter",
        "status": drawer.pick(("finished", "in-progress", "planned")),
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": drawer.pick(("AMB", "IMP"))},
    }
    if drawer.chance(80):
        found["period"] = period(drawer)
    if drawer.chance(40):
        found["type"] = [concept(drawer, CODES)]
    if drawer.chance(50):
        found["location"] = [{"location": {"reference": drawer.pick(places)}}]
    if earlier and drawer.chance(30):
        found["partOf"] = {"reference": drawer.pick(earlier)}
    return found


def condition(drawer: Drawer) -> Resource:
    """A diagnosis."""
    clinical = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": drawer.pick(("active", "resolved"))}  # fmt: skip
    found = {"resourceType": "Condition", "code": concept(drawer, DIAGNOSES), **when(drawer, "onset")}
    if drawer.chance(70):
        found["clinicalStatus"] = {"coding": [clinical]}
    if drawer.chance(50):
        found["recordedDate"] = drawer.pick(DATES)
    return found


def observation(drawer: Drawer, earlier: Sequence[str], performers: Sequence[str], others: Sequence[str]) -> Resource:
    """A measurement, sometimes derived from an earlier one, sometimes about another citizen too."""
    found: Resource = {
        "resourceType": "Observation",
        "status": drawer.pick(("final", "preliminary", "amended")),
        "code": concept(drawer, CODES),
        **when(drawer, "effective"),
    }
    if drawer.chance(20):
        found["valueString"] = drawer.pick(("positiv", "Positiv (++)", "negativ"))
    elif drawer.chance(30):
        found["valueCodeableConcept"] = concept(drawer, CODES)
    elif drawer.chance(60):
        found["valueQuantity"] = quantity(drawer)
    if drawer.chance(30):
        found["component"] = [component(drawer) for _ in range(drawer.number(1, 3))]
    if drawer.chance(30):
        found["meta"] = {
            "profile": [drawer.pick(PROFILES)],
            "tag": [{"system": LOCAL, "code": drawer.pick(("t", "u"))}],
        }
    if drawer.chance(50):
        found["performer"] = [{"reference": drawer.pick(performers)}]
    if earlier and drawer.chance(20):
        found["derivedFrom"] = [{"reference": drawer.pick(earlier)}]
    if others and drawer.chance(10):
        found.setdefault("performer", []).append({"reference": drawer.pick(others)})
    return found


def medication_request(drawer: Drawer, requesters: Sequence[str]) -> Resource:
    """An order of a medicine."""
    found: Resource = {
        "resourceType": "MedicationRequest",
        "status": drawer.pick(("active", "stopped")),
        "intent": drawer.pick(("order", "plan")),
        "medicationCodeableConcept": concept(drawer, CODES),
    }
    if drawer.chance(80):
        found["authoredOn"] = drawer.pick(DATES)
    if drawer.chance(60):
        found["requester"] = {"reference": drawer.pick(requesters)}
    return found


def diagnostic_report(drawer: Drawer, results: Sequence[str]) -> Resource:
    """An answer that gathers results."""
    found: Resource = {
        "resourceType": "DiagnosticReport",
        "status": drawer.pick(("final", "partial")),
        "code": concept(drawer, CODES),
        **when(drawer, "effective"),
    }
    if drawer.chance(40):
        found["issued"] = drawer.pick(MOMENTS)
    chosen = dict.fromkeys(drawer.pick(results) for _ in range(drawer.number(1, 3))) if results else ()
    if chosen:
        found["result"] = [{"reference": one} for one in chosen]
    return found


def ward_list(drawer: Drawer, items: Sequence[str], about: UUID | None = None) -> Resource:
    """A list of an organisation, over citizens, or about one."""
    found: Resource = {
        "resourceType": "List",
        "status": drawer.pick(("current", "retired")),
        "mode": "working",
        "title": drawer.pick(TITLES),
    }
    if about is not None:
        found["subject"] = {"reference": f"Patient/{about}"}
    if drawer.chance(50):
        found["code"] = concept(drawer, CODES)
    if drawer.chance(50):
        found["date"] = drawer.pick(DATES)
    chosen = dict.fromkeys(drawer.pick(items) for _ in range(drawer.number(1, 4)))
    found["entry"] = [{"item": {"reference": one}} for one in chosen]
    return found


def organization(drawer: Drawer, parent: str | None) -> Resource:
    """A unit."""
    found: Resource = {"resourceType": "Organization", "name": drawer.pick(NAMES), "active": drawer.chance(80)}
    if parent is not None:
        found["partOf"] = {"reference": parent}
    return found


def practitioner(drawer: Drawer) -> Resource:
    """A professional."""
    return {"resourceType": "Practitioner", "name": [{"family": drawer.pick(FAMILIES), "given": [drawer.pick(GIVENS)]}]}
