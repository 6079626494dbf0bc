"""Six more citizens whom the municipality and the clinic know: small records behind the lists."""

from dataclasses import dataclass

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.clinical import egfr
from demo.fhir import (
    Dose,
    condition,
    encounter,
    immunization,
    implant,
    letter,
    medication_request,
    no_known_allergies,
    observation,
)
from demo.people.common import CARD, VACCINES, lab, measure, visit

GP = "havnegade"
NURSES = "hjemmesygepleje"
MONITORING = "hjemmemonitorering"
ACUTE = "akut"
_DAYS = 14


@dataclass(frozen=True, slots=True)
class _Neighbour:
    handle: str
    name: str
    cpr: str
    gender: str
    born: str
    illness: str  #: "copd" or "heart-failure"
    weight: float
    latest: str  #: clock of today's measurement, "" when the last days are missing


_NEIGHBOURS = (
    _Neighbour("knud", "Knud Test Villadsen", "1209479995", "male", "1947-09-12", "heart-failure", 84.0, "07:15"),
    _Neighbour("ruth", "Ruth Test Bertelsen", "1907449996", "female", "1944-07-19", "copd", 61.0, ""),
    _Neighbour("poul", "Poul Test Nygaard", "2811519995", "male", "1951-11-28", "copd", 88.0, "09:10"),
    _Neighbour("inger", "Inger Test Dahl", "0503399996", "female", "1939-03-05", "heart-failure", 64.0, "08:05"),
    _Neighbour("erik", "Erik Test Skov", "1508669995", "male", "1966-08-15", "heart-failure", 92.0, "06:50"),
    _Neighbour("lis", "Lis Test Overgaard", "2203729996", "female", "1972-03-22", "copd", 70.0, "06:35"),
)


def neighbours() -> list[Chart]:
    """Their records."""
    charts = {one.handle: _record(one) for one in _NEIGHBOURS}
    _admitted(charts["ruth"])
    charts["knud"].add(
        "medicinsk", implant("Pacemaker", since="2021-06-14", words="MR kun efter aftale med hjerteklinikken.")
    )
    return list(charts.values())


def _record(one: _Neighbour) -> Chart:
    number = _NEIGHBOURS.index(one) + 1
    filtration = egfr(78 + number, 2026 - int(one.born[:4]), one.gender)
    chart = Chart(
        Citizen(
            one.handle,
            one.name,
            one.cpr,
            one.gender,
            one.born,
            GP,
            f"Havbakken {number * 3}, 6991 Vestfjord",
            phone=f"20 00 01 {number:02}",
        )
    )
    chart.add(GP, condition(diagnosis(f"{one.illness}-gp"), "2021-05-04"), by="mette-gp")
    chart.add(GP, no_known_allergies("2025-09-01"), by="mette-gp")
    contact = visit(
        chart,
        GP,
        f"2026-0{number + 2}-09 10:40",
        "Årskontrol",
        diagnosis(f"{one.illness}-gp"),
        by="mette-gp",
        minutes=20,
    )
    measure(
        chart,
        GP,
        f"2026-0{number + 2}-09 10:45",
        {"weight": one.weight, "pulse": 72 + number},
        by="mette-gp",
        contact=contact,
        pressure=(130 + number, 78),
    )
    lab(
        chart,
        f"2026-0{number + 2}-09 08:15",
        {"creatinine": 78 + number, "egfr": filtration, "potassium": 4.1, "haemoglobin": 8.4},
    )
    _card(chart, one)
    chart.add(VACCINES, immunization("influenza", "2026-10-12"))
    _home(chart, one)
    return chart


def _card(chart: Chart, one: _Neighbour) -> None:
    copd = [
        ("tiotropium-olodaterol", Dose("2 pust 1 gang dagligt mod KOL", 1), "KOL"),
        ("salbutamol", Dose("1–2 pust ved behov, højst 8 i døgnet", as_needed="åndenød"), "åndenød"),
    ]
    heart = [
        ("ramipril", Dose("1 kapsel dagligt mod hjertesvigt", 1), "hjertesvigt"),
        ("metoprolol", Dose("1 depottablet dagligt mod hjertesvigt", 1), "hjertesvigt"),
        ("furosemide", Dose("1 tablet morgen mod væske i kroppen", 1), "hjertesvigt"),
    ]
    for key, dose, reason in copd if one.illness == "copd" else heart:
        chart.add(CARD, medication_request(key, dose, reason, "2021-05-04", written="2026-06-01 09:00"), by="mette-gp")


def _home(chart: Chart, one: _Neighbour) -> None:
    title = "Hjemmemonitorering, KOL" if one.illness == "copd" else "Hjemmemonitorering, hjerte"
    chart.add(NURSES, encounter("HH", title, "2026-03-02 10:00"), by="karen-nurse")
    last = 23 if one.latest else 20
    clock = one.latest or "09:20"
    for day in range(last - _DAYS + 1, last + 1):
        when = f"2026-11-{day:02} {clock}"
        if one.illness == "copd":
            chart.add(MONITORING, observation("spo2", 92 + day % 3, when, interval=(90, 96)))
        else:
            gained = max(0.0, (day - 20) * 0.8) if one.handle == "knud" else day % 2 * 0.2
            chart.add(MONITORING, observation("weight", round(one.weight + gained, 1), when))


def _admitted(chart: Chart) -> None:
    """Ruth has not measured for three days because she is in hospital."""
    stay = encounter(
        "IMP",
        "Akut indlæggelse",
        "2026-11-21 16:40",
        reasons=[diagnosis("pneumonia")],
        place="Stue 7",
        admitted_from="Lægevagten",
    )
    contact = chart.add(ACUTE, stay, by="anders-emergency")
    chart.add(
        ACUTE,
        condition(diagnosis("pneumonia"), "2026-11-21", category="diagnosis"),
        by="anders-emergency",
        contact=contact,
    )
    for when, saturation, pulse in (
        ("2026-11-21 16:45", 87, 104),
        ("2026-11-22 08:00", 90, 92),
        ("2026-11-23 08:00", 91, 86),
    ):
        measure(chart, ACUTE, when, {"spo2": saturation, "pulse": pulse}, by="dorte-emergency-nurse", contact=contact)
    lab(chart, "2026-11-21 17:00", {"crp": 142, "leukocytes": 14.6, "creatinine": 92, "egfr": 50})
    lab(chart, "2026-11-23 07:00", {"crp": 88, "leukocytes": 11.2})
    text = "82-årig kvinde med KOL indlægges med feber, hoste og åndenød. Lungebetændelse på højre side. Doxycyclin og ilt, mål 88–92 %."
    chart.add(
        ACUTE, letter("notat", "Indlæggelsesnotat", "2026-11-21 17:30", text), by="anders-emergency", contact=contact
    )
    antibiotic = medication_request(
        "doxycycline", Dose("2 tabletter første dag, derefter 1 tablet dagligt i 6 dage", 1), "lungebetændelse", "2026-11-21",
        until="2026-11-27", inpatient=True,
    )  # fmt: skip
    chart.add(ACUTE, antibiotic, by="anders-emergency", contact=contact)
