"""Jens at his clinic: known illnesses, lung function, the yearly review, and the weeks after the admission."""

from demo.catalogue import diagnosis
from demo.chart import Chart
from demo.datatypes import SKS, coding, concept
from demo.fhir import allergy, care_plan, condition, goal, observation, procedure, referral
from demo.people.common import PHONE_MINUTES, lab, measure, visit
from demo.places import PLACES

GP = "havnegade"


def general_practice(chart: Chart) -> None:
    """What the clinic knew and did before the admission."""
    chart.add(GP, condition(diagnosis("hypertension-gp"), "2012-03-06"), by="mette-gp")
    chart.add(GP, condition(diagnosis("copd-gp"), "2023-11-10"), by="mette-gp")
    smoking = "Holdt op 01.06.2020. 40 pakkeår."
    chart.add(
        GP, condition(diagnosis("ex-smoker"), "1976", "2020-06-01", recorded="2023-11-10", words=smoking), by="mette-gp"
    )
    chart.add(
        GP,
        allergy(
            concept(
                "Penicillin (hele gruppen)",
                coding("http://www.whocc.no/atc", "J01C", "beta-lactam antibacterials, penicillins"),
            ),
            concept("Nældefeber (urticaria)", coding(SKS, "DL509", "Urticaria UNS")),
            onset="1998",
            recorded="2025-11-14",
            certain=False,
            words="Fik nældefeber i 1998 under behandling med penicillin. Usikkert, om det var medicinen. Aldrig efterprøvet.",
        ),
        by="mette-gp",
    )
    _spirometry_at_gp(chart, "2023-11-10 09:20", 1.58, 51, 2.98, 0.53)
    _spirometry_at_gp(chart, "2024-11-12 09:40", 1.52, 49, 2.95, 0.52)
    autumn = visit(chart, GP, "2025-11-14 15:20", "Konsultation", diagnosis("copd-gp"), by="mette-gp", minutes=20)
    measure(
        chart,
        GP,
        "2025-11-14 15:25",
        {"weight": 72, "smoking": "Tidligere ryger"},
        by="mette-gp",
        contact=autumn,
        pressure=(142, 82),
    )
    chart.add(GP, observation("living", "Bor med Ulla i hus med trappe", "2025-11-14"), by="mette-gp", contact=autumn)
    _annual_review(chart)


def _spirometry_at_gp(chart: Chart, when: str, fev1: float, percent: int, fvc: float, ratio: float) -> None:
    contact = visit(chart, GP, when, "Årskontrol, KOL", diagnosis("copd-gp"), by="mette-gp", minutes=30)
    values = {"fev1": fev1, "fev1-percent": percent, "fvc": fvc, "fev1-fvc": ratio, "weight": 73}
    measure(chart, GP, when, values, by="rikke-clinic-nurse", contact=contact, pressure=(144, 84))


def _annual_review(chart: Chart) -> None:
    contact = visit(chart, GP, "2026-01-12 10:00", "Årskontrol, KOL", diagnosis("copd-gp"), by="mette-gp", minutes=30)
    values = {"mrc": 3, "cat": 18, "weight": 71, "spo2": 94, "pulse": 80, "pack-years": 40}
    measure(chart, GP, "2026-01-12 10:05", values, by="mette-gp", contact=contact, pressure=(144, 82))
    lab(
        chart,
        "2026-01-12 10:20",
        {"crp": 3, "haemoglobin": 9.0, "leukocytes": 7.4, "creatinine": 86, "egfr": 79, "potassium": 4.1},
    )
    walk = chart.add(GP, goal("Gå en tur på 20 minutter hver dag", "2026-01-12", due="2026-07-01"), by="mette-gp")
    chart.add(
        GP,
        care_plan(
            "Forløbsplan for KOL",
            "2026-01-12",
            [("Gåtur 20 minutter dagligt", "completed"), ("Influenzavaccine", "not-started")],
            goals=[walk],
            end="2026-02-12",
        ),
        by="mette-gp",
        contact=contact,
    )


def after_discharge(chart: Chart) -> None:
    """The referral to home monitoring, the check a week later, and the changed plan."""
    contact = visit(
        chart,
        GP,
        "2026-02-12 13:00",
        "Telefonkonsultation",
        diagnosis("copd-gp"),
        by="mette-gp",
        minutes=PHONE_MINUTES,
        setting="VR",
    )
    chart.add(
        GP,
        referral(
            diagnosis("home-monitoring-copd"),
            "2026-02-12 13:10",
            to=PLACES["hjemmesygepleje"].reference,
            reasons=[diagnosis("copd-gp")],
            category=concept("Henvisning til kommunen: telemedicin, KOL"),
            text="FEV1 46 %, indlagt 4.–9. februar. Jens siger ja til hjemmemåling. Grænser for ilt: varsel under 90, alarm under 88.",
        ),
        by="mette-gp",
        contact=contact,
    )
    review = visit(
        chart,
        GP,
        "2026-02-16 10:20",
        "Kontrol efter indlæggelse",
        diagnosis("copd-gp"),
        by="rikke-clinic-nurse",
        minutes=20,
    )
    measure(
        chart,
        GP,
        "2026-02-16 10:25",
        {"spo2": 93, "pulse": 82, "weight": 70.5},
        by="rikke-clinic-nurse",
        contact=review,
        pressure=(140, 82),
    )
    technique = procedure(
        concept("Kontrol af inhalationsteknik"), "2026-02-16 10:30", words="Tager sprayen rigtigt efter vejledning."
    )
    chart.add(GP, technique, by="rikke-clinic-nurse", contact=review)
    lab(chart, "2026-02-16 10:40", {"crp": 4, "leukocytes": 8.1})
    _plan_after_admission(chart, review)


def _plan_after_admission(chart: Chart, contact: str) -> None:
    wishes = [
        goal("Kunne gå til havnen og hjem igen uden pause", "2026-02-12", due="2026-12-01"),
        goal("Ingen indlæggelser det næste år", "2026-02-12", due="2027-02-12"),
        goal("Veje mindst 70 kg", "2026-02-12", due="2026-12-01", achieved="achieved"),
    ]
    goals = [chart.add(GP, wish, by="mette-gp") for wish in wishes]
    plan = care_plan(
        "Forløbsplan for KOL",
        "2026-02-12",
        [
            "Gåtur 20 minutter dagligt",
            "Mål ilt og puls hjemme mandag, onsdag og fredag",
            "KOL-hold på Sundhedscenter Havnen",
            ("Influenzavaccine hvert efterår", "not-started"),
            ("Årskontrol 1. december", "scheduled"),
        ],
        goals=goals,
        words="Ved mere åndenød eller farvet opspyt: mål, og ring til hjemmesygeplejen. Grænser for ilt: varsel under 90 %, alarm under 88 %.",
    )
    chart.add(GP, plan, by="mette-gp", contact=contact)
