"""Fatima: pregnant for the second time, 31+2 on the demo's day, blood pressure on the rise."""

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.datatypes import concept
from demo.fhir import (
    Dose,
    appointment,
    blood_pressure,
    care_plan,
    condition,
    diagnostic_report,
    encounter,
    flag,
    goal,
    immunization,
    letter,
    medication_administration,
    medication_request,
    no_known_allergies,
    observation,
    procedure,
    referral,
    related_person,
)
from demo.fhir.plans import Activity
from demo.people.calendars import fatima_is_booked_twice
from demo.people.common import CARD, LABORATORY, VACCINES, Values, lab, measure, visit
from demo.places import PLACES
from demo.staff import STAFF

GP = "skovbrynet"
MIDWIFE = "jordemoder"
OBSTETRICS = "gynobs"
MONITORING = "hjemmemonitorering"
_FATIMA = Citizen(
    "fatima", "Fatima Test Hassan", "1705959996", "female", "1995-05-17", GP, "Skovbrynet 31, 6992 Havby",
    phone="20 00 00 33", married=("M", "Gift"), language=("so", "Somali"), interpreter=True,
)  # fmt: skip


def fatima() -> Chart:
    """The record of Fatima."""
    chart = Chart(_FATIMA)
    _around_her(chart)
    _general_practice(chart)
    _blood_tests(chart)
    _medicine_card(chart)
    _midwife(chart)
    _obstetrics(chart)
    _home(chart)
    _booked(chart)
    return chart


def _around_her(chart: Chart) -> None:
    partner = related_person(
        "Abdi Test Warsame",
        ("HUSB", "ægtefælle"),
        phones=[("20 00 00 34", "mobile")],
        may_be_called=True,
        wish="Fuldmagt 10.08.2026: tider og råd i denne graviditet. Ikke tidligere sygdomme og graviditeter.",
        gender="male",
    )
    chart.add("personregister", partner)


def _general_practice(chart: Chart) -> None:
    by = "henrik-gp"
    chart.add(GP, condition(diagnosis("pregnancy-gp"), "2026-04-18", recorded="2026-06-17"), by=by)
    chart.add(GP, no_known_allergies("2026-06-17"), by=by)
    rounds = [
        ("2026-06-17 09:00", "8+4", (118, 72), 63.0, "negativ"),
        ("2026-10-12 09:20", "25+2", (124, 78), 70.5, "negativ"),
    ]
    for when, age, pressure, weight, protein in rounds:
        contact = visit(chart, GP, when, "Graviditetsundersøgelse", diagnosis("pregnancy-gp"), by=by, minutes=30)
        values: Values = {"gestation": age, "weight": weight, "urine-protein": protein, "urine-glucose": "negativ"}
        measure(chart, GP, when, values, by=by, contact=contact, pressure=pressure)
    chart.add(GP, observation("height", 1.64, "2026-06-17 09:00"), by=by)
    chart.add(GP, observation("smoking", "Aldrig røget", "2026-06-17 09:00"), by=by)
    chart.add(GP, observation("alcohol", "Drikker ikke alkohol", "2026-06-17 09:00"), by=by)
    journal = (
        "2. gangs gravid, 1 tidligere fødsel (2021, akut kejsersnit for truende asfyksi, dreng 3.410 g). Sidste menstruation 18.04.2026. "
        "Ønsker fødsel på Sygehus Vestfjord. Tolk (somali) ved alle samtaler."
    )
    chart.add(GP, letter("notat", "Svangerskabsjournal, 1. undersøgelse", "2026-06-17 09:40", journal), by=by)
    to_midwife = referral(
        concept("Henvisning til fødested og jordemoder"), "2026-06-17 09:45", to=PLACES[MIDWIFE].reference, status="completed",
        reasons=[diagnosis("pregnancy-gp")]
    )  # fmt: skip
    chart.add(GP, to_midwife, by=by)


def _blood_tests(chart: Chart) -> None:
    first: Values = {
        "blood-type": "A RhD-negativ",
        "antibody-screen": "Ingen",
        "hbv": "Negativ",
        "hiv": "Negativ",
        "syphilis": "Negativ",
        "haemoglobin": 7.6,
    }
    lab(chart, "2026-06-17 09:30", first, "Blodprøver, tidlig graviditet")
    lab(
        chart,
        "2026-10-12 09:40",
        {"fetal-rhd": "RhD-positiv", "antibody-screen": "Ingen", "haemoglobin": 7.1, "ferritin": 14},
        "Blodprøver, uge 25",
    )
    lab(chart, "2026-11-02 08:00", {"ogtt": 7.8}, "Sukkerbelastning")
    pressure_tests = {"haemoglobin": 6.9, "ferritin": 11, "platelets": 214, "creatinine": 52, "alat": 17}
    lab(chart, "2026-11-20 11:30", pressure_tests, "Blodprøver ved forhøjet blodtryk")
    double = "1:4200 (lav risiko)"
    chart.add(LABORATORY, observation("double-test", double, "2026-07-16 10:30", out="N"))


def _midwife(chart: Chart) -> None:
    by = "lone-midwife"
    course = chart.add(
        MIDWIFE,
        encounter("AMB", "Svangreomsorg", "2026-08-06 10:00", reasons=[diagnosis("pregnancy-supervision")]),
        by=by,
    )
    chart.add(
        MIDWIFE,
        flag(
            "Graviditet: samlet niveau 3",
            "2026-11-20",
            detail="Tidligere kejsersnit, forhøjet blodtryk med protein 1+. Tidligere niveau 2.",
        ),
        by=by,
    )
    chart.add(MIDWIFE, flag("RhD-negativ, foster RhD-positivt: anti-D efter fødslen", "2026-10-12"), by=by)
    rounds = [("2026-08-06 10:00", "15+5", (120, 72), 64.5, "negativ", None, None), ("2026-11-02 10:00", "28+2", (130, 82), 72.0, "negativ", 27, 142),
              ("2026-11-20 09:30", "30+6", (144, 92), 74.0, "1+", 29, 138)]  # fmt: skip
    for when, age, pressure, weight, protein, height, heart in rounds:
        values: dict[str, float | str] = {
            "gestation": age,
            "weight": weight,
            "urine-protein": protein,
            "oedema": "ingen",
        }
        values |= (
            {"symphysis-fundus": height, "fetal-heart": heart, "presentation": "hovedstilling"}
            if height and heart
            else {}
        )
        measure(chart, MIDWIFE, when, values, by=by, contact=course, pressure=pressure)
    chart.add(
        MIDWIFE, observation("violence", "Spurgt alene med tolk. Nej.", "2026-08-06 10:20"), by=by, contact=course
    )
    birth = chart.add(
        MIDWIFE, goal("Fødsel på Sygehus Vestfjord, gerne vaginalt", "2026-08-06", due="2027-01-23"), by=by
    )
    steps: list[Activity] = [("Nakkefoldsscanning 16.07.2026", "completed"), ("Anti-D i uge 29", "completed"), "Hjemmeblodtryk morgen og aften",
             ("Tilvækstscanning 4. december", "scheduled"), ("Samtale om fødemåde uge 36", "not-started")]  # fmt: skip
    plan = care_plan("Plan for graviditet, termin 23.01.2027", "2026-08-06", steps, goals=[birth])
    chart.add(MIDWIFE, plan, by=by, contact=course)


def _obstetrics(chart: Chart) -> None:
    by = "camilla-obstetrics"
    old = visit(chart, OBSTETRICS, "2021-03-11 02:10", "Fødsel, akut kejsersnit", by=by, minutes=4200, setting="IMP")
    chart.add(
        OBSTETRICS,
        procedure(concept("Akut kejsersnit"), "2021-03-11 03:05", words="Dreng, 3.410 g, Apgar 10/5."),
        by=by,
        contact=old,
    )
    scans = [("2026-07-16 10:00", "Nakkefoldsscanning", "12+5. Nakkefold 1,6 mm. Risiko for trisomi 21: 1:4200."),
             ("2026-09-02 10:00", "Misdannelsesscanning", "19+4. Normale forhold. Moderkagen sidder på bagvæggen, ikke lavt.")]  # fmt: skip
    for when, title, words in scans:
        contact = visit(chart, OBSTETRICS, when, title, diagnosis("pregnancy-supervision"), by=by, minutes=30)
        chart.add(OBSTETRICS, diagnostic_report(title, when, conclusion=words, category="RUS"), by=by, contact=contact)
    course = encounter(
        "AMB",
        "Ambulant forløb, forhøjet blodtryk i graviditeten",
        "2026-11-20 10:45",
        reasons=[diagnosis("gestational-hypertension")],
    )
    contact = chart.add(OBSTETRICS, course, by=by)
    for key, since in (
        ("pregnancy-supervision", "2026-06-17"),
        ("gestational-hypertension", "2026-11-20"),
        ("pregnancy-anaemia", "2026-11-20"),
    ):
        chart.add(OBSTETRICS, condition(diagnosis(key), since, recorded="2026-11-20"), by=by, contact=contact)
    measure(
        chart,
        OBSTETRICS,
        "2026-11-20 11:00",
        {"pulse": 82, "urine-protein": "1+", "fetal-weight": 1580, "fetal-heart": 140},
        by=by,
        contact=contact,
        pressure=(144, 92),
    )
    text = (
        "30+6. BT 144/92 ved to målinger, urin protein 1+, ingen hovedpine, synsforstyrrelser eller smerter. Blodprøver uden tegn på svær "
        "præeklampsi. Flow og tilvækst normale, 1.580 g. Starter labetalol 200 mg × 2. Mål under 135/85. Hjemmeblodtryk to gange dagligt. "
        "Ring straks ved 160/110, hovedpine, flimren for øjnene eller smerter øverst i maven. Gennemgået med tolk."
    )
    chart.add(OBSTETRICS, letter("notat", "Ambulant notat, blodtryk", "2026-11-20 12:30", text), by=by, contact=contact)
    order = referral(
        concept("Hjemmeblodtryk i graviditeten"),
        "2026-11-20 12:40",
        to=PLACES[MIDWIFE].reference,
        text="Morgen og aften. Mål under 135/85.",
    )
    chart.add(OBSTETRICS, order, by=by, contact=contact)


def _medicine_card(chart: Chart) -> None:
    labetalol = medication_request(
        "labetalol", Dose("1 tablet 2 gange dagligt mod forhøjet blodtryk", 2), "forhøjet blodtryk", "2026-11-20"
    )  # fmt: skip
    chart.add(CARD, labetalol, by="camilla-obstetrics")
    iron = medication_request(
        "iron",
        Dose("1 tablet 2 gange dagligt mod jernmangel i graviditeten", 2),
        "jernmangel i graviditeten",
        "2026-10-14",
    )
    chart.add(CARD, iron, by="henrik-gp")
    folic = medication_request(
        "folic-acid", Dose("1 tablet dagligt til og med uge 12", 1), "neuralrørsdefekt hos barnet", "2026-05-20",
        until="2026-07-18", status="completed", why_stopped="Uge 12 er passeret",
    )  # fmt: skip
    chart.add(CARD, folic, by="henrik-gp")
    anti_d = medication_request(
        "anti-d", Dose("300 µg i musklen én gang i uge 29"), "RhD-negativ gravid", "2026-11-09", until="2026-11-09", status="completed",
        why_stopped="Givet",
    )  # fmt: skip
    order = chart.add(CARD, anti_d, by="camilla-obstetrics")
    chart.add(
        MIDWIFE,
        medication_administration("anti-d", "2026-11-09 10:15", "300 µg i musklen", order=order),
        by="lone-midwife",
    )
    chart.add(VACCINES, immunization("influenza", "2026-10-20"))
    chart.add(VACCINES, immunization("pertussis", "2026-10-20"))
    chart.add(VACCINES, immunization("mmr", "1996-08-20", dose_number=1))


def _home(chart: Chart) -> None:
    """Home blood pressure, morning and evening; counts as high from 135/85."""
    readings = [
        ("20 20:10", 142, 90),
        ("21 07:40", 139, 88),
        ("21 20:05", 140, 88),
        ("22 07:50", 137, 86),
        ("22 20:15", 136, 86),
        ("23 07:45", 134, 84),
    ]
    for when, systolic, diastolic in readings:
        chart.add(MONITORING, blood_pressure(systolic, diastolic, f"2026-11-{when}", home=True))


def _booked(chart: Chart) -> None:
    obstetrics, midwife, gp = PLACES[OBSTETRICS].reference, PLACES[MIDWIFE].reference, PLACES[GP].reference
    interpreter = "Tolk (somali) er bestilt. Tag dine hjemmemålinger med."
    who = STAFF["camilla-obstetrics"].reference
    chart.add(
        OBSTETRICS,
        appointment(
            "Blodtrykskontrol",
            "2026-11-27 10:45",
            "2026-11-27 11:15",
            unit=obstetrics,
            who=who,
            patient_words=interpreter,
        ),
    )
    fatima_is_booked_twice(chart, obstetrics, interpreter)
    lone = STAFF["lone-midwife"].reference
    chart.add(
        MIDWIFE,
        appointment(
            "Jordemoder, uge 32",
            "2026-11-30 10:00",
            "2026-11-30 10:30",
            unit=midwife,
            who=lone,
            patient_words=interpreter,
        ),
    )
    chart.add(
        GP,
        appointment(
            "Graviditetsundersøgelse, uge 32",
            "2026-12-02 09:20",
            "2026-12-02 09:50",
            unit=gp,
            patient_words=interpreter,
        ),
    )
