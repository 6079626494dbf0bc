"""Jens' admission 4.–9. February 2026: influenza A and an exacerbation of COPD."""

from collections.abc import Mapping

from demo.catalogue import diagnosis
from demo.chart import Chart
from demo.datatypes import concept
from demo.fhir import (
    Dose,
    condition,
    diagnostic_report,
    encounter,
    flag,
    letter,
    medication_administration,
    medication_request,
    observation,
    procedure,
    referral,
)
from demo.people.common import LABORATORY, lab, measure
from demo.places import PLACES

ACUTE = "akut"
WARD = "medicinsk"
LUNG = "lunge"
DISCHARGE = (
    "Indlagt 4.–9. feb. med influenza A og KOL-exacerbation. Ilt seponeret dag 4. FMK ajourført. Egen læge bedes se pt. om 1 uge: "
    "saturation, inhalationsteknik. Kontrol-rtg. om 6 uger er bestilt af os."
)
_OXYGEN = [
    ("2026-02-04 18:52", 86, 0), ("2026-02-04 19:05", 89, 2), ("2026-02-04 19:30", 91, 2), ("2026-02-04 20:30", 91, 2),
    ("2026-02-04 22:00", 90, 2), ("2026-02-04 23:30", 91, 2), ("2026-02-05 02:00", 90, 2), ("2026-02-05 04:00", 91, 1),
    ("2026-02-05 06:20", 91, 1),
]  # fmt: skip
_WARD_ROUNDS = [
    ("2026-02-05 18:00", 90, 1, 98, 22, 38.1), ("2026-02-06 08:00", 91, 1, 92, 20, 37.8), ("2026-02-06 20:00", 91, 1, 90, 20, 37.6),
    ("2026-02-07 08:00", 92, 0.5, 88, 20, 37.3), ("2026-02-07 20:00", 90, 0, 86, 19, 37.1), ("2026-02-08 08:00", 91, 0, 84, 18, 36.9),
    ("2026-02-08 20:00", 92, 0, 82, 18, 36.8), ("2026-02-09 08:00", 92, 0, 82, 18, 36.7),
]  # fmt: skip


def admission(chart: Chart, orders: Mapping[str, str]) -> None:
    """The acute ward, the medical ward, and the discharge letter."""
    acute = _arrival(chart)
    ward = _ward(chart)
    _results(chart)
    given = {**orders, **_ordinations(chart)}
    _administrations(chart, given, acute, ward)
    _discharge(chart, ward)


def _arrival(chart: Chart) -> str:
    stay = encounter(
        "IMP",
        "Akut indlæggelse",
        "2026-02-04 18:52",
        "2026-02-05 14:10",
        reasons=[diagnosis("copd-exacerbation"), diagnosis("influenza-a")],
        place="Stue 4",
        admitted_from="Lægevagten",
        discharged_to="Medicinsk Afdeling",
    )
    contact = chart.add(ACUTE, stay, by="anders-emergency")
    for key in ("copd-exacerbation", "influenza-a"):
        found = condition(diagnosis(key), "2026-02-04", "2026-02-09", category="diagnosis")
        chart.add(ACUTE, found, by="anders-emergency", contact=contact)
    chart.add(
        ACUTE,
        condition(diagnosis("hypertension-hospital"), "2012", recorded="2026-02-04"),
        by="anders-emergency",
        contact=contact,
    )
    first = {"respiration": 26, "pulse": 108, "temperature": 38.6, "weight": 71}
    measure(chart, ACUTE, "2026-02-04 18:55", first, by="dorte-emergency-nurse", contact=contact, pressure=(146, 84))
    for when, saturation, flow in _OXYGEN:
        values = {"spo2": saturation, "oxygen-flow": flow}
        measure(chart, ACUTE, when, values, by="dorte-emergency-nurse", contact=contact)
    measure(
        chart,
        ACUTE,
        "2026-02-05 06:20",
        {"respiration": 22, "pulse": 98, "temperature": 38.2},
        by="dorte-emergency-nurse",
        contact=contact,
    )
    _acute_decisions(chart, contact)
    return contact


def _acute_decisions(chart: Chart, contact: str) -> None:
    isolation = flag("Isolation: dråbesmitte (influenza A)", "2026-02-04", end="2026-02-09")
    chart.add(ACUTE, isolation, by="anders-emergency", contact=contact)
    talk = flag(
        "Genoplivning: intet fravalg",
        "2026-02-05",
        kind="resuscitation",
        detail="Behandlingstestamente: intet. Ikke drøftet endnu.",
    )
    chart.add(ACUTE, talk, by="anders-emergency", contact=contact)
    note = (
        "67-årig mand med kendt KOL (FEV1 46 %) indbringes via lægevagten med tiltagende åndenød i 2 dage, feber og grønligt opspyt. "
        "Saturation 86 % uden ilt, RF 26, puls 108, tp. 38,6, BT 146/84. Spredt ekspiratorisk hvæsen. A-punktur: pH 7,36. "
        "Podet for influenza. Plan: ilt med mål 88–92 %, prednisolon 37,5 mg i 5 dage, salbutamol på forstøver, dråbeisolation. "
        "CAVE penicillin. Hustruen Ulla er underrettet efter aftale med patienten."
    )
    chart.add(
        ACUTE, letter("notat", "Indlæggelsesnotat", "2026-02-04 19:45", note), by="anders-emergency", contact=contact
    )
    night = "Upåvirket i søvn. Ilt sat ned til 1 L/min kl. 03.40, saturation 91 %. CRP 92. Influenza A bekræftet. Ny a-punktur kl. 07."
    chart.add(
        ACUTE, letter("notat", "Notat, natten", "2026-02-05 05:50", night), by="anders-emergency", contact=contact
    )


def _ward(chart: Chart) -> str:
    stay = encounter(
        "IMP",
        "Indlæggelse, lungemedicin",
        "2026-02-05 14:10",
        "2026-02-09 14:20",
        reasons=[diagnosis("copd-exacerbation"), diagnosis("influenza-a")],
        place="Stue 12",
        discharged_to="Eget hjem",
    )
    contact = chart.add(WARD, stay, by="line-lung")
    for when, saturation, flow, pulse, breaths, warmth in _WARD_ROUNDS:
        values = {
            "spo2": saturation,
            "oxygen-flow": flow,
            "pulse": pulse,
            "respiration": breaths,
            "temperature": warmth,
        }
        measure(chart, WARD, when, values, contact=contact)
    measure(chart, WARD, "2026-02-09 08:00", {"weight": 70}, contact=contact, pressure=(138, 80))
    mobile = "Går på stuen uden hjælp, 60 m på gangen med én pause."
    chart.add(
        WARD, procedure(concept("Mobilisering ved fysioterapeut"), "2026-02-07 10:30", words=mobile), contact=contact
    )
    return contact


def _results(chart: Chart) -> None:
    arrival = {
        "crp": 84, "leukocytes": 11.8, "eosinophils": 0.22, "haemoglobin": 8.9, "creatinine": 88, "egfr": 77, "sodium": 138, "potassium": 4.0,
    }  # fmt: skip
    lab(chart, "2026-02-04 18:58", arrival, "Akutte blodprøver")
    gas = {"ph": 7.36, "pco2": 6.3, "po2": 7.0}
    lab(chart, "2026-02-04 19:10", gas, "Arteriel blodgas", "Let hyperkapni, kompenseret.")
    influenza = observation("influenza", "Influenza A påvist", "2026-02-04 19:15", out="A")
    chart.add(LABORATORY, influenza)
    lab(chart, "2026-02-05 06:00", {"crp": 92, "leukocytes": 11.1})
    lab(chart, "2026-02-05 07:00", {"ph": 7.38, "pco2": 5.9, "po2": 8.2}, "Arteriel blodgas")
    lab(chart, "2026-02-06 07:00", {"crp": 61, "leukocytes": 10.2, "creatinine": 85, "egfr": 80})
    lab(chart, "2026-02-07 07:00", {"crp": 34})
    lab(chart, "2026-02-09 07:00", {"crp": 18, "leukocytes": 9.0, "haemoglobin": 8.8, "potassium": 4.1})
    words = "Emfysem. Lette fortætninger basalt på højre side, forenelige med infektion. Kontrol om 6 uger."
    chart.add("billede", diagnostic_report("Røntgen af thorax", "2026-02-04 20:15", conclusion=words, category="RAD"))


def _ordinations(chart: Chart) -> dict[str, str]:
    by = "anders-emergency"
    oxygen = medication_request(
        "oxygen", Dose("1–2 L/min på næsekateter, mål 88–92 %"), "lav iltmætning", "2026-02-04 18:58",
        until="2026-02-07 12:00", status="completed", why_stopped="Saturation 90–92 % uden tilskud", inpatient=True,
    )  # fmt: skip
    prednisolone = medication_request(
        "prednisolone", Dose("1½ tablet (37,5 mg) dagligt, til og med 08.02.2026", 1), "KOL i forværring", "2026-02-04",
        until="2026-02-08", status="completed", why_stopped="Kuren på 5 dage er færdig", inpatient=True,
    )  # fmt: skip
    nebulised = medication_request(
        "salbutamol-neb", Dose("1 ampul på forstøver ved behov, højst 4 gange i døgnet", as_needed="åndenød"), "KOL i forværring",
        "2026-02-04 19:10", until="2026-02-08", status="completed", why_stopped="Ikke længere behov", inpatient=True,
    )  # fmt: skip
    return {
        "oxygen": chart.add(ACUTE, oxygen, by=by),
        "prednisolone": chart.add(ACUTE, prednisolone, by=by),
        "salbutamol-neb": chart.add(ACUTE, nebulised, by=by),
    }


def _administrations(chart: Chart, orders: Mapping[str, str], acute: str, ward: str) -> None:
    """In the acute ward by its nurse, later by the ward."""
    first = [("prednisolone", "2026-02-04 19:20", "37,5 mg"), ("salbutamol-neb", "2026-02-04 19:25", "2,5 mg på forstøver"),
             ("salbutamol-neb", "2026-02-05 04:15", "2,5 mg på forstøver"), ("prednisolone", "2026-02-05 08:00", "37,5 mg"),
             ("tiotropium-olodaterol", "2026-02-05 08:00", "2 pust"), ("amlodipine", "2026-02-05 08:00", "5 mg")]  # fmt: skip
    for key, when, amount in first:
        dose = medication_administration(key, when, amount, order=orders[key])
        chart.add(ACUTE, dose, by="dorte-emergency-nurse", contact=acute)
    for day in range(6, 10):
        daily = [("tiotropium-olodaterol", "2 pust"), ("amlodipine", "5 mg")]
        for key, amount in [*daily, *([("prednisolone", "37,5 mg")] if day <= 8 else [])]:
            chart.add(
                WARD, medication_administration(key, f"2026-02-0{day} 08:00", amount, order=orders[key]), contact=ward
            )


def _discharge(chart: Chart, ward: str) -> None:
    by = "line-lung"
    target = flag(
        "Ilt: mål 88–92 %", "2026-02-04", detail="KOL, FEV1 46 %. pH 7,36 ved ankomst. For meget ilt kan være farligt."
    )
    chart.add(LUNG, target, by=by)
    epikrise = letter(
        "epikrise", "Epikrise: influenza A og KOL-exacerbation", "2026-02-09 14:20", DISCHARGE, start="2026-02-04", end="2026-02-09"
    )  # fmt: skip
    chart.add(LUNG, epikrise, by=by)
    plan = concept("Genoptræningsplan (GGOP): almen genoptræning, basalt niveau")
    reasons = [diagnosis("copd-exacerbation")]
    text = "Nedsat udholdenhed efter indlæggelse med KOL og influenza. 6-minutters gangtest 310 m i november. Mål: KOL-hold, gang og kondition."
    training = referral(plan, "2026-02-09 12:00", to=PLACES["traening"].reference, reasons=reasons, text=text)
    chart.add(WARD, training, by=by, contact=ward)
    openly = "Kan henvende sig direkte i Akutmodtagelsen døgnet rundt ved forværring. Gælder til 09.02.2027."
    return_ = referral(
        concept("Åben indlæggelse ved forværring af KOL"),
        "2026-02-09 12:05",
        to=PLACES[ACUTE].reference,
        reasons=reasons,
        text=openly,
    )
    chart.add(WARD, return_, by=by, contact=ward)
    xray = referral(
        concept("Kontrolrøntgen af thorax"), "2026-02-09 12:10", to=PLACES["billede"].reference, status="completed", when="2026-03-23"
    )  # fmt: skip
    chart.add(WARD, xray, by=by, contact=ward)
