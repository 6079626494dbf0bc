"""Controls at the clinic: a yearly one for the chronically ill, with the blood the laboratory measured before it."""

from helhed.population.body import MOST_REPORTED, creatinine, egfr, expected_lung, pulse
from helhed.population.chronic import DISEASES
from helhed.population.life import Life
from helhed.population.moments import stamp
from helhed.population.people import ADULT
from helhed.population.resources import blood_pressure, encounter, observation, report, words

_NEEDS = {one["key"]: set(one.get("control", ())) for one in DISEASES}
_CHRONIC = {one["key"] for one in DISEASES if one.get("chronic")}
_YEAR_DAYS = 365
_APART = 21  #: days between a diagnosis and a control
_CHECKED_FROM = 45  #: years of age from which sugar and fat are measured with the rest
_YEARS = 4


def controls(life: Life) -> None:
    """All of them in the years looked back on, oldest first."""
    if life.age < ADULT:
        return
    needs = set().union(*(_NEEDS[key] for key in life.diseases))
    if life.diseases.keys() & _CHRONIC:
        first = life.rng.randint(20, 330)
        days = [life.end - first - _YEAR_DAYS * ago for ago in range(_YEARS - 1, -1, -1)]
    else:
        days = [life.end - life.rng.randint(30, 700)] if life.rng.random() < 0.55 else []
    for number, day in enumerate(days):
        seen = life.workday(day + life.rng.randint(-20, 20))
        expecting = any(start <= seen <= to + 60 for start, to in life.pregnant)
        if life.person.age_at(seen) > ADULT + 0.1 and not expecting and not _seen_anyway(life, seen):
            _control(life, seen, {need for need in needs if _ill(life, need, seen)}, first=number == 0)
            _between(life, seen + 182)


def _seen_anyway(life: Life, day: int) -> bool:
    """Whether a diagnosis or an admission is near: no control beside it."""
    return life.is_away(day - 10, day) or any(abs(onset - day) < _APART for onset in life.diseases.values())


def _ill(life: Life, need: str, day: int) -> bool:
    return any(need in _NEEDS[key] and onset <= day for key, onset in life.diseases.items())


def _between(life: Life, day: int) -> None:
    """Long-term sugar twice a year for those with diabetes."""
    since = min((life.diseases[key] for key in ("diabetes-1", "diabetes-2") if key in life.diseases), default=life.end)
    if since < day < life.end:
        _blood(life, life.workday(day), ["hba1c"], "HbA1c")


def _control(life: Life, day: int, needs: set[str], *, first: bool) -> None:
    clinic, minute = life.person.clinic, life.clock()
    ill = any(onset <= day for key, onset in life.diseases.items() if key in _CHRONIC)
    if ill or life.rng.random() < 0.5:
        _blood(
            life,
            life.workday(day - life.rng.randint(3, 8)),
            _analyses(needs, life.person.age_at(day)),
            "Blodprøver",
        )
    title = "Årskontrol" if ill else "Konsultation"
    content = encounter("AMB", title, (day, minute), (day, minute + 20), None)
    content["serviceProvider"] = clinic.reference
    contact = life.write(clinic, "Encounter", content)
    when, nurse = stamp(day, minute + 5), life.author(clinic, doctor=False)
    systolic = life.body.at(life.rng, "systolic", day, 5)
    life.measure(clinic, blood_pressure(systolic, systolic * 0.5 + 12 + life.rng.gauss(0, 4), when), contact, nurse)
    for key, value in _measured(life, day, needs, first=first).items():
        life.measure(clinic, observation(key, value, when, life.person.sex), contact, nurse)
    if first or "lungs" in needs:
        life.measure(clinic, words("smoking", life.body.smoking, when), contact, nurse)


def _measured(life: Life, day: int, needs: set[str], *, first: bool) -> dict[str, float]:
    body, rng = life.body, life.rng
    found: dict[str, float] = {}
    if first:
        found["height"] = body.height
    if first or needs & {"diabetes", "lungs", "renal"}:
        found["weight"] = round(body.at(rng, "bmi", day, 0.4) * body.height**2, 1)
        found["bmi"] = found["weight"] / body.height**2
    if needs & {"renal"} and rng.random() < 0.5:
        found["pulse"] = pulse(rng, 70)
    if "lungs" in needs:
        found |= lungs(life, day)
    if "mood" in needs:
        found["phq9"] = body.at(rng, "phq9", day, 1.6)
    return found


def lungs(life: Life, day: int) -> dict[str, float]:
    """Spirometry: volume, capacity and their ratio hang together."""
    rng, copd = life.rng, "copd" in life.diseases
    expected = max(1.55, expected_lung(life.person.age_at(day), life.body.height, life.person.sex))
    share = life.body.levels["lung"] + rng.gauss(0, 0.015)
    volume = round(expected * share, 2)
    ratio = 0.40 + 0.34 * share if copd else rng.uniform(0.73, 0.82)
    capacity = round(volume / ratio, 2)
    found = {"fev1": volume, "fvc": capacity, "fev1-fvc": volume / capacity, "fev1-percent": 100 * volume / expected}
    if copd:
        found["mrc"] = max(1, min(5, round(5.4 - 4.5 * share + rng.gauss(0, 0.4))))
    return found


def _analyses(needs: set[str], age: float) -> list[str]:
    found = ["haemoglobin", "creatinine", "egfr", "potassium"]
    if "renal" in needs:
        found.append("sodium")
    if "diabetes" in needs:
        found += ["hba1c", "ldl", "acr"]
    elif "lipids" in needs or age > _CHECKED_FROM:
        found += ["ldl", "hba1c"]
    for need, key in (("thyroid", "tsh"), ("urate", "urate"), ("psa", "psa")):
        if need in needs:
            found.append(key)
    return found


def _blood(life: Life, day: int, analyses: list[str], title: str) -> None:
    when, laboratory = life.blood_drawn(day), life.unit("laboratory")
    values = blood(life, day, analyses)
    results = [
        life.measure(laboratory, observation(key, value, when, life.person.sex)) for key, value in values.items()
    ]
    if len(results) > 1:
        done = report(title, when, results)
        done["performer"] = [laboratory.reference]
        life.write(laboratory, "DiagnosticReport", done)


def blood(life: Life, day: int, analyses: list[str]) -> dict[str, float]:
    """Values of one morning. Creatinine and eGFR are one measurement; the others wander by themselves."""
    body, rng, age, sex = life.body, life.rng, life.person.age_at(day), life.person.sex
    found: dict[str, float] = {}
    for key in analyses:
        if key == "creatinine":
            found[key] = creatinine(body.at(rng, "filtration", day, 2.5), age, sex)
        elif key == "egfr":
            found[key] = min(MOST_REPORTED, egfr(found["creatinine"], age, sex))
        elif key == "acr":
            found[key] = max(3.0, rng.gauss(100 - body.final("filtration"), 12))
        elif key == "potassium":
            found[key] = min(5.3, max(3.4, rng.gauss(4.0, 0.25)))
        elif key == "sodium":
            found[key] = min(147.0, max(132.0, rng.gauss(140, 1.7)))
        else:
            name = {"hba1c": "sugar"}.get(key, key)
            found[key] = body.at(rng, name, day, _SPREAD[key])
    return found


_SPREAD: dict[str, float] = {"haemoglobin": 0.2, "hba1c": 2.2, "ldl": 0.2, "tsh": 0.3, "urate": 0.02, "psa": 0.3}
