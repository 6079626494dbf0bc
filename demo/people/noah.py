"""Noah, fifteen tomorrow: asthma and ADHD, parents divorced with joint custody; his sister Alma and their mother."""

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.datatypes import concept
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
    no_known_allergies,
    observation,
    related_person,
)
from demo.fhir.plans import Activity
from demo.people.calendars import alma_is_visited
from demo.people.common import CARD, VACCINES, lab, measure, visit
from demo.places import PLACES

GP = "havnegade"
CHILDREN = "boern"
CHILD_PSYCHIATRY = "boernepsykiatri"
VISITORS = "sundhedspleje"
_PROTECTED = "Navne- og adressebeskyttelse"
_NOAH = Citizen("noah", "Noah Test Vestergaard", "2411119995", "male", "2011-11-24", GP, married=("U", "Ugift"))
_ALMA = Citizen("alma", "Alma Test Vestergaard", "1908259996", "female", "2025-08-19", GP, married=("U", "Ugift"))
_CAMILLA = Citizen(
    "camilla", "Camilla Test Vestergaard", "0606849996", "female", "1984-06-06", GP, married=("D", "Fraskilt")
)


def noah() -> Chart:
    """The record of Noah."""
    chart = Chart(_NOAH)
    _parents(chart)
    father = related_person(
        "Thomas Test Lyngby", ("FTH", "far, fælles forældremyndighed"), phones=[("20 00 00 65", "mobile")], may_be_called=True, gender="male"
    )  # fmt: skip
    chart.add("personregister", father)
    chart.add(
        "personregister",
        flag(_PROTECTED, "2023-04-01", detail="Adressen må ikke oplyses, heller ikke til den anden forælder."),
    )
    _asthma(chart)
    _adhd(chart)
    _medicine_card(chart)
    _vaccines(chart)
    chart.add(
        GP,
        appointment(
            "Astmakontrol",
            "2026-12-07 15:20",
            "2026-12-07 15:40",
            unit=PLACES[GP].reference,
            patient_words="Tag dine inhalatorer med.",
        ),
    )
    return chart


def _parents(chart: Chart) -> None:
    mother = related_person(
        "Camilla Test Vestergaard", ("MTH", "mor, forældremyndighed"), phones=[("20 00 00 64", "mobile")], may_be_called=True, gender="female"
    )  # fmt: skip
    chart.add("personregister", mother)


def _asthma(chart: Chart) -> None:
    by = "mette-gp"
    chart.add(GP, condition(diagnosis("asthma-gp"), "2018-09-12"), by=by)
    chart.add(GP, condition(diagnosis("hay-fever-gp"), "2020-05-20"), by=by)
    chart.add(GP, no_known_allergies("2025-05-14"), by=by)
    for when, height, weight, flow, score in (
        ("2024-11-20 15:20", 1.59, 47, 340, 21),
        ("2025-11-19 15:20", 1.66, 53, 380, 21),
        ("2026-05-11 15:20", 1.69, 56, 410, 22),
    ):
        contact = visit(chart, GP, when, "Astmakontrol", diagnosis("asthma-gp"), by="rikke-clinic-nurse", minutes=20)
        measure(
            chart,
            GP,
            when,
            {"height": height, "weight": weight, "peak-flow": flow, "act": score},
            by="rikke-clinic-nurse",
            contact=contact,
        )
    worse = visit(chart, GP, "2026-11-16 15:40", "Konsultation", diagnosis("asthma-gp"), by=by, minutes=20)
    now = {"height": 1.71, "weight": 58, "pulse": 84, "peak-flow": 370, "act": 17, "spo2": 97}
    measure(chart, GP, "2026-11-16 15:45", now, by=by, contact=worse, pressure=(112, 68))
    steps: list[Activity] = [
        "Fast inhalator morgen og aften, skyl munden bagefter",
        "Anfaldsmedicin før idræt",
        ("Kontrol om 3 uger", "scheduled"),
    ]
    play = chart.add(GP, goal("Spille en hel kamp uden at gå ud", "2026-11-16", due="2027-02-01"), by=by)
    chart.add(GP, care_plan("Astmaplan", "2026-11-16", steps, goals=[play]), by=by, contact=worse)
    alone = (
        "Talt alene med Noah. Har prøvet at ryge vape med kammerater, stoppet igen. Ønsker ikke, at forældrene får det at vide. "
        "Ingen bekymring for trivsel. Aftalt, at han kan ringe selv."
    )
    note = letter("notat", "Notat, samtale alene", "2026-11-16 16:00", alone, masked="Skjult for forældre")
    chart.add(GP, note, by=by, contact=worse)
    stay = encounter(
        "IMP", "Akut indlæggelse, astma", "2019-10-03 21:10", "2019-10-05 11:00", reasons=[diagnosis("asthma-hospital")], discharged_to="Eget hjem"
    )  # fmt: skip
    admitted = chart.add(CHILDREN, stay, by="pernille-paediatrics")
    chart.add(
        CHILDREN,
        condition(diagnosis("asthma-hospital"), "2018-09-12", recorded="2019-10-03"),
        by="pernille-paediatrics",
        contact=admitted,
    )
    text = "Akut astma udløst af forkølelse. Behandlet med salbutamol og prednisolon i 3 dage. Udskrevet i velbefindende med fast inhalator."
    chart.add(
        CHILDREN,
        letter("epikrise", "Epikrise, astma", "2019-10-05 11:30", text),
        by="pernille-paediatrics",
        contact=admitted,
    )
    lab(chart, "2025-05-14 15:30", {"eosinophils": 0.61, "haemoglobin": 8.4})


def _adhd(chart: Chart) -> None:
    by = "morten-child-psychiatry"
    course = encounter("AMB", "Ambulant forløb, ADHD", "2021-03-10 10:00", reasons=[diagnosis("adhd")])
    contact = chart.add(CHILD_PSYCHIATRY, course, by=by)
    chart.add(CHILD_PSYCHIATRY, condition(diagnosis("adhd"), "2021-04-21"), by=by, contact=contact)
    measure(
        chart,
        CHILD_PSYCHIATRY,
        "2026-09-09 10:10",
        {"height": 1.70, "weight": 57, "pulse": 82},
        by=by,
        contact=contact,
        pressure=(110, 66),
    )
    text = "God effekt i skolen. Spiser mindre til frokost, vægten følger kurven. Sover kl. 22.30. Fortsætter uændret, kontrol om 6 måneder."
    chart.add(
        CHILD_PSYCHIATRY, letter("notat", "Ambulant notat, ADHD", "2026-09-09 10:30", text), by=by, contact=contact
    )
    booked = appointment(
        "Kontrol, ADHD", "2027-03-10 10:00", "2027-03-10 10:30", unit=PLACES[CHILD_PSYCHIATRY].reference
    )
    chart.add(CHILD_PSYCHIATRY, booked)


def _medicine_card(chart: Chart) -> None:
    inhaler = Dose("1 pust 2 gange dagligt mod astma, og 1 pust ved behov før idræt", 2)
    chart.add(
        CARD,
        medication_request("budesonide-formoterol", inhaler, "astma", "2022-10-05", written="2026-11-16 15:55"),
        by="mette-gp",
    )
    adhd = Dose("1 depottablet hver morgen mod ADHD", 1)
    chart.add(
        CARD,
        medication_request("methylphenidate", adhd, "ADHD", "2024-02-14", written="2026-09-09 10:25"),
        by="morten-child-psychiatry",
    )
    sleep = medication_request(
        "melatonin", Dose("1 tablet en time før sengetid", 1), "svært ved at falde i søvn", "2024-03-01",
        until="2025-08-01", status="stopped", why_stopped="Sover godt uden",
    )  # fmt: skip
    chart.add(CARD, sleep, by="morten-child-psychiatry")


def _vaccines(chart: Chart) -> None:
    given = [
        ("dtap-ipv-hib", "2012-02-27", 1), ("dtap-ipv-hib", "2012-04-23", 2), ("dtap-ipv-hib", "2012-11-26", 3), ("pneumococcus", "2012-02-27", 1),
        ("pneumococcus", "2012-04-23", 2), ("pneumococcus", "2012-11-26", 3), ("mmr", "2013-02-25", 1), ("mmr", "2015-11-30", 2),
        ("dtap-ipv", "2016-11-28", 1), ("hpv", "2026-05-11", 1),
    ]  # fmt: skip
    for key, day, number in given:
        chart.add(VACCINES, immunization(key, day, dose_number=number))


def alma() -> Chart:
    """The record of Alma, 15 months: her first MMR is due."""
    chart = Chart(_ALMA)
    _parents(chart)
    chart.add("personregister", flag(_PROTECTED, "2025-08-19", detail="Adressen må ikke oplyses."))
    by = "anne-health-visitor"
    growth = [
        ("2025-08-26 10:00", 3.4, 0.51, 35.0),
        ("2025-10-21 10:00", 5.3, 0.58, 38.8),
        ("2026-02-17 10:00", 7.4, 0.66, 42.5),
        ("2026-06-16 10:00", 8.9, 0.73, 44.9),
    ]
    for when, weight, height, head in growth:
        contact = visit(chart, VISITORS, when, "Sundhedsplejerske, hjemmebesøg", by=by, minutes=45, setting="HH")
        measure(
            chart,
            VISITORS,
            when,
            {"weight": weight, "height": height, "head-circumference": head},
            by=by,
            contact=contact,
        )
    for when in ("2025-09-24 09:00", "2026-01-20 09:00", "2026-08-20 09:00"):
        visit(chart, GP, when, "Børneundersøgelse", by="mette-gp", minutes=20)
    ear = visit(chart, GP, "2026-10-08 11:20", "Konsultation", diagnosis("otitis-gp"), by="mette-gp")
    chart.add(
        GP,
        condition(diagnosis("otitis-gp"), "2026-10-07", "2026-10-16", recorded="2026-10-08"),
        by="mette-gp",
        contact=ear,
    )
    chart.add(GP, observation("temperature", 38.4, "2026-10-08 11:25"), by="mette-gp", contact=ear)
    for key in ("dtap-ipv-hib", "pneumococcus"):
        for number, day in enumerate(("2025-11-19", "2026-01-20", "2026-08-20"), 1):
            chart.add(VACCINES, immunization(key, day, dose_number=number))
    alma_is_visited(chart)
    mmr = appointment("Vaccination: MFR 1", "2026-11-30 09:00", "2026-11-30 09:10", unit=PLACES[GP].reference)
    chart.add(GP, mmr)
    return chart


def camilla() -> Chart:
    """The record of the children's mother, whose name and address are protected."""
    chart = Chart(_CAMILLA)
    chart.add("personregister", flag(_PROTECTED, "2023-04-01", detail="Adressen må ikke oplyses."))
    chart.add(GP, condition(diagnosis("migraine-gp"), "2016-02-01"), by="mette-gp")
    chart.add(GP, no_known_allergies("2025-10-07"), by="mette-gp")
    contact = visit(chart, GP, "2025-10-07 14:00", "Efterfødselsundersøgelse", by="mette-gp", minutes=30)
    measure(chart, GP, "2025-10-07 14:05", {"weight": 71}, by="mette-gp", contact=contact, pressure=(118, 74))
    needed = Dose("1 tablet ved anfald, højst 2 i døgnet", as_needed="migræne")
    chart.add(
        CARD,
        medication_request("sumatriptan", needed, "migræne", "2016-02-01", written="2026-03-02 09:00"),
        by="mette-gp",
    )
    delivered = encounter("IMP", "Fødsel", "2025-08-19 04:00", "2025-08-20 12:00", discharged_to="Eget hjem")
    chart.add("gynobs", delivered, by="camilla-obstetrics")
    born = letter(
        "epikrise",
        "Epikrise, fødsel",
        "2025-08-20 13:00",
        "Spontan vaginal fødsel af pige, 3.380 g, 51 cm, Apgar 10/5. Ukompliceret.",
    )
    chart.add("gynobs", born, by="camilla-obstetrics")
    chart.add("gynobs", observation("haemoglobin", 7.4, "2025-08-20 08:00", sex="female"))
    sent = concept("Livmoderhalsscreening")
    chart.add("laboratorium", {**observation("hpv", "Negativ", "2025-02-11", out="N"), "method": sent})
    return chart
