"""Ulla, married to Jens: a small record of her own."""

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.fhir import Dose, condition, immunization, medication_request, no_known_allergies, observation, related_person
from demo.people.common import CARD, VACCINES, lab, measure, visit

GP = "havnegade"
_ULLA = Citizen(
    "ulla", "Ulla Test Holm", "0406619996", "female", "1961-06-04", GP, "Fjordbakken 12, 6991 Vestfjord",
    phone="20 00 00 15", married=("M", "Gift"),
)  # fmt: skip


def ulla() -> Chart:
    """The record of Ulla."""
    chart = Chart(_ULLA)
    chart.add(
        "personregister",
        related_person(
            "Jens Test Holm",
            ("SPS", "ægtefælle"),
            phones=[("20 00 00 13", "mobile")],
            may_be_called=True,
            gender="male",
        ),
    )
    chart.add(GP, condition(diagnosis("hypertension-gp"), "2018-04-11"), by="mette-gp")
    chart.add(GP, no_known_allergies("2025-09-03"), by="mette-gp")
    for when, pressure in (
        ("2024-09-05 10:00", (138, 84)),
        ("2025-09-03 10:20", (134, 82)),
        ("2026-09-02 10:40", (132, 80)),
    ):
        contact = visit(chart, GP, when, "Årskontrol, blodtryk", diagnosis("hypertension-gp"), by="rikke-clinic-nurse")
        measure(
            chart, GP, when, {"weight": 68, "pulse": 70}, by="rikke-clinic-nurse", contact=contact, pressure=pressure
        )
    lab(chart, "2026-09-02 10:50", {"creatinine": 68, "egfr": 81, "potassium": 4.0, "ldl": 2.9, "hba1c": 38})
    dose = Dose("1 tablet dagligt mod forhøjet blodtryk", 1)
    order = medication_request("losartan", dose, "forhøjet blodtryk", "2018-04-11", written="2026-09-02 11:00")
    chart.add(CARD, order, by="mette-gp")
    chart.add("billede", observation("mammography", "Normal", "2025-10-08", out="N"))
    chart.add("laboratorium", observation("fit", "Ingen blod i afføringen", "2025-06-17", out="N"))
    for day in ("2024-10-21", "2025-10-20", "2026-10-19"):
        chart.add(VACCINES, immunization("influenza", day))
    return chart
