"""The municipality: care at home and in care homes, wounds, and home monitoring, in the words of FSIII."""

from collections.abc import Sequence

from helhed.population.body import pulse
from helhed.population.country import Unit
from helhed.population.facts import Json, facts, step
from helhed.population.life import Life
from helhed.population.moments import stamp
from helhed.population.pictures import wound_picture
from helhed.population.resources import activity, blood_pressure, concept, condition, encounter, observation, plan

_FACTS = facts("municipal")
_CONDITIONS = {key: concept(text, ("FSIII", code, text)) for key, (code, text) in _FACTS["conditions"].items()}
_DONE = {key: concept(text, ("FSIII", code, text)) for key, (code, text) in _FACTS["interventions"].items()}
_BECAUSE = {"dementia": "memory", "heart-failure": "circulation", "copd": "breathing", "osteoarthritis": "pain"}
_MONTH = 30


def municipal(life: Life) -> None:
    """What the municipality does for this citizen."""
    if life.person.in_care_home:
        _care(
            life,
            life.unit("carehome"),
            ["care", "moving"],
            ["hygiene", "moving", *(["dispensing"] if life.medicines else [])],
            "Hjælp og pleje på plejecenter",
        )
    elif life.rng.random() < _needs_care(life):
        done = ["hygiene", "cleaning"] + [
            one for one in ("meals", "dispensing") if life.rng.random() < 0.5 and (one == "meals" or life.medicines)
        ]
        _care(life, life.unit("nursing"), ["care", "walking"], done, "Hjælp og pleje hjemme")
    _wound(life)
    _monitored(life)


def _needs_care(life: Life) -> float:
    chance = step(_FACTS["home_care"], life.age)
    for key, factor in _FACTS["more_with"].items():
        chance *= factor if key in life.diseases else 1
    return min(0.9, chance)


def _care(life: Life, unit: Unit, because: Sequence[str], done: Sequence[str], title: str) -> None:
    start = life.workday(life.end - life.rng.randint(100, 1200))
    content = encounter("HH", title, (start, 600), None if not life.person.died else (life.end, 600), None)
    content["serviceProvider"] = unit.reference
    contact = life.write(unit, "Encounter", content)
    for key in [*because, *(_BECAUSE[one] for one in life.diseases if one in _BECAUSE)]:
        _state(life, unit, key, start, contact)
    _plan(life, unit, title, start, done)
    for ago in range(3, -1, -1):
        day = life.workday(life.end - ago * 2 * _MONTH - life.rng.randint(2, 20))
        if day > start:
            _observe(life, unit, day, contact)


def _state(life: Life, unit: Unit, key: str, start: int, contact: str = "") -> None:
    content = condition(_CONDITIONS[key], start, start, life.end if life.person.died else 0)
    life.sign(content, unit, doctor=False)
    life.write(unit, "Condition", content, contact)


def _plan(life: Life, unit: Unit, title: str, start: int, done: Sequence[str]) -> None:
    over = life.end if life.person.died else 0
    status = "completed" if over else "in-progress"
    activities = [activity(_DONE[key]["text"], status, _DONE[key]) for key in done]
    content = plan(title, start, activities, over, "Kommunal pleje og omsorg")
    content["author"] = life.author(unit, doctor=False)
    life.write(unit, "CarePlan", content)


def _observe(life: Life, unit: Unit, day: int, contact: str) -> None:
    """Weight and early warning; the score is that of the values measured."""
    minute, rng, carer = life.clock(), life.rng, life.author(unit, doctor=False)
    when = stamp(day, minute)
    weight = life.body.at(rng, "bmi", day, 0.4) * life.body.height**2
    beats, breath, warm = round(pulse(rng, 74)), rng.randint(14, 19), round(rng.uniform(36.2, 37.3), 1)
    systolic = min(190, life.body.at(rng, "systolic", day, 6))
    values: dict[str, float] = {
        "weight": weight,
        "pulse": beats,
        "respiration": breath,
        "temperature": warm,
        "tobs": _tobs(beats, systolic),
    }
    for key, value in values.items():
        life.measure(unit, observation(key, value, when), contact, carer)
    life.measure(unit, blood_pressure(systolic, systolic * 0.5 + 10, when), contact, carer)


def _tobs(beats: float, systolic: float) -> int:
    """TOBS of the two values that can be out of the ordinary here (the others are drawn within it)."""
    return (1 if beats >= 90 or beats < 50 else 0) + (1 if systolic < 100 else 0)


def _wound(life: Life) -> None:
    care = _FACTS["wounds"]["care"] if life.person.in_care_home else 0.0
    diabetes = max((_FACTS["wounds"][key] for key in ("diabetes-1", "diabetes-2") if key in life.diseases), default=0.0)
    if life.rng.random() >= max(care, diabetes) or life.age < 45:
        return
    unit, key = life.unit("nursing"), "diabetic-wound" if diabetes >= care else "pressure-wound"
    start = life.workday(life.end - life.rng.randint(50, 160))
    if key == "diabetic-wound" and any(
        start < since for one, since in life.diseases.items() if one.startswith("diabetes")
    ):
        return
    _state(life, unit, key, start)
    _plan(life, unit, "Sårbehandling", start, ["wound"])
    size = life.rng.uniform(14, 40)
    for week in range(6):
        day = start + 7 * week
        if day >= life.end:
            return
        length = max(3.0, size * 0.88**week)
        when = stamp(day, 600 + life.person.number % 90)
        nurse = life.author(unit, doctor=False)
        life.measure(unit, observation("wound-length", length, when), by=nurse)
        if week % 3 == 0:
            life.write(unit, "Media", _photo(length, when, nurse))


def _photo(length: float, when: str, nurse: Json) -> Json:
    return {
        "status": "completed",
        "type": {"text": "Foto"},
        "createdDateTime": when,
        "operator": nurse,
        "bodySite": {"text": "Sår"},
        "content": {"contentType": "image/png", "data": wound_picture(round(length)), "title": "Sår (tegnet)"},
    }


def _monitored(life: Life) -> None:
    """COPD at home: saturation, pulse and weight every other week."""
    if "copd" not in life.diseases or life.person.died or life.rng.random() >= _FACTS["monitored_copd"]:
        return
    unit = life.unit("nursing")
    start = max(life.diseases["copd"] + 20, life.end - 150)
    if start >= life.end - 20:
        return
    content = encounter("VR", "Hjemmemonitorering, KOL", (start, 600), None, None)
    content["serviceProvider"] = unit.reference
    contact = life.write(unit, "Encounter", content)
    _plan(life, unit, "Hjemmemonitorering, KOL", start, ["copd", "values"])
    usual = 88 + 9 * life.body.levels["lung"]
    for day in range(start + 1, life.end, 14):
        when = stamp(day, 490 + life.rng.randint(0, 90))
        values = {"spo2": min(99, usual + life.rng.gauss(0, 1)), "pulse": pulse(life.rng, 80)}
        for key, value in values.items():
            life.measure(unit, observation(key, value, when), contact, life.chart.subject)
