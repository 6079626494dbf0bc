"""Clinics and specialists that follow a disease: referral, visits, notes, and what is booked."""

from helhed.population.chronic import CODES, DISEASES
from helhed.population.letters import within, write
from helhed.population.life import Life
from helhed.population.moments import TODAY, YEAR, day_text, stamp, working_day
from helhed.population.resources import activity, appointment, concept, encounter, plan, procedure, referral

_FOLLOWED = {one["key"]: one["followed"] for one in DISEASES if "followed" in one}
_TEXT = {one["key"]: one["text"] for one in DISEASES}
_EYES = concept("Øjenundersøgelse ved diabetes", ("SKS", "UCXA00", "Øjenundersøgelse"))
_YEARS = 2


def followups(life: Life) -> None:
    """Outpatient visits, eyes, bookings."""
    for key, onset in life.diseases.items():
        if key in _FOLLOWED and life.rng.random() < _FOLLOWED[key][1]:
            _followed(life, key, onset)
    _eyes(life)
    _booked(life)
    _pathway_plans(life)


def _followed(life: Life, key: str, onset: int) -> None:
    """Referred by the clinic; seen once a year; what was found stands in the note."""
    unit, clinic = life.unit(_FOLLOWED[key][0]), life.person.clinic
    referred = life.workday(max(onset + 3, life.end - round(_YEARS * YEAR) - life.rng.randint(0, 200)))
    active = life.rng.random() < 0.25 and not life.person.died
    text = f"{_TEXT[key]}. Henvises til vurdering og fælles plan."
    order = referral(CODES[key][0], referred, unit.reference, "active" if active else "completed", text)
    order["requester"] = life.author(clinic)
    life.write(clinic, "ServiceRequest", order)
    for year in range(_YEARS):
        planned = referred + life.rng.randint(14, 50) + year * 365
        day = life.workday(planned)
        while day in life.written:  # not on the day on which the clinic prescribes against the same
            day = life.workday(day - 1)
        if planned < life.end and day > referred and not life.is_away(day - 10, day):
            _seen(life, key, day)


def _seen(life: Life, key: str, day: int) -> None:
    unit, minute = life.unit(_FOLLOWED[key][0]), life.clock()
    content = encounter("AMB", "Ambulant besøg", (day, minute), (day, minute + 30), CODES[key][1])
    content["serviceProvider"] = unit.reference
    contact = life.write(unit, "Encounter", content)
    told = [f"Set i ambulatoriet. {_TEXT[key]}, {life.rng.choice(_STATES)}.", life.rng.choice(_PLANS)]
    write(life, unit, "notat", f"Ambulant notat, {within(_TEXT[key])}", (day, minute + 40), told, (day, day), contact)


_STATES = (
    "stabil siden sidst",
    "velbehandlet og uden nye gener",
    "uændret tilstand",
    "har det efter omstændighederne godt",
)
_PLANS = (
    "Plan: Uændret behandling. Ny tid om et år.",
    "Plan: Fortsætter hos egen læge; vi ses igen om et år.",
    "Plan: Ingen ændringer. Kan kontakte ambulatoriet ved forværring.",
)


def _eyes(life: Life) -> None:
    """Diabetes: a private eye specialist every second year, with a note to the clinic."""
    since = min((life.diseases[key] for key in ("diabetes-1", "diabetes-2") if key in life.diseases), default=0)
    day = life.workday(life.end - life.rng.randint(30, 700))
    if not since or day < since + 60 or life.rng.random() < 0.15:
        return
    unit, minute = life.unit("eyes"), life.clock()
    content = encounter("AMB", "Øjenundersøgelse", (day, minute), (day, minute + 20), None)
    content["serviceProvider"] = unit.reference
    contact = life.write(unit, "Encounter", content)
    found = "Ingen diabetisk retinopati" if life.rng.random() < 0.75 else "Let, ikke-synstruende diabetisk retinopati"
    done = procedure(_EYES, stamp(day, minute + 5), found)
    done["performer"] = [{"actor": life.author(unit)}]
    life.write(unit, "Procedure", done, contact)
    write(
        life,
        unit,
        "notat",
        "Øjenundersøgelse ved diabetes",
        (day, minute + 30),
        [f"{found} på begge øjne. Ny undersøgelse om 2 år."],
        (day, day),
        contact,
    )


def _booked(life: Life) -> None:
    if life.person.died or not life.diseases or life.rng.random() < 0.6:
        return
    day = working_day(TODAY + life.rng.randint(8, 120))
    if day > TODAY:
        content = appointment("Årskontrol", (day, life.clock()), 20, life.person.clinic.name, life.chart.subject)
        life.write(life.person.clinic, "Appointment", content)


_PLANNED = {
    "diabetes-2": ("Forløbsplan, type 2-diabetes", "HbA1c under 53 mmol/mol", ("Årskontrol hos egen læge", "Øjenundersøgelse hvert andet år", "Fodterapeut en gang om året", "Motion 30 minutter dagligt")),
    "copd": ("Forløbsplan, KOL", "Ingen indlæggelser det næste år", ("Årskontrol med lungefunktion", "Influenzavaccination hvert efterår", "Rygestop eller fortsat røgfri", "Træning i kommunen")),
}  # fmt: skip


def _pathway_plans(life: Life) -> None:
    """The plan that citizen and clinic share for diabetes and for COPD, with a goal of their own."""
    clinic = life.person.clinic
    for key, (title, aim, activities) in _PLANNED.items():
        if key not in life.diseases or life.person.died or life.rng.random() < 0.35:
            continue
        start = life.workday(max(life.diseases[key] + 14, life.end - life.rng.randint(40, 900)))
        goal = life.write(
            clinic, "Goal", {"lifecycleStatus": "active", "description": {"text": aim}, "startDate": day_text(start)}
        )
        content = plan(title, start, [activity(text) for text in activities], 0, "Forløbsplan")
        content["author"] = life.author(clinic)
        content["goal"] = [{"reference": goal}]
        life.write(clinic, "CarePlan", content)
