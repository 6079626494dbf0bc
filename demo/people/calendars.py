"""Appointments that are moved, called off, booked twice, far from each other or at home: what a calendar has to tell."""

from demo.chart import Chart
from demo.datatypes import Json, at
from demo.fhir import appointment
from demo.places import PLACES
from demo.staff import STAFF


def jens_is_moved(chart: Chart) -> None:
    """A control that was moved to ten minutes after another, an X-ray that was called off, and a telephone call."""
    lung, imaging, monitoring = (PLACES[place].reference for place in ("lunge", "billede", "hjemmemonitorering"))
    control = appointment(
        "Kontrol i lungeambulatoriet",
        "2026-12-08 09:00",
        "2026-12-08 09:30",
        unit=lung,
        who=STAFF["line-lung"].reference,
        patient_words="Tag dine inhalatorer med, og lad være med at bruge salbutamol de sidste 4 timer.",
    )
    moved = chart.add("lunge", control)
    chart.change("lunge", moved, {"start": at("2026-12-01 10:00"), "end": at("2026-12-01 10:30")})
    blown = appointment(
        "Lungefunktionsundersøgelse", "2026-12-07 10:00", "2026-12-07 10:45", unit=lung, answers=["confirm", "cancel"]
    )
    chart.add("lunge", blown)
    scan = chart.add(
        "billede", appointment("Røntgen af lungerne", "2026-12-03 11:00", "2026-12-03 11:20", unit=imaging)
    )
    why = {"text": "Apparatet er til eftersyn, og du får en ny tid"}
    chart.change("billede", scan, {"status": "cancelled", "cancelationReason": why})
    call = appointment(
        "Samtale om dine målinger",
        "2026-12-04 13:00",
        "2026-12-04 13:20",
        unit=monitoring,
        patient_words="Hav dine målinger fra den sidste uge ved hånden.",
        manner="telephone",
    )
    chart.add("hjemmemonitorering", call)


def fatima_is_booked_twice(chart: Chart, obstetrics: Json, interpreter: str) -> None:
    """A scan, and a blood test that somebody else put in the middle of it."""
    scan = appointment(
        "Tilvækstscanning", "2026-12-04 09:00", "2026-12-04 09:30", unit=obstetrics, patient_words=interpreter
    )
    chart.add("gynobs", scan)
    laboratory = PLACES["laboratorium"].reference
    chart.add("laboratorium", appointment("Blodprøve", "2026-12-04 09:15", "2026-12-04 09:25", unit=laboratory))


def alma_is_visited(chart: Chart) -> None:
    """A visit at a home whose address nobody may be told."""
    visit = appointment(
        "Besøg af sundhedsplejersken",
        "2026-12-03 10:00",
        "2026-12-03 11:00",
        unit=PLACES["sundhedspleje"].reference,
        who=STAFF["anne-health-visitor"].reference,
        manner="home",
    )
    chart.add("sundhedspleje", visit)
