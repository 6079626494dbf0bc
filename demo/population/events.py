"""What happens to everybody now and then: minor illness, hospital visits, births, vaccinations, screening."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from demo.catalogue import diagnosis
from demo.datatypes import SKS, coding, concept, minutes_after
from demo.fhir import (
    Dose,
    allergy,
    appointment,
    condition,
    encounter,
    immunization,
    letter,
    medication_request,
    no_known_allergies,
    observation,
    procedure,
)
from demo.places import PLACES
from demo.population.courses import CARD, LABORATORY
from demo.population.life import GROWN, Life, working_day
from demo.population.people import FACTS, TODAY

VACCINES = "vaccinationsregister"
IMAGING = "billede"
OBSTETRICS = "gynobs"
_LOOKED_BACK = 5  # years of minor illness and hospital visits that are written
_MONTH = 30.44
_PILLS = "contraception"
_CHILD_CHECKS = (5 / 52, 5 / 12, 1, 2, 3, 4, 5)  # ages of the clinic's preventive examinations of children
_MAMMOGRAPHY = (50, 69, 2)
_FIT = (50, 74, 2)
_HPV = (30, 64, 5)


def events(life: Life) -> None:
    """All of it."""
    _cave(life)
    for fact in FACTS["minor"]:
        _minor(life, fact)
    for fact in FACTS["hospital"]:
        _hospital(life, fact)
    _childhood(life)
    _births(life)
    _vaccinations(life)
    _screening(life)
    _booked(life)


def _cave(life: Life) -> None:
    recorded = life.day_at(max(0.3, life.age - life.rng.uniform(1, 8)))
    if not life.allergic:
        life.write(life.gp, no_known_allergies(recorded.isoformat()))
        return
    group = concept(
        "Penicillin (hele gruppen)",
        coding("http://www.whocc.no/atc", "J01C", "beta-lactam antibacterials, penicillins"),
    )
    rash = concept("Nældefeber (urticaria)", coding(SKS, "DL509", "Urticaria UNS"))
    onset = str(min(recorded, life.day_at(life.age * life.rng.uniform(0.2, 0.9))).year)
    life.write(
        life.gp, allergy(group, rash, onset=onset, recorded=recorded.isoformat(), certain=life.rng.random() < 0.4)
    )


def _days_of(life: Life, fact: Mapping[str, Any]) -> list[date]:
    """When it happened in the years looked back on, at ages when it can."""
    low, high = fact["ages"]
    found = []
    for ago in range(_LOOKED_BACK):
        day = working_day(TODAY - timedelta(days=ago * 365 + life.rng.randint(40, 360)))
        if low <= life.age_at(day) <= high and life.age_at(day) > 0.2 and life.rng.random() < fact["rate"]:
            found.append(day)
    return found


def _minor(life: Life, fact: Mapping[str, Any]) -> None:
    if fact.get("sex", life.sex) != life.sex:
        return
    code = diagnosis(fact["condition"])
    for day in _days_of(life, fact):
        seen = life.clock(day)
        telephone = life.rng.random() < 0.2
        visit = (
            encounter("VR", "Telefonkonsultation", seen, minutes_after(seen, 5), reasons=[code]) if telephone else None
        )
        contact = life.write(
            life.gp, visit or encounter("AMB", "Konsultation", seen, minutes_after(seen, 10), reasons=[code])
        )
        over = min(day + timedelta(days=fact["days"]), TODAY - timedelta(days=1))
        life.write(life.gp, condition(code, day.isoformat(), over.isoformat()), contact)
        _short_cure(life, fact, day)


def _short_cure(life: Life, fact: Mapping[str, Any], day: date) -> None:
    if "medicine" not in fact:
        return
    key, text, times, reason, chance = fact["medicine"]
    if life.rng.random() >= chance:
        return
    if life.allergic and key in ("penicillin-v", "pivmecillinam"):
        if "otherwise" not in fact:
            return
        key, text, times, reason = fact["otherwise"]
    if key == "ibuprofen" and "B01" in life.groups:
        return
    until = (day + timedelta(days=7)).isoformat()
    cure = medication_request(
        key, Dose(text, times), reason, day.isoformat(), until=until, status="completed", why_stopped="Kuren er færdig"
    )
    life.write(CARD, cure)


def _hospital(life: Life, fact: Mapping[str, Any]) -> None:
    place, code = fact["place"], diagnosis(fact["condition"])
    for day in _days_of(life, fact)[:1]:
        start = f"{day} {life.rng.randint(9, 21):02}:{life.rng.randrange(0, 60, 5):02}"
        end = f"{day + timedelta(days=fact['days'])} 12:30" if fact["days"] else minutes_after(start, 150)
        stay = encounter(
            fact["setting"],
            "Indlæggelse" if fact["days"] else "Skadestue",
            start,
            end,
            reasons=[code],
            discharged_to="Eget hjem",
        )
        contact = life.write(place, stay)
        life.write(place, condition(code, day.isoformat(), end[:10], category="diagnosis"), contact)
        title = f"Epikrise, {code['text'].lower()}"
        life.write(place, letter("epikrise", title, end, fact["letter"], start=start[:10], end=end[:10]), contact)
        if fact["condition"] == "pneumonia":
            _infection(life, day)


def _infection(life: Life, day: date) -> None:
    """CRP and leucocytes rise and fall together."""
    peak = life.rng.randint(80, 240)
    for after, left in ((0, 1.0), (1, 0.85), (3, 0.35), (5, 0.12)):
        when = f"{day + timedelta(days=after)} 07:15"
        life.write(LABORATORY, observation("crp", round(peak * left), when))
        life.write(LABORATORY, observation("leukocytes", round(7.4 + peak * left / 30, 1), when))


def _childhood(life: Life) -> None:
    """Preventive examinations, written for those who are still children."""
    if life.age >= GROWN:
        return
    for age in (age for age in _CHILD_CHECKS if age < life.age - 0.1):
        seen = life.clock(life.day_at(age))
        contact = life.write(life.gp, encounter("AMB", "Børneundersøgelse", seen, minutes_after(seen, 20)))
        height, weight = growth(age, life.sex)
        tall = round(height * life.rng.uniform(0.98, 1.02), 2)
        life.write(life.gp, observation("height", tall, seen), contact)
        life.write(life.gp, observation("weight", round(weight * life.rng.uniform(0.93, 1.07), 1), seen), contact)


def growth(age: float, sex: str) -> tuple[float, float]:
    """A middling child's height in metres and weight in kilograms, to the age of six."""
    points = [
        (0.0, 0.52, 3.6),
        (0.4, 0.65, 7.0),
        (1.0, 0.76, 9.8),
        (2.0, 0.88, 12.6),
        (3.0, 0.97, 14.8),
        (4.0, 1.04, 17.0),
        (6.0, 1.18, 21.8),
    ]
    upper = next((index for index, (limit, _, _) in enumerate(points) if age <= limit), len(points) - 1)
    (low, short, light), (high, tall, heavy) = points[max(0, upper - 1)], points[max(1, upper)]
    part = min(1.0, (age - low) / (high - low))
    boys = 1.01 if sex == "male" else 0.99
    return (short + (tall - short) * part) * boys, (light + (heavy - light) * part) * boys


def _births(life: Life) -> None:
    """Children born to women in the years their records reach back."""
    if life.sex != "female" or not 20 <= life.age <= 55:
        return
    for age in sorted(life.rng.uniform(22, 39) for _ in range(life.rng.choices([0, 1, 2], [45, 25, 30])[0])):
        day = life.born + timedelta(days=round(age * 365.25))
        if day.year < 2012 or day > TODAY - timedelta(days=120) or (_PILLS in life.courses and age > life.age - 2):
            continue
        begun = day - timedelta(days=275)
        life.write(life.gp, condition(diagnosis("pregnancy-gp"), begun.isoformat(), day.isoformat()))
        end = f"{day + timedelta(days=1)} 11:00"
        contact = life.write(OBSTETRICS, encounter("IMP", "Fødsel", f"{day} 03:30", end, discharged_to="Eget hjem"))
        way = "Kejsersnit" if life.rng.random() < 0.2 else "Vaginal fødsel"
        life.write(OBSTETRICS, procedure(concept(way), f"{day} 08:40"), contact)


def _vaccinations(life: Life) -> None:
    for key, months, number, since, sex in FACTS["vaccines"]:
        day = life.born + timedelta(days=round(months * _MONTH) + life.rng.randint(0, 40))
        offered = life.born.year >= since and sex in ("", life.sex)
        if offered and day < TODAY - timedelta(days=2) and life.rng.random() < FACTS["coverage"]:
            life.write(VACCINES, immunization(key, working_day(day).isoformat(), dose_number=number))
    for key, (from_age, chance, seasons) in FACTS["seasonal"].items():
        for first, days in seasons:
            day = working_day(date.fromisoformat(first) + timedelta(days=life.rng.randint(0, days)))
            if life.age_at(day) >= from_age and life.rng.random() < chance:
                life.write(VACCINES, immunization(key, day.isoformat()))


def _screening(life: Life) -> None:
    _screened(life, "fit", LABORATORY, _FIT, date(2018, 1, 1), "Ingen blod i afføringen")
    if life.sex == "female":
        _screened(life, "mammography", IMAGING, _MAMMOGRAPHY, date(2016, 1, 1), "Normal")
        _screened(life, "hpv", LABORATORY, _HPV, date(2021, 1, 1), "Negativ")


def _screened(life: Life, key: str, place: str, programme: tuple[int, int, int], since: date, normal: str) -> None:
    first, last, interval = programme
    for age in range(first, last + 1, interval):
        day = life.born + timedelta(days=round((age + life.rng.uniform(0.1, 0.6)) * 365.25))
        if since <= day < TODAY - timedelta(days=10) and life.rng.random() < 0.75:
            life.write(place, observation(key, normal, f"{working_day(day)} 09:00", out="N"))


def _booked(life: Life) -> None:
    if life.courses and life.rng.random() < 0.5:
        day = working_day(TODAY + timedelta(days=life.rng.randint(3, 120)))
        start = f"{day} {life.rng.randint(8, 14):02}:{life.rng.randrange(0, 60, 10):02}"
        unit = PLACES[life.gp].reference
        life.write(life.gp, appointment("Årskontrol", start, minutes_after(start, 20), unit=unit))
