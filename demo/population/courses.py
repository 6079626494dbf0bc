"""Chronic courses: who has what, since when, with which medicine, and what a yearly control measures."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from demo.catalogue import MEDICINES, diagnosis
from demo.clinical import MOST_REPORTED, body_mass_index, creatinine, egfr
from demo.datatypes import minutes_after
from demo.fhir import Dose, blood_pressure, condition, diagnostic_report, encounter, medication_request, observation
from demo.population.life import GROWN, Life, working_day
from demo.population.people import FACTS, TODAY

CARD = "medicinkort"
LABORATORY = "laboratorium"
_CONTROL_YEARS = 3
_RENEWED_DAYS = 200
_METFORMIN_FLOOR = 45  #: filtration below which the full dose is not given

Fact = Mapping[str, Any]


def share(fact: Fact, sex: str, age: float) -> float:
    """How many of this sex and age have it, between the ages the table gives."""
    table = fact.get("both") or fact[sex]
    ages = FACTS["shares_at_ages"]
    if age >= ages[-1]:
        return float(table[-1])
    upper = next(index for index, limit in enumerate(ages) if age < limit)
    low, high = ages[upper - 1], ages[upper]
    return float(table[upper - 1] + (table[upper] - table[upper - 1]) * (age - low) / (high - low))


def has(life: Life, fact: Fact) -> bool:
    """Whether this life gets it: the shares are by present age, so that onset lies before it."""
    start, _ = fact["onset"]
    if life.age < start + 1 or life.age > fact.get("until", 120) or life.courses & set(fact.get("instead_of", ())):
        return False
    return life.rng.random() < share(fact, life.sex, life.age)


def chronic(life: Life) -> None:
    """Every course this life has, and the controls that follow from them."""
    found = [fact for fact in FACTS["courses"] if _joins(life, fact)]
    for fact in found:
        _begin(life, fact)
    if life.age >= GROWN:
        _controls(life, bool(found))


def _joins(life: Life, fact: Fact) -> bool:
    if not has(life, fact):
        return False
    life.courses.add(fact["key"])
    _change_body(life, fact["key"])
    return True


def _change_body(life: Life, course: str) -> None:
    body, rng = life.body, life.rng
    match course:
        case "hypertension":
            body.systolic += rng.uniform(6, 16)
        case "diabetes":
            body.sugar = rng.gauss(54, 7)
            body.bmi = min(42.0, body.bmi + rng.uniform(1, 5))
            body.filtration = max(30.0, body.filtration - rng.uniform(0, 18))
        case "copd":
            body.lung = rng.uniform(0.38, 0.78)
            body.smoker = rng.choice(["Tidligere ryger", "Ryger"])
        case "asthma":
            body.lung = rng.uniform(0.78, 0.98)
        case "hypercholesterolaemia" | "ischaemic-heart":
            body.ldl = max(1.2, rng.gauss(1.9, 0.4))
        case "heart-failure":
            body.filtration = max(28.0, body.filtration - rng.uniform(5, 20))


def _begin(life: Life, fact: Fact) -> None:
    start, end = fact["onset"]
    latest = min(end, life.age - 0.5)
    onset = life.day_at(life.rng.uniform(start, max(start + 0.2, latest)))
    seen = life.clock(onset)
    code = diagnosis(fact["condition"])
    contact = life.write(life.gp, encounter("AMB", "Konsultation", seen, minutes_after(seen, 15), reasons=[code]))
    life.write(life.gp, condition(code, onset.isoformat()), contact)
    _prescribe(life, fact, onset)
    _at_hospital(life, fact, onset)


def _prescribe(life: Life, fact: Fact, onset: date) -> None:
    for key, text, times, chance in fact["medicines"]:
        group = medicine_group(MEDICINES[key].atc)
        if group in life.groups or life.rng.random() > chance or not _tolerates(life, key):
            continue
        life.groups.add(group)
        since = onset + timedelta(days=life.rng.randint(0, 30))
        begun = min(since, TODAY - timedelta(days=2))
        renewed = max(begun, working_day(TODAY - timedelta(days=life.rng.randint(2, _RENEWED_DAYS))))
        needed = fact["reason"] if "ved behov" in text or "ved anfald" in text else ""
        dose = Dose(text, times, as_needed=needed)
        life.write(CARD, medication_request(key, dose, fact["reason"], begun.isoformat(), written=f"{renewed} 10:00"))


def medicine_group(atc: str) -> str:
    """Medicines of one group are not given together: renin-angiotensin (C09) and blood thinners (B01) as wholes."""
    return atc[:3] if atc[:3] in ("C09", "B01") else atc[:5]


def _tolerates(life: Life, key: str) -> bool:
    return not (key == "metformin-1000" and life.body.filtration < _METFORMIN_FLOOR)


def _at_hospital(life: Life, fact: Fact, onset: date) -> None:
    key, place, chance = fact.get("hospital", ("", "", 0))
    if life.rng.random() >= chance:
        return
    last = (TODAY - onset).days - 10
    day = working_day(onset + timedelta(days=life.rng.randint(1, max(2, min(last, 3000)))))
    seen = life.clock(min(day, TODAY - timedelta(days=3)))
    contact = life.write(
        place, encounter("AMB", "Ambulant besøg", seen, minutes_after(seen, 40), reasons=[diagnosis(key)])
    )
    life.write(place, condition(diagnosis(key), onset.isoformat(), recorded=seen[:10]), contact)


def _controls(life: Life, chronic_illness: bool) -> None:
    """Yearly for the chronically ill; once in the last years for others."""
    years = range(_CONTROL_YEARS, 0, -1) if chronic_illness else range(2, 1, -1)
    for ago in years:
        day = working_day(TODAY - timedelta(days=ago * 365 - life.rng.randint(20, 300)))
        _control(life, day, chronic_illness)


def _control(life: Life, day: date, chronic_illness: bool) -> None:
    rng, body, age = life.rng, life.body, life.age_at(day)
    seen = life.clock(day)
    title = "Årskontrol" if chronic_illness else "Konsultation"
    contact = life.write(life.gp, encounter("AMB", title, seen, minutes_after(seen, 20)))
    systolic = round(body.systolic + rng.gauss(0, 5))
    life.write(life.gp, blood_pressure(systolic, round(systolic * 0.56 + rng.gauss(2, 4)), seen), contact)
    weight = round(body.bmi * body.height**2 + rng.gauss(0, 1.2), 1)
    measured: dict[str, float | str] = {
        "weight": weight,
        "height": body.height,
        "bmi": body_mass_index(weight, body.height),
        "pulse": round(rng.gauss(72, 8)),
        "smoking": body.smoker,
    }
    for key, value in {**measured, **_lung(life)}.items():
        life.write(life.gp, observation(key, value, seen, sex=life.sex), contact)
    _blood(life, f"{day} 07:{rng.randint(30, 59)}", age)


def _lung(life: Life) -> dict[str, float | str]:
    if not life.courses & {"copd", "asthma"}:
        return {}
    expected = max(1.2, life.expected_lung())
    volume = round(expected * life.body.lung * life.rng.uniform(0.97, 1.03), 2)
    ratio = round(0.38 + life.body.lung * 0.38 if "copd" in life.courses else life.rng.uniform(0.71, 0.82), 2)
    return {
        "fev1": volume,
        "fev1-percent": round(100 * volume / expected),
        "fvc": round(volume / ratio, 2),
        "fev1-fvc": ratio,
    }


def _blood(life: Life, when: str, age: float) -> None:
    rng, body = life.rng, life.body
    made = creatinine(max(20.0, body.filtration + rng.gauss(0, 3)), age, life.sex)
    values = {
        "haemoglobin": round(body.haemoglobin + rng.gauss(0, 0.2), 1),
        "creatinine": made,
        "egfr": min(MOST_REPORTED, egfr(made, age, life.sex)),
        "potassium": round(min(5.2, max(3.4, rng.gauss(4.1, 0.25))), 1),
        "sodium": round(rng.gauss(140, 1.6)),
        "hba1c": round(body.sugar + rng.gauss(0, 1.5)),
        "ldl": round(max(0.8, body.ldl + rng.gauss(0, 0.2)), 1),
    }
    if "hypothyroidism" in life.courses or rng.random() < 0.2:
        values["tsh"] = round(max(0.3, body.thyrotropin + rng.gauss(0, 0.2)), 1)
    if "diabetes" in life.courses:
        values["acr"] = round(max(3.0, rng.gauss(95 - body.filtration, 12)))
    results = [life.write(LABORATORY, observation(key, value, when, sex=life.sex)) for key, value in values.items()]
    life.write(LABORATORY, diagnostic_report("Blodprøver", when, results=results))
