"""Jens: COPD, admitted in February with influenza, measures at home since, and is getting worse again."""

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.fhir import (
    Dose,
    appointment,
    care_plan,
    condition,
    diagnostic_report,
    encounter,
    flag,
    goal,
    immunization,
    letter,
    medication_dispense,
    medication_request,
    message,
    observation,
    related_person,
)
from demo.people.calendars import jens_is_moved
from demo.people.common import CARD, VACCINES, lab, measure, visit
from demo.people.jens_admission import admission
from demo.people.jens_home import home_monitoring
from demo.people.jens_practice import GP, after_discharge, general_practice
from demo.places import PLACES
from demo.staff import STAFF

_JENS = Citizen(
    "jens", "Jens Test Holm", "1403589995", "male", "1958-03-14", GP, "Fjordbakken 12, 6991 Vestfjord",
    phone="20 00 00 13", married=("M", "Gift"),
)  # fmt: skip


def jens() -> Chart:
    """The record of Jens."""
    chart = Chart(_JENS)
    _stamkort(chart)
    general_practice(chart)
    _lung_clinic(chart)
    orders = _medicine_card(chart)
    admission(chart, orders)
    after_discharge(chart)
    _control(chart)
    home_monitoring(chart)
    _training(chart)
    _autumn(chart, orders)
    return chart


def _stamkort(chart: Chart) -> None:
    chart.add(
        "personregister",
        related_person(
            "Ulla Test Holm",
            ("SPS", "hustru"),
            phones=[("20 00 00 14", "work"), ("20 00 00 15", "mobile")],
            may_be_called=True,
            wish="Jens har sagt ja 14.11.2025: må få besked om indlæggelse, ikke om diagnoser.",
            gender="female",
        ),
    )


def _lung_clinic(chart: Chart) -> None:
    contact = visit(
        chart, "lunge", "2025-11-14 09:00", "Udredning, KOL", diagnosis("copd-hospital"), by="line-lung", minutes=60
    )  # fmt: skip
    chart.add(
        "lunge",
        condition(diagnosis("copd-hospital"), "2023-11-10", recorded="2025-11-14"),
        by="line-lung",
        contact=contact,
    )
    sex = chart.citizen.gender
    lung = {"fev1": 1.43, "fev1-percent": 46, "fvc": 2.90, "fev1-fvc": 0.49}
    results = [
        chart.add("lunge", observation(key, value, "2025-11-14 09:15", sex=sex), by="line-lung", contact=contact)
        for key, value in lung.items()
    ]
    conclusion = (
        "FEV1 1,43 L (46 % af forventet), FVC 2,90 L, FEV1/FVC 0,49 efter bronkodilatator. Svær obstruktion, GOLD 3."
    )
    report = diagnostic_report(
        "Lungefunktionsundersøgelse", "2025-11-14 09:15", results=results, conclusion=conclusion, category="PF"
    )
    chart.add("lunge", report, by="line-lung", contact=contact)
    chart.add("lunge", observation("six-minute-walk", 310, "2025-11-14 09:40"), by="line-lung", contact=contact)
    text = (
        "Udredt for KOL. FEV1 1,43 L (46 %), FEV1/FVC 0,49. MRC 3, CAT 18. 40 pakkeår, røgfri siden 2020. 6-minutters gangtest 310 m. "
        "Start tiotropium/olodaterol. Egen læge bedes lave forløbsplan og tilbyde influenza- og pneumokokvaccine."
    )
    chart.add(
        "lunge", letter("epikrise", "Ambulant epikrise, KOL", "2025-11-14 13:00", text), by="line-lung", contact=contact
    )


def _medicine_card(chart: Chart) -> dict[str, str]:
    """The three ordinations of general practice: medicine → address."""
    salbutamol = Dose("1–2 pust ved behov mod åndenød, højst 8 i døgnet", as_needed="åndenød")
    orders = {
        "tiotropium-olodaterol": medication_request(
            "tiotropium-olodaterol",
            Dose("2 pust 1 gang dagligt mod KOL", 1),
            "KOL",
            "2025-11-14",
            written="2026-06-18 09:10",
        ),
        "salbutamol": medication_request("salbutamol", salbutamol, "åndenød", "2023-11-10", written="2026-08-24 10:30"),
        "amlodipine": medication_request(
            "amlodipine",
            Dose("1 tablet dagligt mod forhøjet blodtryk", 1),
            "forhøjet blodtryk",
            "2012-03-06",
            written="2026-02-16 10:40",
        ),
    }
    return {key: chart.add(CARD, order, by="mette-gp") for key, order in orders.items()}


def _control(chart: Chart) -> None:
    taken = visit(chart, "billede", "2026-03-23 11:00", "Røntgen af thorax", by="")
    words = "Regression af de basale fortætninger. Emfysem. Ingen tumorsuspekte forandringer."
    xray = diagnostic_report("Røntgen af thorax, kontrol", "2026-03-23 11:10", conclusion=words, category="RAD")
    chart.add("billede", xray, contact=taken)
    seen = visit(
        chart,
        "lunge",
        "2026-03-30 10:00",
        "Ambulant kontrol, KOL",
        diagnosis("copd-hospital"),
        by="line-lung",
        minutes=30,
    )
    measure(
        chart, "lunge", "2026-03-30 10:05", {"spo2": 93, "weight": 71}, by="line-lung", contact=seen, pressure=(138, 80)
    )
    text = "Kontrol-røntgen upåfaldende. Ilt i hvile 93 % uden tilskud, ikke indikation for hjemmeilt. Afsluttes til egen læge."
    chart.add(
        "lunge",
        letter("epikrise", "Ambulant epikrise, kontrol", "2026-03-30 11:00", text),
        by="line-lung",
        contact=seen,
    )


def _training(chart: Chart) -> None:
    place = "traening"
    title = "Genoptræning, KOL-hold"
    course = chart.add(
        place,
        encounter("AMB", title, "2026-02-18 10:00", reasons=[diagnosis("physical-training-fsiii")]),
        by="peter-physio",
    )
    for when, metres, rises in (
        ("2026-02-18 10:15", 295, 8),
        ("2026-05-12 10:15", 335, 11),
        ("2026-10-01 10:15", 340, 11),
    ):
        measure(
            chart, place, when, {"six-minute-walk": metres, "sit-to-stand": rises}, by="peter-physio", contact=course
        )
    stronger = chart.add(place, goal("Gå 350 meter på 6 minutter", "2026-02-18", due="2026-12-17"), by="peter-physio")
    plan = care_plan(
        "Træningsplan",
        "2026-02-18",
        [
            "Hold for KOL, torsdag kl. 10",
            "Hjemme: rejse-sætte-sig 3 × 8, tre gange om ugen",
            "Vejrtrækning med sammenpressede læber",
        ],
        goals=[stronger],
    )
    chart.add(place, plan, by="peter-physio", contact=course)


def _autumn(chart: Chart, orders: dict[str, str]) -> None:
    """What happened this month, and what is booked."""
    seen = visit(chart, GP, "2026-11-02 11:10", "Konsultation", diagnosis("copd-gp"), by="mette-gp", minutes=20)
    measure(
        chart,
        GP,
        "2026-11-02 11:15",
        {"spo2": 91, "pulse": 88, "temperature": 37.4, "crp": 12},
        by="mette-gp",
        contact=seen,
        pressure=(144, 84),
    )
    chart.add(
        CARD,
        medication_request(
            "prednisolone", Dose("1½ tablet (37,5 mg) dagligt i 5 dage", 1), "KOL i forværring", "2026-11-02",
            until="2026-11-06", status="completed", why_stopped="Kuren på 5 dage er færdig",
        ),
        by="mette-gp",
    )  # fmt: skip
    review = visit(
        chart,
        GP,
        "2026-11-20 10:12",
        "Konsultation, medicingennemgang",
        diagnosis("copd-gp"),
        by="mette-gp",
        minutes=20,
    )
    measure(chart, GP, "2026-11-20 10:20", {"weight": 71}, by="mette-gp", contact=review, pressure=(146, 84))
    lab(
        chart,
        "2026-11-20 10:15",
        {
            "crp": 6,
            "haemoglobin": 8.8,
            "leukocytes": 8.6,
            "eosinophils": 0.24,
            "creatinine": 90,
            "egfr": 75,
            "potassium": 4.2,
            "sodium": 139,
        },
    )
    words = "Som ventet. Vi taler om det 1. december."
    chart.add(
        GP, message("Svar på blodprøve", "2026-11-20 15:40", words, category="Svar"), by="mette-gp", contact=review
    )
    brand = "Apoteket gav det billigste mærke. Virkning og dosis er den samme."
    amlodipine = medication_dispense(
        "amlodipine", "2026-11-20 16:30", "98 tabletter", order=orders["amlodipine"], substituted=brand
    )  # fmt: skip
    chart.add("apotek", amlodipine)
    _vaccines(chart)
    _booked(chart)


def _vaccines(chart: Chart) -> None:
    given = [
        ("influenza", "2024-10-21"),
        ("covid", "2024-10-21"),
        ("pneumococcus", "2020-09-14"),
        ("tetanus", "2019-05-02"),
    ]
    for key, day in given:
        chart.add(VACCINES, immunization(key, day))
    missed = "Udeblev. Ikke vaccineret i sæsonen 2025/26."
    chart.add(VACCINES, immunization("influenza", "2025-11-20", status="not-done", why_not=missed))


def _booked(chart: Chart) -> None:
    jens_is_moved(chart)
    chart.add(
        "traening",
        appointment(
            "Hold for KOL", "2026-11-26 10:00", "2026-11-26 11:00", unit=PLACES["traening"].reference,
            who=STAFF["peter-physio"].reference, patient_words="Tag din spray med.",
        ),
    )  # fmt: skip
    chart.add(
        GP,
        appointment(
            "Årskontrol af dine lunger", "2026-12-01 09:20", "2026-12-01 09:50", unit=PLACES[GP].reference,
            who=STAFF["mette-gp"].reference, patient_words="Svar gerne på 8 spørgsmål inden.",
        ),
    )  # fmt: skip
    chart.add(
        GP,
        flag(
            "Mangler influenzavaccine: tilbydes (KOL, over 65 år)",
            "2026-10-01",
            detail="Fik den ikke sidste vinter. Tilbuddet gælder til 20.12.2026.",
        ),
        by="mette-gp",
    )
