"""Sara: depression and anxiety, getting better; what psychiatry wrote is blocked for everybody else."""

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.datatypes import concept
from demo.fhir import (
    Dose,
    appointment,
    care_plan,
    condition,
    encounter,
    goal,
    immunization,
    letter,
    medication_request,
    message,
    no_known_allergies,
    observation,
    questionnaire_response,
    referral,
    related_person,
)
from demo.fhir.plans import Activity
from demo.people.common import CARD, VACCINES, lab, measure, visit
from demo.places import PLACES
from demo.staff import STAFF

GP = "havnegade"
PSYCHIATRY = "psykiatri"
_PHQ9 = "urn:helhed:questionnaire:phq-9"
_GAD7 = "urn:helhed:questionnaire:gad-7"
_SARA = Citizen(
    "sara", "Sara Test Winther", "2806029996", "female", "2002-06-28", GP, "Torvegade 22, 2. th, 6991 Vestfjord",
    phone="20 00 00 73", married=("U", "Ugift"),
)  # fmt: skip


def sara() -> Chart:
    """The record of Sara."""
    chart = Chart(_SARA)
    friend = related_person(
        "Ida Test Skaarup", ("FRND", "veninde"), phones=[("20 00 00 74", "mobile")], may_be_called=True,
        wish="Ring til Ida før mine forældre.", gender="female",
    )  # fmt: skip
    chart.add("personregister", friend)
    _general_practice(chart)
    _scores(chart)
    _psychiatry(chart)
    _medicine_card(chart)
    _booked(chart)
    return chart


def _general_practice(chart: Chart) -> None:
    by = "mette-gp"
    known = [
        ("depression-gp", "2025-11-24"),
        ("anxiety-gp", "2025-11-24"),
        ("migraine-gp", "2019-05-06"),
        ("low-ferritin-gp", "2025-11-26"),
    ]
    for key, since in known:
        chart.add(GP, condition(diagnosis(key), since), by=by)
    chart.add(GP, no_known_allergies("2025-11-24"), by=by)
    for when, title in (
        ("2025-11-24 10:00", "Konsultation"),
        ("2026-01-05 10:20", "Samtale"),
        ("2026-02-10 11:40", "Telefonkonsultation"),
        ("2026-06-08 10:20", "Samtale"),
    ):
        contact = visit(
            chart,
            GP,
            when,
            title,
            diagnosis("depression-gp"),
            by=by,
            minutes=30,
            setting="VR" if "Telefon" in title else "AMB",
        )
        if title != "Telefonkonsultation":
            measure(chart, GP, when, {"weight": 62}, by=by, contact=contact, pressure=(116, 72))
    lab(chart, "2025-11-25 08:30", {"tsh": 2.1, "ferritin": 24, "haemoglobin": 8.2, "vitamin-d": 48, "hba1c": 33})
    called = "Ringet op samme dag på grund af svar på spørgsmål 9. Ingen planer om selvmord. Sikkerhedsplan kendes. Ny tid om en uge."
    chart.add(GP, letter("notat", "Notat, telefon", "2026-02-10 11:50", called), by=by)


def _scores(chart: Chart) -> None:
    """PHQ-9 15 → 9, GAD-7 13 → 7, MDI 28, WHO-5 32 → 52, all by the clinic's questionnaires."""
    rounds = [("2025-11-24 09:30", (2, 2, 2, 2, 1, 2, 2, 1, 1), (2, 2, 2, 2, 2, 2, 1), 32),
              ("2026-02-09 21:10", (1, 1, 1, 2, 1, 1, 1, 0, 1), (1, 1, 1, 1, 1, 1, 1), 52)]  # fmt: skip
    for when, mood, worry, wellbeing in rounds:
        values = {"phq9": sum(mood), "phq9-item9": mood[-1], "gad7": sum(worry), "who5": wellbeing}
        measure(chart, GP, when, values)
        answered = {f"{number}": answer for number, answer in enumerate(mood, 1)}
        chart.add(GP, questionnaire_response("PHQ-9", when, answered, canonical=_PHQ9))
        worries = {f"{number}": answer for number, answer in enumerate(worry, 1)}
        chart.add(GP, questionnaire_response("GAD-7", when, worries, canonical=_GAD7))
    chart.add(GP, observation("mdi", 28, "2025-11-24 09:40"))


def _psychiatry(chart: Chart) -> None:
    by = "nadia-psychiatry"
    course = encounter(
        "AMB",
        "Ambulant forløb, depression og angst",
        "2025-12-15 13:00",
        reasons=[diagnosis("depression"), diagnosis("anxiety")],
    )
    contact = chart.add(PSYCHIATRY, course, by=by)
    for key in ("depression", "anxiety"):
        chart.add(PSYCHIATRY, condition(diagnosis(key), "2025-12-15"), by=by, contact=contact)
    text = "Moderat depression og generaliseret angst. Ingen psykose. Selvmordstanker uden planer. Sertralin fortsætter, samtaler hver anden uge."
    chart.add(
        PSYCHIATRY, letter("notat", "Ambulant notat, første samtale", "2025-12-15 14:00", text), by=by, contact=contact
    )
    later = "Bedring. PHQ-9 9. Møder på studiet tre dage om ugen. Sover bedre. Fortsætter sertralin 50 mg, internetbaseret forløb mod angst i gang."
    chart.add(PSYCHIATRY, letter("notat", "Ambulant notat", "2026-10-05 13:30", later), by=by, contact=contact)
    steps: list[Activity] = [
        "Tegn hos mig: sover ikke, svarer ikke på beskeder",
        "Det hjælper: gå en tur, ringe til Ida",
        "Jeg ringer til afdelingen på 70 00 01 16, døgnet rundt",
        "Ved akut fare: 112",
    ]
    safe = chart.add(
        PSYCHIATRY, goal("Jeg rækker ud, før det bliver for svært", "2025-12-15"), by="jakob-psychiatry-nurse"
    )
    plan = care_plan("Sikkerhedsplan", "2025-12-15", steps, goals=[safe])
    chart.add(PSYCHIATRY, plan, by="jakob-psychiatry-nurse", contact=contact)
    modules: list[Activity] = [("Modul 1–5", "completed"), "Modul 6: Møde det svære", ("Modul 7–8", "not-started")]
    online = care_plan("Internetbaseret forløb mod angst", "2026-08-24", modules)
    chart.add(PSYCHIATRY, online, by="jakob-psychiatry-nurse", contact=contact)


def _medicine_card(chart: Chart) -> None:
    by = "mette-gp"
    daily = Dose("1 tablet hver morgen mod depression og angst", 1)
    chart.add(
        CARD,
        medication_request("sertraline", daily, "depression og angst", "2025-11-24", written="2026-08-31 10:00"),
        by=by,
    )
    needed = Dose("1 tablet ved anfald, højst 2 i døgnet", as_needed="migræne")
    chart.add(
        CARD, medication_request("sumatriptan", needed, "migræne", "2019-05-06", written="2026-06-08 10:40"), by=by
    )
    coil = medication_request(
        "hormone-coil", Dose("Lagt op 14.03.2024, skiftes senest 2032"), "graviditet", "2024-03-14"
    )
    chart.add(CARD, coil, by=by)
    chart.add(VACCINES, immunization("hpv", "2014-09-15", dose_number=1))
    chart.add(VACCINES, immunization("hpv", "2015-03-16", dose_number=2))


def _booked(chart: Chart) -> None:
    nurse = STAFF["jakob-psychiatry-nurse"].reference
    chart.add(
        PSYCHIATRY,
        appointment("Samtale", "2026-11-30 13:00", "2026-11-30 13:45", unit=PLACES[PSYCHIATRY].reference, who=nurse),
    )
    chart.add(
        GP,
        appointment(
            "Samtale",
            "2026-12-10 10:20",
            "2026-12-10 10:50",
            unit=PLACES[GP].reference,
            who=STAFF["mette-gp"].reference,
        ),
    )
    asked = referral(
        concept("Vurdering af depression og angst"),
        "2025-11-24 10:40",
        to=PLACES[PSYCHIATRY].reference,
        status="completed",
    )
    chart.add(GP, asked, by="mette-gp")
    chart.add(
        GP,
        message(
            "Dine svar på skemaet",
            "2026-02-10 11:55",
            "Tak for snakken i dag. Vi ses igen om en uge.",
            category="Besked",
        ),
        by="mette-gp",
    )
