"""Chronic diseases: who gets which, since when, with which medicine, followed by whom."""

from random import Random
from typing import Any

from helhed.population.facts import Json, facts, slope
from helhed.population.life import Life
from helhed.population.medicine import regimen
from helhed.population.moments import YEAR
from helhed.population.resources import concept, condition, encounter

FACTS = facts("diseases")
DISEASES: list[dict[str, Any]] = FACTS["diseases"]
CODES: dict[str, tuple[Json, Json]] = {
    one["key"]: (concept(one["text"], ("ICPC-2", *one["gp"])), concept(one["text"], ("SKS", *one["hospital"])))
    for one in DISEASES
}
_GROWN = 16
_CONTACTS_KEPT = round(6 * YEAR)
_MOST_LIKELY = 0.95
_FRAILTY = FACTS["frailty"]


def _scale(disease: dict[str, Any]) -> float:
    """What the curves are multiplied by so that the share among people of sixteen or more is the one stated."""
    total = found = 0.0
    for start, share, women in facts("people")["ages"]:
        for age in range(max(start, _GROWN), start + 5):
            of_women, of_men = (slope(FACTS["ages"], disease[sex], age) for sex in ("female", "male"))
            total += share
            found += share * (women * of_women + (1 - women) * of_men)
    return float(disease["share"]) / 100 * total / found


_SCALES = {one["key"]: _scale(one) for one in DISEASES}


def chronic(life: Life) -> None:
    """Every disease this life has got."""
    frailty = _frailty(life.rng)
    mine = [disease for disease in DISEASES if _gets(life, disease, frailty)]
    for disease in mine:
        life.body.change(life.rng, disease)
        life.diseases[disease["key"]] = _onset(life, disease)
    _kidneys(life)
    for disease in mine:
        _begin(life, disease)


def _frailty(rng: Random) -> float:
    """Disease comes to those who have one already; the mean is one."""
    return float(rng.choices([much for much, _ in _FRAILTY], [share for _, share in _FRAILTY])[0])


def _gets(life: Life, disease: dict[str, Any], frailty: float) -> bool:
    age = life.age
    if age < disease["onset"][0] + 0.3 or life.diseases.keys() & set(disease.get("instead_of", ())):
        return False
    chance = slope(FACTS["ages"], disease[life.person.sex], age) * _SCALES[disease["key"]]
    if chance <= 0:
        return False
    if disease.get("smokers"):
        chance *= FACTS["smoking"]["factor"][life.body.smoker]
    if not life.rng.random() < min(_MOST_LIKELY, chance * (1.0 if age < 25 else frailty)):
        return False
    life.diseases[disease["key"]] = 0
    return True


def _onset(life: Life, disease: dict[str, Any]) -> int:
    first, last = disease["onset"]
    latest = min(last, life.age - 0.1)
    age = life.rng.uniform(max(first, latest - 25), max(first + 0.1, latest))
    return life.workday(life.person.born + round(age * YEAR))


def _kidneys(life: Life) -> None:
    """Low filtration is a diagnosis, and the diagnosis is low filtration; lungs likewise."""
    levels, body = life.body.levels, life.body
    if "kidney" in life.diseases:
        levels["filtration"] = life.rng.choices(
            (life.rng.uniform(40, 56), life.rng.uniform(31, 42), life.rng.uniform(18, 28)), (75, 20, 5)
        )[0]
        body.floors["filtration"], body.ceilings["filtration"] = 14.0, 58.0
    if "copd" in life.diseases:
        levels["lung"] = life.rng.uniform(0.34, 0.79)
    elif "asthma" in life.diseases:
        levels["lung"] = life.rng.uniform(0.82, 0.99)


def _begin(life: Life, disease: dict[str, Any]) -> None:
    key = disease["key"]
    onset = life.diseases[key]
    gp_code, hospital_code = CODES[key]
    clinic, contact = life.person.clinic, ""
    if onset > life.end - _CONTACTS_KEPT:
        minute = life.clock()
        content = encounter("AMB", "Konsultation", (onset, minute), (onset, minute + 15), gp_code)
        content["serviceProvider"] = clinic.reference
        contact = life.write(clinic, "Encounter", content)
    recorded = condition(gp_code, onset, onset)
    recorded["recorder"] = life.author(clinic)
    life.write(clinic, "Condition", recorded, contact)
    for fact in disease["medicines"]:
        regimen(life, fact, disease["against"], onset)
    role, chance = disease.get("followed", ("", 0))
    if life.rng.random() < chance:
        unit = life.unit(role)
        seen = life.workday(onset + life.rng.randint(5, 60))
        followed = condition(hospital_code, onset, seen, category="encounter-diagnosis")
        followed["recorder"] = life.author(unit)
        life.write(unit, "Condition", followed)
