"""Rehabilitation after hospital: the hospital's plan, and what the municipality does with it."""

from helhed.population.country import Unit
from helhed.population.life import Life
from helhed.population.moments import stamp
from helhed.population.resources import activity, concept, encounter, observation, plan, referral

_TRAINING = concept("Fysisk træning", ("FSIII", "2abe20c7_c0b4_41c1_b397_52acf36499ef", "Fysisk træning"))
_SESSIONS = 4
_WEEKS = 10


def rehabilitate(life: Life, hospital: Unit, title: str, discharged: int) -> None:
    """A referral (GGOP) to the municipality; training begins within a week, and is over after ten."""
    training = life.unit("training")
    first = discharged + life.rng.randint(4, 7)
    last = first + 7 * _WEEKS
    died = life.person.died
    over = last < life.end or bool(died)
    text = f"{title}. Almen genoptræning, basalt niveau. Mål: genvinde tidligere gangfunktion og hverdagsaktiviteter."
    order = referral(
        {"text": "Genoptræningsplan (GGOP), almen genoptræning"},
        discharged,
        training.reference,
        "completed" if over else "active",
        text,
        "Genoptræning",
    )
    order["requester"] = life.author(hospital)
    life.write(hospital, "ServiceRequest", order)
    if first >= life.end:
        return
    done = "completed" if over else "in-progress"
    activities = [activity("Fysisk træning 2 gange om ugen", done, _TRAINING), activity("Øvelser hjemme dagligt", done)]
    content = plan(title, first, activities, min(last, life.end) if over else 0, "Genoptræning")
    content["author"] = life.author(training, doctor=False)
    life.write(training, "CarePlan", content)
    walked = life.rng.uniform(180, 300)
    for number in range(_SESSIONS):
        day = life.workday(first + round(number * (last - first) / _SESSIONS))
        if first + round(number * (last - first) / _SESSIONS) >= life.end:
            return
        _session(life, training, day, walked + number * life.rng.uniform(15, 40), measured=number in (0, _SESSIONS - 1))


def _session(life: Life, training: Unit, day: int, walked: float, *, measured: bool) -> None:
    minute = life.clock()
    visit = encounter("AMB", "Genoptræning", (day, minute), (day, minute + 45), None)
    visit["serviceProvider"] = training.reference
    contact = life.write(training, "Encounter", visit)
    if measured:
        when = stamp(day, minute + 10)
        life.measure(training, observation("six-minutes", walked, when), contact, life.author(training, doctor=False))
