"""Short illness at the clinic: a contact, a diagnosis that passes, and perhaps a cure."""

from datetime import date
from typing import Any

from helhed.population.facts import facts
from helhed.population.growth import growth
from helhed.population.life import Life
from helhed.population.medicine import prescribe, tolerates
from helhed.population.moments import stamp
from helhed.population.resources import concept, condition, encounter, observation, referral

_FACTS = facts("acute")
_MINOR = [(fact, concept(fact["text"], ("ICPC-2", *fact["gp"]))) for fact in _FACTS["minor"]]
_YEARS = _FACTS["years"]
_BY_TELEPHONE = 0.22
_PER_KILOGRAM = {"penicillin-v-mixture": 20 / 33, "clarithromycin-mixture": 7.5 / 25}  #: mL a dose
_PHYSIOTHERAPY = {"text": "Fysioterapi"}


def minor_illness(life: Life) -> None:
    """What took the citizen to the clinic in the last years."""
    for fact, code in _MINOR:
        if fact.get("sex", life.person.sex) != life.person.sex or life.age < fact["ages"][0]:
            continue
        for year in range(_YEARS):
            if life.rng.random() < fact["rate"]:
                day = life.workday(life.end - 365 * year - life.rng.randint(3, 360))
                low, high = fact["ages"]
                if low <= life.person.age_at(day) <= high and _in_season(fact, day) and not life.is_away(day, day):
                    _episode(life, fact, code, day)


def _in_season(fact: dict[str, Any], day: int) -> bool:
    return "months" not in fact or date.fromordinal(day).month in fact["months"]


def _episode(life: Life, fact: dict[str, Any], code: dict[str, Any], day: int) -> None:
    clinic, minute = life.person.clinic, life.clock()
    cured = _cure(fact, life, day)
    by_telephone = not cured and "crp" not in fact and life.rng.random() < _BY_TELEPHONE
    kind, title, minutes = ("VR", "Telefonkonsultation", 5) if by_telephone else ("AMB", "Konsultation", 10)
    content = encounter(kind, title, (day, minute), (day, minute + minutes), code)
    content["serviceProvider"] = clinic.reference
    contact = life.write(clinic, "Encounter", content)
    over = min(day + fact["days"], life.end)
    life.write(clinic, "Condition", condition(code, day, day, over, "encounter-diagnosis"), contact)
    if "crp" in fact:
        value = life.rng.uniform(*fact["crp"])
        life.measure(
            clinic, observation("crp", value, stamp(day, minute + 3)), contact, life.author(clinic, doctor=False)
        )
    if cured:
        key, amount, times, text, days = cured
        prescribe(
            life,
            key,
            amount,
            times,
            f"{text} mod {fact['text'].lower()}",
            fact["text"].lower(),
            day,
            until=min(day + days, life.end),
            minute=minute + minutes,
        )
    role, chance = fact.get("refer", ("", 0.0))
    if life.rng.random() < chance:
        _refer(life, role, fact["text"], day, minute + minutes)


def _cure(fact: dict[str, Any], life: Life, day: int) -> tuple[str, float, int, str, int] | None:
    if "medicine" not in fact or life.rng.random() >= fact["medicine"][5]:
        return None
    for key, amount, times, text, days in (fact["medicine"][:5], fact.get("otherwise", [])):
        if not tolerates(life, key, day):
            if "otherwise" not in fact:
                return None
            continue
        if amount:
            return key, amount, times, text, days
        weight = growth(life.person.age_at(day), life.person.sex)[1]
        given = max(1, round(weight * _PER_KILOGRAM[key]))
        return key, given, times, f"{given} mL {text}", days
    return None


def _refer(life: Life, role: str, why: str, day: int, minute: int) -> None:
    """To a private therapist: the referral from the clinic, and what the therapist wrote."""
    clinic, unit = life.person.clinic, life.unit(role)
    seen = life.workday(day + life.rng.randint(7, 25))
    waiting = seen >= life.end - 30 and not life.person.died
    text = f"Henvises til vurdering og behandling for {why.lower()}."
    content = referral(_PHYSIOTHERAPY, day, unit.reference, "active" if waiting else "completed", text, minute=minute)
    content["requester"] = life.author(clinic)
    life.write(clinic, "ServiceRequest", content)
    if not waiting and seen < life.end:
        minute = life.clock()
        visit = encounter("AMB", "Fysioterapi, første undersøgelse", (seen, minute), (seen, minute + 40), {"text": why})
        visit["serviceProvider"] = unit.reference
        life.write(unit, "Encounter", visit)
