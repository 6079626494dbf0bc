"""Kasper: schizophrenia and opioid substitution, lives in a residential home; a pedagogue gives, a nurse doses."""

from demo.catalogue import diagnosis
from demo.chart import Chart, Citizen
from demo.datatypes import concept
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
    medication_administration,
    medication_request,
    no_known_allergies,
    observation,
    referral,
    related_person,
)
from demo.people.common import CARD, PRIVATE, VACCINES, lab, measure, visit
from demo.places import PLACES

GP = "havnegade"
PSYCHIATRY = "psykiatri"
HOME = "botilbud"
CENTRE = "rusmiddel"
NURSES = "hjemmesygepleje"
_KASPER = Citizen(
    "kasper", "Kasper Test Lund", "2511879995", "male", "1987-11-25", GP, "Fyrbakken 1, 6991 Vestfjord",
    phone="20 00 00 43", married=("U", "Ugift"),
)  # fmt: skip


def kasper() -> Chart:
    """The record of Kasper."""
    chart = Chart(_KASPER)
    chart.add(
        "personregister",
        related_person(
            "Lis Test Lund", ("MTH", "mor"), phones=[("20 00 00 44", "mobile")], may_be_called=True,
            wish="Kasper siger: ring gerne til mor, men ikke om stoffer.", gender="female",
        ),
    )  # fmt: skip
    _general_practice(chart)
    _psychiatry(chart)
    _blood_tests(chart)
    orders = _medicine_card(chart)
    _substance_centre(chart, orders)
    _nurse(chart)
    _residence(chart, orders)
    _booked(chart)
    return chart


def _general_practice(chart: Chart) -> None:
    by = "mette-gp"
    known = [
        ("schizophrenia-gp", "2009-03-04"),
        ("obesity-gp", "2017-10-02"),
        ("constipation-gp", "2020-01-14"),
        ("smoker-gp", "2003-01-01"),
    ]
    for key, since in known:
        chart.add(GP, condition(diagnosis(key), since), by=by)
    chart.add(GP, no_known_allergies("2024-05-06"), by=by)
    for when, weight, bmi, pressure in (
        ("2024-11-18 13:00", 107, 33.0, (134, 86)),
        ("2025-11-17 13:00", 109, 33.6, (136, 86)),
        ("2026-11-09 13:00", 110, 34.0, (134, 84)),
    ):
        contact = visit(
            chart, GP, when, "Årlig kropslig undersøgelse", diagnosis("schizophrenia-gp"), by=by, minutes=30
        )
        measure(
            chart,
            GP,
            when,
            {"weight": weight, "bmi": bmi, "smoking": "Ryger 15 om dagen"},
            by=by,
            contact=contact,
            pressure=pressure,
        )
    chart.add(GP, observation("height", 1.80, "2024-11-18 13:00"), by=by)


def _psychiatry(chart: Chart) -> None:
    by = "nadia-psychiatry"
    earlier = encounter(
        "IMP", "Indlæggelse, psykiatri", "2019-09-02 14:00", "2019-11-20 12:00", reasons=[diagnosis("schizophrenia")]
    )
    chart.add(PSYCHIATRY, earlier, by=by)
    course = encounter("AMB", "Ambulant forløb, psykose", "2019-12-04 10:00", reasons=[diagnosis("schizophrenia")])
    contact = chart.add(PSYCHIATRY, course, by=by)
    for key, since in (("schizophrenia", "2009-02-12"), ("opioid-dependence", "2014-06-01")):
        chart.add(PSYCHIATRY, condition(diagnosis(key), since, recorded="2019-12-04"), by=by, contact=contact)
    for when, qtc in (("2025-05-19 09:20", 441), ("2026-05-18 09:20", 448)):
        value = chart.add(PSYCHIATRY, observation("qtc", qtc, when, sex="male"), by=by, contact=contact)
        words = f"Sinusrytme. QTc {qtc} ms."
        chart.add(
            PSYCHIATRY,
            diagnostic_report("EKG", when, results=[value], conclusion=words, category="EC"),
            by=by,
            contact=contact,
        )
    text = "Stabil på clozapin 400 mg. Hører stemmer i svag grad, kan afledes. Sover godt. Blodprøver og EKG uden anmærkninger."
    chart.add(PSYCHIATRY, letter("notat", "Ambulant notat", "2026-10-26 10:30", text), by=by, contact=contact)
    watch = flag(
        "Clozapin: neutrofile hver 4. uge",
        "2020-01-15",
        detail="Under 1,5: stop og ring til Psykiatrisk Afdeling. Ved feber: tag blodprøve samme dag.",
    )
    chart.add(PSYCHIATRY, watch, by=by)


def _blood_tests(chart: Chart) -> None:
    counts = [
        ("07-06", 3.4, 6.6),
        ("08-03", 3.2, 6.4),
        ("08-31", 3.6, 6.9),
        ("09-28", 3.3, 6.5),
        ("10-26", 3.0, 6.2),
        ("11-16", 3.1, 6.3),
    ]
    for day, neutrophils, leukocytes in counts:
        lab(chart, f"2026-{day} 08:15", {"neutrophils": neutrophils, "leukocytes": leukocytes}, "Clozapin-kontrol")
    lab(
        chart,
        "2026-11-09 08:30",
        {"hba1c": 43, "ldl": 3.4, "hdl": 0.9, "triglycerides": 2.3, "creatinine": 82, "egfr": 90, "alat": 38},
    )
    lab(chart, "2025-11-17 08:30", {"hba1c": 41, "ldl": 3.3, "triglycerides": 2.1})
    lab(chart, "2026-10-26 08:10", {"clozapine": 1320}, "Medicinspejl")


def _medicine_card(chart: Chart) -> dict[str, str]:
    doctor, gp, centre = "nadia-psychiatry", "mette-gp", "ole-substance"
    card = [
        (
            "clozapine",
            Dose("1 tablet morgen og 3 tabletter aften mod skizofreni"),
            "skizofreni",
            "2019-10-07",
            doctor,
            False,
        ),
        (
            "buprenorphine-naloxone",
            Dose("2 resoribletter (16 mg) dagligt under opsyn i Rusmiddelcenteret", 1),
            "opioidafhængighed",
            "2021-03-01",
            centre,
            False,
        ),
        (
            "oxazepam",
            Dose("1 tablet ved behov mod uro, højst 2 i døgnet", as_needed="uro"),
            "uro",
            "2022-08-15",
            gp,
            False,
        ),
        ("macrogol", Dose("1 brev dagligt mod forstoppelse", 1), "forstoppelse", "2020-01-14", gp, False),
        (
            "sildenafil",
            Dose("1 tablet ved behov, højst 1 i døgnet", as_needed="rejsningsbesvær"),
            "rejsningsbesvær",
            "2026-04-20",
            gp,
            True,
        ),
    ]
    orders = {}
    for key, dose, reason, since, by, private in card:
        order = medication_request(key, dose, reason, since, private=private, written="2026-11-09 13:20")
        orders[key] = chart.add(PRIVATE if private else CARD, order, by=by)
    return orders


def _substance_centre(chart: Chart, orders: dict[str, str]) -> None:
    by = "ole-substance"
    course = encounter("AMB", "Substitutionsbehandling", "2021-03-01 09:00", reasons=[diagnosis("opioid-dependence")])
    contact = chart.add(CENTRE, course, by=by)
    stay = chart.add(CENTRE, goal("Ingen sidemisbrug, og beholde boligen", "2021-03-01"), by=by)
    steps = ["Opsynsindtagelse hver dag kl. 10", "Samtale hver anden uge"]
    chart.add(
        CENTRE, care_plan("Behandlingsplan, substitution", "2021-03-01", steps, goals=[stay]), by=by, contact=contact
    )
    for day in range(19, 24):
        taken = medication_administration(
            "buprenorphine-naloxone",
            f"2026-11-{day} 10:05",
            "16 mg under tungen, set taget",
            order=orders["buprenorphine-naloxone"],
        )
        chart.add(CENTRE, taken, contact=contact)


def _nurse(chart: Chart) -> None:
    by = "karen-nurse"
    contact = chart.add(
        NURSES, encounter("HH", "Dosering af medicin", "2020-02-03 09:00", reasons=[diagnosis("dispensing")]), by=by
    )
    chart.add(
        NURSES,
        condition(diagnosis("mental-fsiii"), "2020-02-03", words="Kan ikke selv styre medicinen."),
        by=by,
        contact=contact,
    )
    tasks = ["Medicindispensering hver anden mandag", "Medicinen gives af personalet på botilbuddet"]
    chart.add(NURSES, care_plan("Sygeplejeplan, medicin", "2020-02-03", tasks), by=by, contact=contact)


def _residence(chart: Chart, orders: dict[str, str]) -> None:
    by = "maja-pedagogue"
    contact = chart.add(
        HOME, encounter("HH", "Botilbud, § 108", "2020-02-01 12:00", reasons=[diagnosis("administration")]), by=by
    )
    chart.add(
        HOME,
        observation("living", "Egen lejlighed på botilbuddet, personale hele døgnet", "2020-02-01"),
        by=by,
        contact=contact,
    )
    aim = chart.add(HOME, goal("Handle ind selv én gang om ugen", "2026-01-05", due="2026-12-31"), by=by)
    chart.add(
        HOME,
        care_plan("Pædagogisk plan", "2026-01-05", ["Følges til indkøb onsdag", "Gå tur hver dag"], goals=[aim]),
        by=by,
        contact=contact,
    )
    for day in range(20, 24):
        for key, clock, amount in (
            ("clozapine", "08:05", "1 tablet"),
            ("macrogol", "08:05", "1 brev"),
            ("clozapine", "20:00", "3 tabletter"),
        ):
            if (day, clock) != (23, "20:00"):
                dose = medication_administration(key, f"2026-11-{day} {clock}", amount, order=orders[key])
                chart.add(HOME, dose, by=by, contact=contact)
    calm = medication_administration("oxazepam", "2026-11-21 22:15", "1 tablet", order=orders["oxazepam"])
    chart.add(HOME, calm, by=by, contact=contact)


def _booked(chart: Chart) -> None:
    psychiatry = PLACES[PSYCHIATRY].reference
    chart.add(PSYCHIATRY, appointment("Samtale og blodprøve", "2026-12-14 08:15", "2026-12-14 09:00", unit=psychiatry))
    chart.add(
        GP,
        referral(concept("Tilbud om rygestop"), "2026-11-09 13:25", to=PLACES["traening"].reference, status="draft"),
        by="mette-gp",
    )
    chart.add(VACCINES, immunization("influenza", "2026-10-14"))
