"""Admissions, emergency visits and operations: what was found, what was measured, what was done, and the letter home."""

from dataclasses import dataclass, field
from typing import Any

from helhed.population.body import pulse
from helhed.population.country import Unit
from helhed.population.facts import Json, facts
from helhed.population.letters import discharge, number, within
from helhed.population.life import Life
from helhed.population.medicine import prescribe
from helhed.population.moments import stamp
from helhed.population.rehabilitation import rehabilitate
from helhed.population.resources import blood_pressure, concept, condition, encounter, observation, procedure, report

_FACTS = facts("acute")
_EPISODES = [(fact, concept(fact["text"], ("SKS", *fact["code"]))) for fact in _FACTS["hospital"]]
_YEARS = _FACTS["years"]
_AFTER_SURGERY = (0.0, 1.0, 0.45)  #: of the peak of CRP: at admission, in the middle of the stay, at discharge
_OPEN_SHARE = 0.012  #: admissions of the last year that are still going on


@dataclass(slots=True)
class Stay:
    """One stay, and what the letter will say of it."""

    fact: dict[str, Any]
    code: Json
    unit: Unit
    start: int
    end: int
    minute: int
    contact: str = ""
    told: dict[str, str] = field(default_factory=dict)


def hospital(life: Life) -> None:
    """Everything that took the citizen to hospital in the last years."""
    for fact, code in _EPISODES:
        if life.age < fact["ages"][0] or fact.get("needs", "") not in ("", *life.diseases):
            continue
        for year in range(_YEARS):
            if life.rng.random() < fact["rate"] and _happens(life, fact, code, year) and fact.get("once"):
                break


def _happens(life: Life, fact: dict[str, Any], code: Json, year: int) -> bool:
    start = life.end - 365 * year - life.rng.randint(12, 364)
    if fact["kind"] == "AMB" or fact.get("planned"):
        start = life.workday(start)
    length = life.rng.randint(*fact["days"])
    low, high = fact["ages"]
    ill = life.diseases.get(fact.get("needs", ""), life.person.born) <= start
    if not ill or not low <= life.person.age_at(start) <= high or life.is_away(start, start + length):
        return False
    if any(since - 20 <= start <= to + 40 for since, to in life.pregnant):
        return False
    life.away.append((start, start + length))
    write_stay(
        life, Stay(fact, code, life.unit(fact["unit"]), start, start + length, 480 + 5 * life.rng.randint(0, 140))
    )
    return True


def write_stay(life: Life, stay: Stay, *, going_on: bool = False) -> None:
    """The contact and all that belongs to it. A stay that goes on has neither end nor letter."""
    fact, unit = stay.fact, stay.unit
    title = {"IMP": "Indlæggelse", "EMER": "Skadestuebesøg"}.get(fact["kind"], "Operation")
    left = None if going_on else _left(stay)
    content = encounter(fact["kind"], title, (stay.start, stay.minute), left, stay.code)
    content["serviceProvider"] = unit.reference
    if left:
        content["hospitalization"] = {
            "dischargeDisposition": {"text": "Eget hjem" if not life.person.in_care_home else "Plejecenter"}
        }
    stay.contact = life.write(unit, "Encounter", content)
    recorded = condition(stay.code, stay.start, stay.start, 0 if going_on else stay.end, "encounter-diagnosis")
    life.sign(recorded, unit)
    life.write(unit, "Condition", recorded, stay.contact)
    _vitals(life, stay)
    _blood(life, stay)
    _imaging(life, stay)
    _operation(life, stay)
    if not going_on:
        _go_home(life, stay)


def _left(stay: Stay) -> tuple[int, int]:
    return (stay.end, 13 * 60) if stay.end > stay.start else (stay.start, min(1435, stay.minute + 140))


def _vitals(life: Life, stay: Stay) -> None:
    if stay.fact["kind"] == "AMB" or stay.end == stay.start:
        return
    rng, fact, sick = life.rng, stay.fact, "crp" in stay.fact or "spo2" in stay.fact
    grown = life.person.age_at(stay.start) >= 12
    low = rng.randint(*fact.get("spo2", (95, 99)))
    warm = rng.uniform(38.4, 39.6) if fact.get("fever") else rng.uniform(36.6, 37.6)
    breath = rng.randint(22, 30) if "spo2" in fact else rng.randint(14, 18)
    for day, minute, better in ((stay.start, stay.minute + 20, 0.0), (stay.end, 8 * 60, 1.0)):
        values = {
            "spo2": round(low + better * max(0, (92 if low < 91 else 96) - low)),
            "temperature": round(warm - better * max(0.0, warm - 37.0), 1),
        }
        if grown:
            values |= {
                "pulse": pulse(rng, (98 if sick else 80) - better * (16 if sick else 4)),
                "respiration": breath - better * max(0, breath - 16),
            }
        if fact.get("weights"):
            dry = life.body.levels["bmi"] * life.body.height**2
            values["weight"] = round(dry * (1.07 - better * rng.uniform(0.045, 0.06)), 1)
        when = stamp(day, min(1430, minute))
        for key, value in values.items():
            life.measure(stay.unit, observation(key, value, when), stay.contact, life.author(stay.unit, doctor=False))
        if grown:
            systolic = life.body.at(rng, "systolic", day, 7)
            life.measure(stay.unit, blood_pressure(systolic, systolic * 0.5 + 11, when), stay.contact)
        _tell(stay, values, better)
    stay.told["resp"] = str(breath)


def _tell(stay: Stay, values: dict[str, float], better: float) -> None:
    words = {"spo2": "spo2", "temperature": "temp", "weight": "weight"}
    for key, word in words.items():
        if key in values:
            stay.told[word + ("_out" if better else "")] = number(values[key])


def _blood(life: Life, stay: Stay) -> None:
    """Infection rises and falls; a bleeding shows in the haemoglobin; neither touches kidneys or sugar."""
    series: list[tuple[int, dict[str, float]]] = []
    rng, days = life.rng, sorted({stay.start, (stay.start + stay.end) // 2, stay.end})
    if stay.end == stay.start:
        return
    peak = rng.uniform(*stay.fact.get("crp", (1, 7)))
    inflamed = rng.uniform(*stay.fact.get("inflames", (0, 0)))
    before = life.body.at(rng, "haemoglobin", stay.start, 0.2)
    lost = stay.fact.get("bleeds", 0.0) * rng.uniform(0.8, 1.2)
    for number_, day in enumerate(days):
        left = 1.0 if number_ == 0 else 0.75 if day != stay.end else max(0.18, 0.9 ** (2 * (stay.end - stay.start)))
        crp = round(max(1, peak * left + inflamed * _AFTER_SURGERY[min(number_, 2)]))
        values = {"crp": crp, "leukocytes": 6.6 + crp / 32, "haemoglobin": max(5.2, before - lost * (number_ > 0))}
        values |= {"sodium": rng.gauss(139, 1.6), "potassium": min(5.0, max(3.4, rng.gauss(4.0, 0.2)))}
        series.append((day, values))
    laboratory = life.unit("laboratory")
    for day, values in series:
        drawn = min(1435, stay.minute + 35) if day == stay.start else 7 * 60 + 10
        when = stamp(day, drawn)
        results = [
            life.measure(laboratory, observation(key, value, when, life.person.sex)) for key, value in values.items()
        ]
        done = report("Blodprøver under indlæggelse", when, results)
        done["performer"] = [laboratory.reference]
        life.write(laboratory, "DiagnosticReport", done)
    first, last = series[0][1], series[-1][1]
    stay.told |= {"crp": str(first["crp"]), "crp_out": str(last["crp"])}
    stay.told |= {"hb": number(round(first["haemoglobin"], 1)), "hb_out": number(round(last["haemoglobin"], 1))}


def _imaging(life: Life, stay: Stay) -> None:
    if "image" not in stay.fact:
        return
    unit = life.unit("imaging")
    when = stamp(stay.start, min(1438, stay.minute + 60))
    study = {
        "status": "available",
        "started": when,
        "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "DX"}],
    }
    life.write(unit, "ImagingStudy", study | {"description": f"Røntgen: {within(stay.fact['text'])}"})
    done = report("Røntgenundersøgelse", when, (), stay.fact["image"], "RAD")
    done["performer"] = [unit.reference]
    life.write(unit, "DiagnosticReport", done)


def _operation(life: Life, stay: Stay) -> None:
    if "procedure" not in stay.fact:
        return
    code, name = stay.fact["procedure"]
    at_once = stay.end == stay.start
    when = stamp(stay.start, min(1430, stay.minute + 75)) if at_once else stamp(stay.start + 1, 9 * 60)
    content = procedure(concept(name, ("SKS", code, name)), when)
    content["performer"] = [{"actor": life.author(stay.unit)}]
    life.write(stay.unit, "Procedure", content, stay.contact)


def _go_home(life: Life, stay: Stay) -> None:
    fact = stay.fact
    if "cure" in fact:
        key, amount, times, text, days = fact["cure"]
        until = min(stay.start + days, life.end)
        prescribe(
            life,
            key,
            amount,
            times,
            f"{text} mod {within(fact['text'])}",
            within(fact["text"]),
            stay.start,
            until=until,
            minute=min(stay.minute + 90, 1430),
        )
    story = fact["story"].format(**stay.told)
    _, minute = _left(stay)
    discharge(
        life,
        stay.unit,
        fact["text"],
        fact["code"][0],
        (stay.start, stay.end),
        min(1438, minute + 45),
        [story, f"Plan: {fact['plan']}"],
        stay.contact,
    )
    if "rehab" in fact:
        rehabilitate(life, stay.unit, fact["rehab"], stay.end)


def admitted(life: Life) -> None:
    """A few are in hospital today: an open contact, from which the ward has its relation."""
    if life.person.died or life.rng.random() >= _OPEN_SHARE * max(0.05, (life.age - 30) / 50):
        return
    for fact, code in _EPISODES:
        fits = fact["ages"][0] <= life.age <= fact["ages"][1] and fact.get("needs", "") in ("", *life.diseases)
        if fact["kind"] == "IMP" and fits and "crp" in fact and not life.is_away(life.end - 2, life.end):
            start = life.end - life.rng.randint(0, 2)
            stay = Stay(fact, code, life.unit(fact["unit"]), start, life.end, 480 + 5 * life.rng.randint(0, 140))
            write_stay(life, stay, going_on=True)
            return
