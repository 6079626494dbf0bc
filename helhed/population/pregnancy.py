"""Pregnancies: of the children in the block, and of those who are expecting now."""

from datetime import date

from helhed.population.facts import facts, step
from helhed.population.letters import write
from helhed.population.life import Life
from helhed.population.moments import TODAY, YEAR, stamp, working_day
from helhed.population.prevention import vaccinate
from helhed.population.resources import (
    blood_pressure,
    concept,
    condition,
    encounter,
    observation,
    procedure,
    report,
    words,
)

_FACTS = facts("pregnancy")
_TERM = 280
_USUAL_PRESSURE = 122
_KEPT = round(4 * YEAR)
_GP = concept("Graviditet", ("ICPC-2", "W78", "Graviditet"))
_BIRTH = concept("Fødsel", ("SKS", "DO809", "Spontan fødsel UNS"))
_SECTION = concept("Fødsel ved kejsersnit", ("SKS", "DO829", "Kejsersnit UNS"))
_CUT = concept("Kejsersnit", ("SKS", "KMCA10B", "Kejsersnit efter fødslens begyndelse"))
_PERTUSSIS_SINCE = date.fromisoformat(_FACTS["pertussis_since"]).toordinal()


def pregnancies(life: Life) -> list[tuple[int, int, int]]:
    """From, to (today while it goes on) and length of each pregnancy that the record reaches back to."""
    person, rng = life.person, life.rng
    if person.sex != "female":
        return []
    found = []
    for child in sorted(person.children, key=lambda one: one.born):
        if child.born > life.end - _KEPT and child.born < life.end:
            length = round(min(293, max(255, rng.gauss(_TERM - 1, 9))))
            found.append((child.born - length, child.born, length))
    if not person.died and rng.random() < step(_FACTS["expecting"], life.age) and _free(life):
        begun = TODAY - rng.randint(50, 275)
        found.append((begun, TODAY, _TERM))
    life.pregnant += [(begun, end) for begun, end, _ in found]
    return found


def _free(life: Life) -> bool:
    return all(child.born < TODAY - 550 for child in life.person.children) and len(life.person.children) < 4


def write_pregnancies(life: Life, found: list[tuple[int, int, int]]) -> None:
    """Visits at the clinic and the midwife's, scans, and the birth."""
    for begun, end, length in found:
        born = end < TODAY
        seen = life.workday(begun + 7 * 8 + life.rng.randint(0, 12))
        recorded = condition(_GP, begun, min(seen, life.end), end if born else 0)
        life.sign(recorded, life.person.clinic)
        life.write(life.person.clinic, "Condition", recorded)
        _visits(life, begun, end)
        _scans(life, begun, end)
        _vaccines(life, begun, end)
        if born:
            _birth(life, end, length)
        else:
            _goes_on(life, begun)


def _visits(life: Life, begun: int, end: int) -> None:
    for role, week, title in _FACTS["visits"]:
        day = working_day(begun + 7 * week + life.rng.randint(0, 4))
        if day < min(end, life.end):
            _visit(life, role, title, day, (day - begun) / 7)
    after = working_day(end + 56)
    if end < TODAY and after < life.end:
        _visit(life, "gp", "Efterfødselsundersøgelse, 8 uger", after, 0)


def _visit(life: Life, role: str, title: str, day: int, week: float) -> None:
    unit, minute, rng = life.unit(role), life.clock(), life.rng
    content = encounter("AMB", title, (day, minute), (day, minute + 25), _GP)
    content["serviceProvider"] = unit.reference
    contact = life.write(unit, "Encounter", content)
    when, who = stamp(day, minute + 5), life.author(unit, doctor=role == "gp")
    systolic = min(_USUAL_PRESSURE, life.body.levels["systolic"]) - 4 + rng.gauss(0, 4.5)
    life.measure(unit, blood_pressure(systolic, systolic * 0.5 + 11 + rng.gauss(0, 2), when), contact, who)
    usual = life.body.levels["bmi"] * life.body.height**2
    weight = usual * (1 + max(0.0, week - 12) * 0.0058)
    life.measure(unit, observation("weight", weight + rng.gauss(0, 0.4), when), contact, who)
    if week > 5:
        life.measure(unit, words("urine", "Ingen protein, ingen sukker", when), contact, who)
    if week >= 24:
        life.measure(
            unit, observation("fundal-height", week - 1 + _own_curve(life) + rng.gauss(0, 0.4), when), contact, who
        )


def _own_curve(life: Life) -> float:
    """Wombs differ by a centimetre or so; each keeps to its own curve."""
    return (life.person.number % 5 - 2) * 0.5


def _scans(life: Life, begun: int, end: int) -> None:
    unit = life.unit("obstetrics")
    for week, title, conclusion in _FACTS["scans"]:
        day = working_day(begun + 7 * week + life.rng.randint(0, 4))
        if day < min(end, life.end):
            done = report(title, stamp(day, life.clock()), (), conclusion, "OUS")
            done["performer"] = [unit.reference]
            life.write(unit, "DiagnosticReport", done)


def _vaccines(life: Life, begun: int, end: int) -> None:
    day = working_day(begun + 7 * 26)
    if _PERTUSSIS_SINCE < day < min(end, life.end) and life.rng.random() < 0.75:
        vaccinate(life, "pertussis", day)


def _birth(life: Life, born: int, length: int) -> None:
    unit, section = life.unit("obstetrics"), life.rng.random() < 0.2
    home = born + (2 if section else 1)
    code, minute = (_SECTION if section else _BIRTH), life.rng.randint(60, 700)
    content = encounter("IMP", "Fødsel", (born, minute), (min(home, life.person.end), 660), code)
    content["serviceProvider"] = unit.reference
    contact = life.write(unit, "Encounter", content)
    life.away.append((born, home))
    life.write(
        unit, "Condition", condition(code, born, born, min(home, life.person.end), "encounter-diagnosis"), contact
    )
    if section:
        life.write(unit, "Procedure", procedure(_CUT, stamp(born, min(1430, minute + 400))), contact)
    way = "kejsersnit" if section else "ukompliceret vaginal fødsel"
    age = f"{length // 7}+{length % 7}"
    text = f"Født ved {way} i uge {age}. Mor og barn har det godt. Amning er i gang."
    write(
        life,
        unit,
        "epikrise",
        "Epikrise, fødsel",
        (min(home, life.person.end), 700),
        [text, "Plan: Efterfødselsundersøgelse hos egen læge om 8 uger. Sundhedsplejen er underrettet."],
        (born, home),
        contact,
    )


def _goes_on(life: Life, begun: int) -> None:
    """The midwives' contact stays open until the birth."""
    unit = life.unit("midwives")
    start = working_day(begun + 7 * 12)
    if start < life.end:
        content = encounter("AMB", "Svangreforløb", (start, 540), None, _GP)
        content["serviceProvider"] = unit.reference
        life.write(unit, "Encounter", content)
