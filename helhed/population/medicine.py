"""Ordinations: what is taken against what, once each, and only by those who tolerate it."""

from typing import Any

from helhed.population.facts import Json, facts
from helhed.population.life import Life
from helhed.population.moments import TODAY, YEAR, day_text, stamp, working_day
from helhed.population.resources import ATC, HL7, atc_of, concept, hl7, product

_MEDICINES = facts("medicines")["medicines"]
_RENEWED_DAYS = 300
_WEEK = 7
_WALK = 25  #: minutes from the clinic to the pharmacy, and waiting there
_DISPENSED_DAYS, _PACK_DAYS = 330, 92
_KIDNEYS = {
    "metformin-1000": 45,
    "metformin": 38,
    "alendronate": 38,
    "ibuprofen": 60,
    "empagliflozin": 30,
    "nitrofurantoin": 60,
}
_YOUNGEST = {"mirtazapine": 18, "ibuprofen": 18, "citalopram": 18}
_PENICILLINS = "J01C"
_COMMUNITY = [hl7("medicationrequest-category", "community")]


def medicine_group(atc: str) -> str:
    """Medicines of one group are not given together: renin-angiotensin (C09) and blood thinners (B01) as wholes."""
    return atc[:3] if atc[:3] in ("C09", "B01") else atc[:5]


def tolerates(life: Life, key: str, day: int) -> bool:
    """Whether this citizen can be given a medicine: no double treatment, allergy, failing kidney or pregnancy against it."""
    atc = atc_of(key)
    if medicine_group(atc) in life.groups or (life.allergic and atc.startswith(_PENICILLINS)):
        return False
    if life.body.final("filtration") < _KIDNEYS.get(key, 0):
        return False
    if key == "ibuprofen" and ({"B01", "C03CA", "C09"} & life.groups or life.person.age_at(day) > 74):
        return False
    if life.person.age_at(day) < _YOUNGEST.get(key, 0):
        return False
    expecting = any(start <= day <= end for start, end in life.pregnant)
    return not (expecting and atc[:3] in ("C09", "C10", "G03", "M01", "B01"))


def regimen(life: Life, fact: list[Any], against: str, onset: int, seen: int = 0) -> bool:
    """A lasting treatment from a disease's list, if it is taken and tolerated. True when it is.

    ``seen`` is the minute of the day of onset from which it can be written: the consultation comes first.
    """
    key, amount, times, text, chance, what, much = fact
    if life.rng.random() >= chance:
        return False
    if key == "metformin-1000" and life.body.final("filtration") < _KIDNEYS[key]:
        key = "metformin"
    since = min(max(onset, life.person.born + 1) + life.rng.randint(0, 40), life.end)
    if not tolerates(life, key, since):
        return False
    life.groups.add(medicine_group(atc_of(key)))
    life.medicines.append((key, since))
    if what:
        life.body.treat(what, since, much)
    renewed = max(since, life.workday(life.end - life.rng.randint(2, _RENEWED_DAYS)))
    life.written.add(renewed)
    until = life.person.died
    earliest = seen if renewed == onset else 0
    prescribe(
        life,
        key,
        amount,
        times,
        f"{text} mod {against}",
        against,
        since,
        written=renewed,
        until=until,
        earliest=earliest,
    )
    return True


def prescribe(
    life: Life,
    key: str,
    amount: float,
    times: int,
    text: str,
    against: str,
    since: int,
    *,
    written: int = 0,
    until: int = 0,
    minute: int = 0,
    earliest: int = 0,
) -> None:
    """An ordination on the shared card, by the citizen's clinic. ``times`` a day; 0 once a week; negative as needed, at most.

    ``minute`` of the day at which it was written; without, in opening hours and not before ``earliest``.
    """
    minute = minute or max(life.clock(), earliest)
    stopped = bool(until) and until <= TODAY
    content: Json = {
        "contained": [product(key)],
        "status": "completed" if stopped else "active",
        "intent": "order",
        "category": _COMMUNITY,
        "medicationReference": {"reference": "#product"},
        "authoredOn": stamp(written or since, minute),
        "requester": life.author(life.person.clinic),
        "reasonCode": [{"text": against}],
        "dosageInstruction": [_dosage(key, amount, times, text, against, since, until)],
    }
    if stopped:
        content["statusReason"] = {"text": "Borgeren er død" if until == life.person.died else "Kuren er færdig"}
    reference = life.chart.add(life.unit("card"), "MedicationRequest", content)
    _dispense(life, key, reference, since, until or life.end, minute)


def _dispense(life: Life, key: str, order: str, since: int, until: int, ordered: int) -> None:
    """Packs handed over: one of a cure, one every quarter of what lasts; the last year's are kept."""
    day = max(since, min(until, life.end) - _DISPENSED_DAYS + life.rng.randint(0, 80))
    while day <= min(until, life.end):
        content: Json = {
            "status": "completed",
            "medicationCodeableConcept": product(key)["code"],
            "whenHandedOver": _handed_over(life, day, since, ordered),
            "quantity": {"value": 1, "unit": "pakning"},
        }
        content["performer"] = [{"actor": life.unit("pharmacy").reference}]
        content["authorizingPrescription"] = [{"reference": order}]
        life.chart.add(life.unit("card"), "MedicationDispense", content)
        day += _PACK_DAYS


def _handed_over(life: Life, day: int, since: int, ordered: int) -> str:
    """When the pharmacy is open; on the first day after it was prescribed."""
    day = max(since, working_day(day))
    return stamp(day, max(life.clock(), ordered + _WALK if day == since else 0))


def _dosage(key: str, amount: float, times: int, text: str, against: str, since: int, until: int) -> Json:
    bounds = {"start": day_text(since)} | ({"end": day_text(until)} if until else {})
    found: Json = {"text": text, "doseAndRate": [{"doseQuantity": {"value": amount, "unit": _MEDICINES[key][7]}}]}
    if times < 0:
        found["asNeededCodeableConcept"] = {"text": against}
        found["maxDosePerPeriod"] = {
            "numerator": {"value": -times * amount, "unit": _MEDICINES[key][7]},
            "denominator": {"value": 1, "unit": "d"},
        }
        found["timing"] = {"repeat": {"boundsPeriod": bounds}}
    else:
        often = {"frequency": times, "period": 1} if times else {"frequency": 1, "period": _WEEK}
        found["timing"] = {"repeat": {"boundsPeriod": bounds, **often, "periodUnit": "d"}}
    return found


_PENICILLIN_ALLERGY = 0.06
_ASKED_FROM = 2  #: years of age
_RASH = concept("Nældefeber (urticaria)", ("SKS", "DL509", "Urticaria UNS"))
_GROUP = concept("Penicillin (hele gruppen)", (ATC, "J01C", "beta-lactam antibacterials, penicillins"))
_NONE = concept("Ingen kendt overfølsomhed", ("urn:helhed:allergy", "no-known-allergies"))


def cave(life: Life) -> None:
    """What the citizen must not be given: asked by the clinic of most adults, never of everybody."""
    life.allergic = life.age >= _ASKED_FROM and life.rng.random() < _PENICILLIN_ALLERGY * min(1.0, life.age / 20)
    if life.age < _ASKED_FROM or (not life.allergic and life.rng.random() < 0.4):
        return
    recorded = life.workday(life.end - min(life.rng.randint(30, 2500), round((life.age - 1) * YEAR)))
    certain = life.rng.random() < 0.4
    content: Json = {
        "clinicalStatus": {"coding": [{"system": HL7 + "allergyintolerance-clinical", "code": "active"}]},
        "verificationStatus": hl7(
            "allergyintolerance-verification", "unconfirmed" if life.allergic and not certain else "confirmed"
        ),
        "code": _GROUP if life.allergic else _NONE,
        "recordedDate": day_text(recorded),
    }
    life.sign(content, life.person.clinic)
    if life.allergic:
        onset = day_text(life.person.born + life.rng.randint(0, recorded - life.person.born))[:4]
        content |= {"type": "allergy", "category": ["medication"], "criticality": "low", "onsetDateTime": onset}
        content["reaction"] = [{"manifestation": [_RASH], "onset": onset}]
    life.chart.add(life.person.clinic, "AllergyIntolerance", content)
