"""Lene: breast cancer found at screening, operated on, with the choice of radiotherapy still open."""

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
from demo.people.common import CARD, VACCINES, Values, lab, measure, visit
from demo.places import PLACES
from demo.staff import STAFF

GP = "havnegade"
BREAST = "mamma"
ONCOLOGY = "onkologi"
IMAGING = "billede"
_LENE = Citizen(
    "lene", "Lene Test Kjær", "1108609996", "female", "1960-08-11", GP, "Møllevej 18, 6991 Vestfjord",
    phone="20 00 00 53", married=("D", "Fraskilt"),
)  # fmt: skip


def lene() -> Chart:
    """The record of Lene."""
    chart = Chart(_LENE)
    chart.add(
        "personregister",
        related_person(
            "Stine Test Kjær",
            ("DAUC", "datter"),
            phones=[("20 00 00 54", "mobile")],
            may_be_called=True,
            gender="female",
        ),
    )
    _general_practice(chart)
    _screening(chart)
    _work_up(chart)
    _operation(chart)
    _oncology(chart)
    _medicine_card(chart)
    _booked(chart)
    return chart


def _general_practice(chart: Chart) -> None:
    by = "mette-gp"
    chart.add(GP, condition(diagnosis("hypothyroidism-gp"), "2011-09-20"), by=by)
    chart.add(GP, condition(diagnosis("breast-cancer-gp"), "2026-09-04"), by=by)
    chart.add(GP, condition(diagnosis("osteopenia-gp"), "2026-10-20"), by=by)
    chart.add(GP, no_known_allergies("2026-01-22"), by=by)
    contact = visit(chart, GP, "2026-01-22 10:00", "Årskontrol, stofskifte", diagnosis("hypothyroidism-gp"), by=by)
    measure(chart, GP, "2026-01-22 10:05", {"weight": 69, "pulse": 68}, by=by, contact=contact, pressure=(128, 78))
    lab(chart, "2026-01-20 08:20", {"tsh": 1.9, "haemoglobin": 8.3, "creatinine": 66, "egfr": 84})
    lab(chart, "2025-01-21 08:20", {"tsh": 2.3})
    lab(chart, "2024-01-23 08:20", {"tsh": 3.1})


def _screening(chart: Chart) -> None:
    chart.add("laboratorium", observation("hpv", "Negativ. Udgår af screeningen.", "2024-05-14", out="N"))
    chart.add("laboratorium", observation("fit", "Ingen blod i afføringen", "2025-04-08", out="N"))
    for when, result, out in (
        ("2022-08-16", "Normal", "N"),
        ("2024-08-20", "Normal", "N"),
        ("2026-08-24", "Indkaldt til ny undersøgelse", "A"),
    ):
        chart.add(IMAGING, observation("mammography", result, when, out=out))


def _work_up(chart: Chart) -> None:
    by = "susanne-breast"
    course = encounter(
        "AMB", "Kræftpakke, brystkræft", "2026-08-31 09:00", "2026-10-01 15:00", reasons=[diagnosis("breast-cancer")]
    )
    contact = chart.add(BREAST, course, by=by)
    chart.add(BREAST, condition(diagnosis("breast-cancer"), "2026-09-04", category="diagnosis"), by=by, contact=contact)
    imaging = (
        "14 mm uregelmæssig opacitet kl. 2 i venstre bryst, BI-RADS 5. Aksil uden suspekte lymfeknuder ved ultralyd."
    )
    chart.add(
        IMAGING,
        diagnostic_report("Klinisk mammografi og ultralyd", "2026-08-31 09:30", conclusion=imaging, category="RAD"),
    )
    chart.add(BREAST, procedure(concept("Grovnålsbiopsi, venstre bryst"), "2026-08-31 10:15"), by=by, contact=contact)
    dates = [
        ("Henvist til kræftpakke 27.08.2026", "completed"),
        ("Udredning 31.08.2026", "completed"),
        ("Svar og beslutning 04.09.2026", "completed"),
        ("Operation 15.09.2026", "completed"),
        ("Svar på operation 25.09.2026", "completed"),
        ("Antihormon fra 01.10.2026", "in-progress"),
        ("Valg om strålebehandling, samtale 30.11.2026", "scheduled"),
    ]
    live = chart.add(
        BREAST, goal("Komme tilbage på arbejde på halv tid", "2026-09-25", due="2027-01-04"), by="gitte-contact-nurse"
    )
    words = "Kontaktsygeplejerske: Gitte Test Lauritsen, telefon 70 00 01 19, hverdage kl. 8–15."
    chart.add(
        BREAST,
        care_plan("Kræftforløb, bryst", "2026-08-27", dates, goals=[live], words=words),
        by="gitte-contact-nurse",
        contact=contact,
    )


def _operation(chart: Chart) -> None:
    by = "susanne-breast"
    stay = encounter(
        "IMP",
        "Operation, venstre bryst",
        "2026-09-15 07:30",
        "2026-09-16 11:00",
        reasons=[diagnosis("breast-cancer")],
        discharged_to="Eget hjem",
    )
    contact = chart.add(BREAST, stay, by=by)
    chart.add(
        BREAST,
        procedure(concept("Brystbevarende operation (lumpektomi)"), "2026-09-15 09:10", site="Venstre bryst"),
        by=by,
        contact=contact,
    )
    chart.add(
        BREAST,
        procedure(
            concept("Sentinel node-biopsi"),
            "2026-09-15 09:40",
            site="Venstre armhule",
            words="0 af 2 lymfeknuder med metastase.",
        ),
        by=by,
        contact=contact,
    )
    markers: Values = {"er": 100, "her2": "Negativ", "ki67": 12}
    results = [chart.add("laboratorium", observation(key, value, "2026-09-22 14:00")) for key, value in markers.items()]
    words = "Invasivt duktalt karcinom, 14 mm, malignitetsgrad 2. ER 100 %, HER2 negativ, Ki-67 12 %. Frie resektionsrande. Sentinel node 0/2."
    chart.add(
        "laboratorium",
        diagnostic_report(
            "Patologi, venstre bryst", "2026-09-22 14:00", results=results, conclusion=words, category="PAT"
        ),
    )
    text = (
        "Screeningsfundet brystkræft i venstre side. Brystbevarende operation og sentinel node 15.09.2026. Duktalt karcinom 14 mm, grad 2, "
        "ER 100 %, HER2 negativ, Ki-67 12 %, SN 0/2, frie rande. MDT: letrozol i 5 år; strålebehandling af restbryst drøftes med Lene, "
        "da gevinsten er lille. Egen læge bedes følge knogletæthed."
    )
    chart.add(
        BREAST,
        letter("epikrise", "Epikrise, brystkræft", "2026-09-25 15:00", text, start="2026-08-31", end="2026-09-25"),
        by=by,
        contact=contact,
    )
    to_oncology = referral(
        concept("Strålebehandling af restbryst, samtale"), "2026-09-25 15:10", to=PLACES[ONCOLOGY].reference, reasons=[diagnosis("breast-cancer")]
    )  # fmt: skip
    chart.add(BREAST, to_oncology, by=by, contact=contact)


def _oncology(chart: Chart) -> None:
    by = "emil-oncology"
    course = encounter(
        "AMB", "Ambulant forløb, adjuverende behandling", "2026-10-01 10:00", reasons=[diagnosis("breast-cancer")]
    )
    contact = chart.add(ONCOLOGY, course, by=by)
    measure(
        chart,
        ONCOLOGY,
        "2026-10-01 10:10",
        {"weight": 68},
        by="gitte-contact-nurse",
        contact=contact,
        pressure=(132, 80),
    )
    scan = observation("t-score", -1.8, "2026-10-20 13:00", sex="female")
    result = chart.add(IMAGING, scan)
    words = "T-score −1,8 i hofte, −1,5 i ryg: osteopeni."
    chart.add(
        IMAGING,
        diagnostic_report("DEXA-scanning", "2026-10-20 13:00", results=[result], conclusion=words, category="RAD"),
    )
    talk = "Tager letrozol uden store gener, lidt ømme led om morgenen. Har fået beslutningsstøtte om strålebehandling med hjem. Vælger 30.11."
    chart.add(
        ONCOLOGY, letter("notat", "Telefonsamtale", "2026-11-12 09:30", talk), by="gitte-contact-nurse", contact=contact
    )


def _medicine_card(chart: Chart) -> None:
    letrozole = medication_request(
        "letrozole", Dose("1 tablet dagligt mod tilbagefald af brystkræft, i 5 år", 1), "brystkræft", "2026-10-01"
    )
    chart.add(CARD, letrozole, by="emil-oncology")
    levothyroxine = medication_request(
        "levothyroxine", Dose("1 tablet dagligt mod lavt stofskifte", 1), "lavt stofskifte", "2011-09-20", written="2026-02-10 08:40"
    )  # fmt: skip
    chart.add(CARD, levothyroxine, by="mette-gp")
    calcium = medication_request(
        "calcium-d", Dose("1 tyggetablet 2 gange dagligt, styrker knoglerne", 2), "osteopeni", "2026-10-22"
    )
    chart.add(CARD, calcium, by="mette-gp")
    painkiller = medication_request(
        "paracetamol", Dose("2 tabletter 4 gange dagligt i 5 dage", 4), "smerter efter operation", "2026-09-16",
        until="2026-09-21", status="completed", why_stopped="Ikke længere smerter",
    )  # fmt: skip
    chart.add(CARD, painkiller, by="susanne-breast")
    chart.add(VACCINES, immunization("influenza", "2026-10-27"))


def _booked(chart: Chart) -> None:
    emil = STAFF["emil-oncology"].reference
    unit = PLACES[ONCOLOGY].reference
    choice = "Tag gerne Stine med. Skriv ned, hvad der er vigtigst for dig."
    chart.add(
        ONCOLOGY,
        appointment(
            "Samtale om strålebehandling",
            "2026-11-30 13:00",
            "2026-11-30 13:45",
            unit=unit,
            who=emil,
            patient_words=choice,
        ),
    )
    chart.add(
        GP,
        appointment(
            "Kontrol, stofskifte og knogler", "2027-01-21 10:00", "2027-01-21 10:20", unit=PLACES[GP].reference
        ),
    )
    text = "Du har valget om strålebehandling. Ring til Gitte, hvis du har spørgsmål inden den 30. november."
    chart.add(
        ONCOLOGY, message("Inden samtalen", "2026-11-20 12:00", text, category="Besked"), by="gitte-contact-nurse"
    )
