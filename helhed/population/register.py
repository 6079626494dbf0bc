"""What the citizens' register says: who somebody is, where they live and lived, and who is close to them."""

from helhed.population.chart import Chart
from helhed.population.country import Neighbourhood
from helhed.population.facts import Json
from helhed.population.moments import TODAY, day_text, stamp
from helhed.population.people import ADULT, Person
from helhed.population.resources import CPR, HL7, human_name

_MARRIED = {"coding": [{"system": HL7 + "v3-MaritalStatus", "code": "M"}], "text": "Gift"}
_WIDOWED = {"coding": [{"system": HL7 + "v3-MaritalStatus", "code": "W"}], "text": "Enke eller enkemand"}
_DANISH = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "da"}], "text": "Dansk"}, "preferred": True}]
_SPOUSE = ("SPS", "Ægtefælle")
_MOTHER, _FATHER = ("MTH", "Mor"), ("FTH", "Far")


def register(person: Person, chart: Chart, home: Neighbourhood) -> None:
    """The Patient, and those who are close."""
    source = home.units["person"]
    chart.patient(source, _patient(person, home))
    for relative, (code, word) in _relatives(person):
        chart.add(source, "RelatedPerson", _related(relative, code, word))


def _patient(person: Person, home: Neighbourhood) -> Json:
    found: Json = {
        "identifier": [{"use": "official", "system": CPR, "value": person.cpr}],
        "active": True,
        "name": [human_name(person.name)],
        "gender": person.sex,
        "birthDate": day_text(person.born),
        "address": _addresses(person, home),
        "communication": _DANISH,
        "generalPractitioner": [person.clinic.reference],
    }
    if person.age_at(TODAY) >= 15 and not person.died:
        found["telecom"] = [{"system": "phone", "value": _phone(person), "use": "mobile"}]
    if person.partner is not None:
        found["maritalStatus"] = _WIDOWED if person.partner.died else _MARRIED
    if person.protected:
        found["meta"] = _PROTECTED
    if person.died:
        found["deceasedDateTime"] = stamp(person.died, person.died_at)
    return found


#: name and address are protected, as DK Core marks it
_PROTECTED: Json = {"security": [{"system": HL7 + "v3-Confidentiality", "code": "R"}]}


def _phone(person: Person) -> str:
    """A number of the series 20 00, which is given to nobody in this world but them."""
    digits = f"{person.number * 7919 % 1_000_000:06}"
    return f"20 {digits[:2]} {digits[2:4]} {digits[4:]}"


def _addresses(person: Person, home: Neighbourhood) -> list[Json]:
    if person.protected:
        return [{"use": "home", "text": "Beskyttet adresse", "country": "DK"}]
    since = {} if person.moved is None else {"period": {"start": day_text(person.moved[1])}}
    found = [{**_address(person.address), "use": "home", "district": home.municipality, **since}]
    if person.moved is not None:
        found.append({**_address(person.moved[0]), "use": "old", "period": {"end": day_text(person.moved[1])}})
    return found


def _address(text: str) -> Json:
    line, _, town = text.partition(", ")
    post_code, _, city = town.partition(" ")
    return {"type": "both", "text": text, "line": [line], "city": city, "postalCode": post_code, "country": "DK"}


def _relatives(person: Person) -> list[tuple[Person, tuple[str, str]]]:
    found: list[tuple[Person, tuple[str, str]]] = []
    if person.partner is not None and not person.partner.died:
        found.append((person.partner, _SPOUSE))
    if person.age_at(TODAY) < ADULT:
        found += [(parent, kind) for parent, kind in ((person.mother, _MOTHER), (person.father, _FATHER)) if parent]
    return found


def _related(person: Person, code: str, word: str) -> Json:
    found: Json = {
        "active": True,
        "relationship": [{"coding": [{"system": HL7 + "v3-RoleCode", "code": code}], "text": word}],
        "name": [human_name(person.name)],
        "gender": person.sex,
    }
    return (
        found
        if person.protected
        else found | {"telecom": [{"system": "phone", "value": _phone(person), "use": "mobile"}]}
    )
