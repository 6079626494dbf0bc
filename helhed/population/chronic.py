"""Chronic diseases: who gets which, since when, with which medicine, followed by whom."""

from random import Random
from typing import Any

from helhed.population.body import smoking_factor
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
_AIMED_AT, _TITRATED_AFTER = 134, 120  #: mmHg and days
_FRAIL_FROM = 25
_SOONEST = 0.3  #: years between onset and being counted
_MOST_LIKELY = 0.95
_FRAILTY = FACTS["frailty"]
_MOST_FRAIL = max(much for much, _ in _FRAILTY)


def _likely(disease: dict[str, Any], sex: str, age: float, scales: dict[str, float]) -> float:
    """How many of this sex and age get it who do not have what excludes it."""
    if age < disease["onset"][0] + _SOONEST:
        return 0.0
    found = slope(FACTS["ages"], disease[sex], age)
    for other in DISEASES:
        if other["key"] in disease.get("instead_of", ()):
            found *= 1 - slope(FACTS["ages"], other[sex], age) * scales[other["key"]]
    return found


def _scales() -> dict[str, float]:
    """What the curves are multiplied by so that the share among people of sixteen or more is the one stated."""
    scales: dict[str, float] = {}
    for disease in DISEASES:
        total = found = 0.0
        for start, share, women in facts("people")["ages"]:
            for age in range(max(start, _GROWN), start + 5):
                of_women, of_men = (_likely(disease, sex, age + 0.5, scales) for sex in ("female", "male"))
                total += share
                found += share * (women * of_women + (1 - women) * of_men)
        scales[disease["key"]] = float(disease["share"]) / 100 * total / found
    return scales


_SCALES = _scales()


def chronic(life: Life) -> None:
    """Every disease this life has got."""
    frailty = _MOST_FRAIL if life.person.in_care_home else _frailty(life.rng)
    mine = [disease for disease in DISEASES if _gets(life, disease, frailty)]
    for disease in mine:
        life.diseases[disease["key"]] = _onset(life, disease)
        life.body.change(life.rng, disease, life.diseases[disease["key"]])
    _organs(life)
    for disease in mine:
        _begin(life, disease)


def _frailty(rng: Random) -> float:
    """Disease comes to those who have one already; the mean is one."""
    return float(rng.choices([much for much, _ in _FRAILTY], [share for _, share in _FRAILTY])[0])


def _gets(life: Life, disease: dict[str, Any], frailty: float) -> bool:
    age = life.age
    if age < disease["onset"][0] + _SOONEST or life.diseases.keys() & set(disease.get("instead_of", ())):
        return False
    chance = slope(FACTS["ages"], disease[life.person.sex], age) * _SCALES[disease["key"]]
    if chance <= 0:
        return False
    if disease.get("smokers"):
        chance *= smoking_factor(life.body.smoker, age)
    if disease["key"] == "dementia" and life.person.in_care_home:
        chance = max(chance, FACTS["dementia_in_care_homes"])
    elif age > _FRAIL_FROM:
        chance *= frailty ** disease.get("frailty", 1.0)
    if not life.rng.random() < min(_MOST_LIKELY, chance):
        return False
    life.diseases[disease["key"]] = 0
    return True


def _onset(life: Life, disease: dict[str, Any]) -> int:
    first, last = disease["onset"]
    latest = min(last, life.age - 0.1)
    age = life.rng.uniform(max(first, latest - 25), max(first + 0.1, latest))
    return life.workday(life.person.born + round(age * YEAR))


def _organs(life: Life) -> None:
    """Low filtration is a diagnosis, and the diagnosis is low filtration; lungs likewise."""
    rng, levels = life.rng, life.body.levels
    if "kidney" in life.diseases:
        stages = (rng.uniform(40, 56), rng.uniform(31, 42), rng.uniform(18, 28))
        life.body.fail("filtration", rng.choices(stages, (75, 20, 5))[0], life.diseases["kidney"], most=58.0)
    if "copd" in life.diseases:
        levels["lung"] = rng.uniform(0.34, 0.79)
    elif "asthma" in life.diseases:
        levels["lung"] = rng.uniform(0.82, 0.99)


def _begin(life: Life, disease: dict[str, Any]) -> None:
    key = disease["key"]
    onset = life.diseases[key]
    gp_code, hospital_code = CODES[key]
    clinic, contact, minute = life.person.clinic, "", 0
    if onset > life.end - _CONTACTS_KEPT:
        minute = life.clock()
        content = encounter("AMB", "Konsultation", (onset, minute), (onset, minute + 15), gp_code)
        content["serviceProvider"] = clinic.reference
        contact = life.write(clinic, "Encounter", content)
    recorded = condition(gp_code, onset, onset)
    life.sign(recorded, clinic)
    life.write(clinic, "Condition", recorded, contact)
    _treat(life, disease, onset, minute)
    role, chance = disease.get("followed", ("", 0))
    if life.rng.random() < chance:
        unit = life.unit(role)
        seen = life.workday(onset + life.rng.randint(5, 60))
        followed = condition(hospital_code, onset, seen, category="encounter-diagnosis")
        life.sign(followed, unit)
        life.write(unit, "Condition", followed)


def _treat(life: Life, disease: dict[str, Any], onset: int, seen: int) -> None:
    """The medicines of a disease; where one is always given, the first that is tolerated if none was chosen."""
    against, medicines = disease["against"], disease["medicines"]
    chosen = [fact for fact in medicines if regimen(life, fact, against, onset, seen)]
    if disease.get("treated") and not chosen:
        certain = ([*fact[:4], 1.0, *fact[5:]] for fact in medicines)
        chosen = [next((fact for fact in certain if regimen(life, fact, against, onset, seen)), None)]
    if disease["key"] == "hypertension" and any(chosen):
        _titrate(life, onset)


def _titrate(life: Life, onset: int) -> None:
    """Doses are raised until the pressure is near its aim, in most."""
    body = life.body
    left = body.final("systolic")
    aim = life.rng.gauss(_AIMED_AT, 6)
    if left > aim:
        body.treat("systolic", onset + _TITRATED_AFTER, left - aim)


_PILL = FACTS["contraception"]
_PILL_CODE = concept("Svangerskabsforebyggelse", ("ICPC-2", *_PILL["gp"]))


def contraception(life: Life) -> None:
    """The pill, for women who want it, are not expecting, and have neither clots nor migraine against it."""
    low, high = _PILL["ages"]
    against = {"migraine", "ischaemic-heart", "breast-cancer", "atrial-fibrillation"} & life.diseases.keys()
    if life.person.sex != "female" or not low <= life.age <= high or against or life.pregnant or life.person.died:
        return
    if life.rng.random() >= _PILL["share"]:
        return
    first, last = _PILL["onset"]
    start = max(first, life.age - 6)
    age = life.rng.uniform(start, max(start + 0.1, min(last, life.age - 0.1)))
    since = life.workday(life.person.born + round(max(age, life.age - 6) * YEAR))
    recorded = condition(_PILL_CODE, since, since)
    life.sign(recorded, life.person.clinic)
    life.write(life.person.clinic, "Condition", recorded)
    key, amount, times, text = _PILL["medicine"]
    regimen(life, [key, amount, times, text, 1.0, "", 0], _PILL["against"], since)
