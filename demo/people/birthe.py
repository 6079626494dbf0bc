"""Birthe: diabetes, failing kidneys and a foot ulcer; letters only, and her daughter helps."""

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.datatypes import Json, concept
from demo.fhir import (
    Dose,
    appointment,
    care_plan,
    condition,
    encounter,
    flag,
    goal,
    immunization,
    letter,
    medication_request,
    message,
    no_known_allergies,
    observation,
    procedure,
    referral,
    related_person,
)
from demo.people.common import CARD, VACCINES, lab, measure, visit
from demo.places import PLACES
from demo.staff import STAFF

GP = "havnegade"
NURSES = "hjemmesygepleje"
HELP = "hjemmepleje"
WOUNDS = "saarcenter"
_BIRTHE = Citizen(
    "birthe", "Birthe Test Mortensen", "0204429996", "female", "1942-04-02", GP, "Kirkestræde 4, 6991 Vestfjord",
    phone="70 00 09 02", married=("W", "Enke"),
)  # fmt: skip


def birthe() -> Chart:
    """The record of Birthe."""
    chart = Chart(_BIRTHE)
    _around_her(chart)
    _general_practice(chart)
    _laboratory(chart)
    _medicine_card(chart)
    _hospital(chart)
    _home_nurse(chart)
    _wound(chart)
    _home_help(chart)
    _booked(chart)
    return chart


def _around_her(chart: Chart) -> None:
    chart.add(
        "personregister",
        related_person(
            "Hanne Test Mortensen",
            ("DAUC", "datter"),
            phones=[("20 00 00 24", "mobile")],
            may_be_called=True,
            wish="Birthe har givet Hanne fuldmagt 03.03.2025: alle oplysninger.",
            gender="female",
        ),
    )


def _general_practice(chart: Chart) -> None:
    by = "mette-gp"
    for key, since in (
        ("diabetes-gp", "2009-05-19"),
        ("atrial-fibrillation-gp", "2019-02-07"),
        ("hypertension-gp", "2004-10-12"),
    ):
        chart.add(GP, condition(diagnosis(key), since), by=by)
    chart.add(GP, condition(diagnosis("foot-ulcer-gp"), "2026-08-18"), by=by)
    chart.add(GP, no_known_allergies("2025-03-03"), by=by)
    chart.add(
        GP,
        flag("Kun brev: fritaget for Digital Post", "2014-11-01", detail="Ring eller skriv. Datteren Hanne hjælper."),
        by=by,
    )
    decided = flag(
        "Genoplivning: fravalgt af Birthe",
        "2025-03-03",
        kind="resuscitation",
        detail="Drøftet med Birthe og datteren hos egen læge 03.03.2025.",
    )
    chart.add(GP, decided, by=by)
    rounds = [("2025-03-03 11:00", (142, 76), 61, 78), ("2025-08-26 11:00", (138, 74), 60, 74), ("2026-02-10 11:20", (136, 74), 59, 72),
              ("2026-08-18 10:40", (134, 72), 58, 76), ("2026-11-10 10:40", (132, 72), 58, 78)]  # fmt: skip
    for when, pressure, weight, pulse in rounds:
        contact = visit(chart, GP, when, "Diabeteskontrol", diagnosis("diabetes-gp"), by=by, minutes=20)
        measure(chart, GP, when, {"weight": weight, "pulse": pulse}, by=by, contact=contact, pressure=pressure)
    question = (
        "Såret er 2,1 × 1,6 cm. Vi fortsætter med aflastende sko og skift hver anden dag. Ring ved rødme eller feber."
    )
    chart.add(
        GP,
        message("Plan for sår", "2026-11-12 09:15", question, to=[PLACES[NURSES].reference], category="Korrespondance"),
        by=by,
    )


def _laboratory(chart: Chart) -> None:
    kidneys = [("2025-03-03 10:40", 102, 44, 4.4, 57, 7.6), ("2025-08-26 10:40", 103, 44, 4.4, 58, 7.5), ("2026-02-09 09:10", 117, 37, 4.7, 59, 7.4),
               ("2026-08-18 10:20", 115, 38, 4.5, 60, 7.4), ("2026-11-10 10:20", 118, 37, 4.6, 61, 7.3)]  # fmt: skip
    for when, creatinine, egfr, potassium, hba1c, haemoglobin in kidneys:
        values = {
            "hba1c": hba1c,
            "creatinine": creatinine,
            "egfr": egfr,
            "potassium": potassium,
            "haemoglobin": haemoglobin,
            "sodium": 139,
        }
        lab(chart, when, values)
    lab(chart, "2026-11-10 10:25", {"acr": 180}, "Urinprøve")
    lab(chart, "2026-08-18 10:30", {"crp": 14, "leukocytes": 8.2, "ldl": 1.9})


def _medicine_card(chart: Chart) -> None:
    card = [
        ("metformin", Dose("1 tablet 2 gange dagligt mod diabetes", 2), "diabetes", "2009-06-02"),
        (
            "apixaban",
            Dose("1 tablet 2 gange dagligt mod blodpropper ved atrieflimren", 2),
            "atrieflimren",
            "2019-02-11",
        ),
        ("metoprolol", Dose("1 depottablet dagligt mod hurtig puls", 1), "atrieflimren", "2019-02-11"),
        ("furosemide", Dose("1 tablet morgen mod væske i kroppen", 1), "væske i kroppen", "2023-06-13"),
    ]
    for key, dose, reason, since in card:
        order = medication_request(key, dose, reason, since, written="2026-09-01 09:00", dispensed_in_doses=True)
        chart.add(CARD, order, by="mette-gp")
    as_needed = Dose("2 tabletter ved behov, højst 4 gange i døgnet", as_needed="smerter")
    chart.add(CARD, medication_request("paracetamol", as_needed, "smerter i foden", "2026-08-18"), by="mette-gp")
    for day in ("2024-10-07", "2025-10-13", "2026-10-12"):
        chart.add(VACCINES, immunization("influenza", day))
    chart.add(VACCINES, immunization("pneumococcus", "2021-03-16"))
    chart.add(VACCINES, immunization("covid", "2026-10-12"))


def _hospital(chart: Chart) -> None:
    by = "torben-wound"
    contact = chart.add(
        WOUNDS,
        encounter(
            "AMB", "Ambulant forløb, diabetisk fodsår", "2026-09-03 09:30", reasons=[diagnosis("diabetes-peripheral")]
        ),
        by=by,
    )
    for key, since in (
        ("diabetes-peripheral", "2026-09-03"),
        ("kidney-3", "2023-06-13"),
        ("atrial-fibrillation", "2019-02-07"),
    ):
        chart.add(WOUNDS, condition(diagnosis(key), since, recorded="2026-09-03"), by=by, contact=contact)
    chart.add(
        WOUNDS,
        observation("toe-pressure", 62, "2026-09-03 10:00", words="Heling mulig. Kontrol om 3 måneder."),
        by=by,
        contact=contact,
    )
    cleaned = procedure(
        concept("Revision af sår"), "2026-09-03 10:15", site="Højre forfod, under 1. tå", words="Ikke ned til knogle."
    )
    chart.add(WOUNDS, cleaned, by=by, contact=contact)
    text = (
        "Diabetisk fodsår under højre storetå, 2,8 × 2,2 cm, overfladisk, ingen tegn til infektion. Tåtryk 62 mmHg. Aflastende sko er bestilt. "
        "Hjemmesygeplejen skifter hver anden dag og sender billede og mål hver uge."
    )
    chart.add(WOUNDS, letter("notat", "Ambulant notat, fodsår", "2026-09-03 11:00", text), by=by, contact=contact)
    order = referral(
        diagnosis("wound-care"), "2026-09-03 11:10", to=PLACES[NURSES].reference, reasons=[diagnosis("diabetes-peripheral")], text=text
    )  # fmt: skip
    chart.add(WOUNDS, order, by=by, contact=contact)


def _home_nurse(chart: Chart) -> None:
    by = "karen-nurse"
    contact = chart.add(
        NURSES, encounter("HH", "Sygepleje i hjemmet", "2026-08-19 10:00", reasons=[diagnosis("wound-care")]), by=by
    )
    chart.add(
        NURSES,
        condition(diagnosis("diabetic-wound-fsiii"), "2026-08-19", words="Højre forfod. Skift hver anden dag."),
        by=by,
        contact=contact,
    )
    chart.add(
        NURSES,
        condition(diagnosis("nutrition-fsiii"), "2026-09-01", words="Har tabt 3 kg på halvandet år."),
        by=by,
        contact=contact,
    )
    heal = chart.add(NURSES, goal("Såret er helet", "2026-08-19", due="2027-01-31"), by=by)
    keep = chart.add(NURSES, goal("Vejer mindst 58 kg", "2026-09-01", due="2027-03-01"), by=by)
    activities = [
        "Sårbehandling hver anden dag",
        "Mål og billede af såret hver mandag",
        "Medicin doseres af apoteket, gives ved hjemmeplejen",
    ]
    chart.add(NURSES, care_plan("Sygeplejeplan", "2026-08-19", activities, goals=[heal, keep]), by=by, contact=contact)


def _wound(chart: Chart) -> None:
    by = "karen-nurse"
    sizes = [
        ("08-24", 2.8, 2.2),
        ("09-07", 2.8, 2.1),
        ("09-21", 2.6, 2.0),
        ("10-05", 2.5, 1.9),
        ("10-19", 2.4, 1.8),
        ("11-02", 2.2, 1.7),
        ("11-16", 2.1, 1.6),
    ]
    for day, length, width in sizes:
        when = f"2026-{day} 09:30"
        measure(chart, NURSES, when, {"wound-length": length, "wound-width": width}, by=by)
    words = "Ren bund, lidt gult fibrin, ingen lugt. Ingen rødme omkring. Granulerer fra kanten."
    chart.add(NURSES, observation("wound", words, "2026-11-16 09:30"), by=by)


def _home_help(chart: Chart) -> None:
    by = "gry-sosu"
    reasons: list[Json] = [diagnosis("hygiene"), diagnosis("meals")]
    contact = chart.add(
        HELP, encounter("HH", "Personlig hjælp og madservice", "2023-09-01 08:00", reasons=reasons), by=by
    )
    tasks = [
        "Hjælp til bad tirsdag og fredag",
        "Giver dosispakket medicin morgen og aften",
        "Madservice, varm mad hver dag",
    ]
    chart.add(HELP, care_plan("Hjælp i hverdagen", "2023-09-01", tasks), by=by, contact=contact)
    chart.add(
        HELP,
        observation("function", "Går med rollator inde. Hjælp til bad og medicin.", "2026-09-01"),
        by=by,
        contact=contact,
    )
    usual = {"respiration": 16, "pulse": 76, "temperature": 36.8, "consciousness": 0, "tobs": 0}
    measure(chart, HELP, "2026-11-09 08:30", usual, by=by, contact=contact, pressure=(132, 72))
    today = {"respiration": 22, "pulse": 92, "temperature": 37.4, "consciousness": 0, "tobs": 3}
    measure(chart, HELP, "2026-11-23 08:40", today, by=by, contact=contact, pressure=(128, 70))


def _booked(chart: Chart) -> None:
    wounds, surgery = PLACES[WOUNDS].reference, PLACES[GP].reference
    nurse = STAFF["karen-nurse"].reference
    home = PLACES[NURSES].reference
    chart.add(
        NURSES,
        appointment("Skift af forbinding", "2026-11-24 09:30", "2026-11-24 10:00", unit=home, who=nurse, manner="home"),
    )
    chart.add(
        WOUNDS,
        appointment(
            "Kontrol af fodsår",
            "2026-12-03 10:00",
            "2026-12-03 10:30",
            unit=wounds,
            patient_words="Siddende patienttransport er bestilt.",
        ),
    )
    chart.add(GP, appointment("Diabeteskontrol", "2027-02-09 10:40", "2027-02-09 11:00", unit=surgery))
