"""What a Danish clinician should find in the records: each fact once, by the code and value it is known by."""

import base64
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from demo.clinical import body_mass_index, egfr
from demo.personas import PERSONAS
from demo.world import charts


@cache
def record(handle: str) -> tuple[dict, ...]:
    chart = next(chart for chart in charts() if chart.citizen.handle == handle)
    return tuple(entry["resource"] for source in chart.bundles() for entry in source.bundle["entry"])


def of(handle: str, *types: str) -> Iterator[dict]:
    return (resource for resource in record(handle) if resource["resourceType"] in types)


def series(handle: str, code: str) -> list[tuple[str, Any]]:
    """Values of one code (or of one text) in order of time."""
    found = []
    for one in of(handle, "Observation"):
        for part in [one, *one.get("component", [])]:
            names = {part["code"].get("text"), *(coding["code"] for coding in part["code"].get("coding", []))}
            if code in names:
                value = part["valueQuantity"]["value"] if "valueQuantity" in part else part.get("valueString")
                found.append((one["effectiveDateTime"], value))
    return sorted(found)


LATEST = [
    ("jens", "20155-8", 1.43),
    ("jens", "20152-5", 46),
    ("jens", "19868-9", 2.90),
    ("jens", "19926-5", 0.49),
    ("jens", "MRC åndenød (1–5)", 3),
    ("jens", "NPU03804", 71),
    ("jens", "NPU03011", 86),
    ("birthe", "NPU27300", 61),
    ("birthe", "NPU18016", 118),
    ("birthe", "DNK35302", 37),
    ("birthe", "NPU03230", 4.6),
    ("birthe", "NPU19661", 180),
    ("birthe", "NPU02319", 7.3),
    ("birthe", "NPU03804", 58),
    ("birthe", "Sår, længde", 2.1),
    ("birthe", "Sår, bredde", 1.6),
    ("birthe", "Tåtryk, højre", 62),
    ("birthe", "MCS88125", 3),
    ("birthe", "MCS88122", 22),
    ("birthe", "NPU21692", 92),
    ("fatima", "Glukose 2 timer efter 75 g (OGTT)", 7.8),
    ("fatima", "NPU02319", 6.9),
    ("fatima", "NPU04206", "1+"),
    ("fatima", "Blodtype", "A RhD-negativ"),
    ("fatima", "Fosterets RhD-type", "RhD-positiv"),
    ("fatima", "HIV", "Negativ"),
    ("kasper", "NPU02902", 3.1),
    ("kasper", "8636-3", 448),
    ("kasper", "NPU27300", 43),
    ("kasper", "39156-5", 34.0),
    ("lene", "NPU03577", 1.9),
    ("lene", "DEXA, T-score (hofte)", -1.8),
    ("lene", "Østrogenreceptor (ER)", 100),
    ("lene", "Ki-67", 12),
    ("noah", "NPU03794", 1.71),
    ("noah", "NPU03804", 58),
    ("noah", "NPU21692", 84),
    ("noah", "DNK05472", 112),
    ("noah", "DNK05473", 68),
    ("sara", "44261-6", 9),
    ("sara", "44260-8", 1),
    ("sara", "70274-6", 7),
    ("sara", "MDI (0–50)", 28),
    ("sara", "WHO-5 trivsel (0–100)", 52),
    ("sara", "NPU03577", 2.1),
    ("sara", "NPU19763", 24),
    ("sara", "NPU02319", 8.2),
]


@pytest.mark.parametrize(("handle", "code", "value"), LATEST)
def test_the_latest_value_is_the_known_one(handle, code, value):
    assert series(handle, code)[-1][1] == value


def test_lung_function_falls_over_three_years():
    assert [value for _, value in series("jens", "20155-8")] == [1.58, 1.52, 1.43]


def test_crp_rises_at_admission_and_falls_again():
    february = [value for when, value in series("jens", "NPU19748") if "2026-01-12" <= when[:10] <= "2026-02-09"]
    assert february[:3] == [3, 84, 92]
    assert february[3:] == sorted(february[3:], reverse=True)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("NPU03011", 86),
        ("NPU12474", 7.36),
        ("NPU02593", 11.8),
        ("NPU01933", 0.22),
        ("NPU02319", 8.9),
        ("NPU18016", 88),
        ("DNK35302", 77),
    ],
)
def test_the_admission_was_measured(code, value):
    assert next(found for when, found in series("jens", code) if when.startswith("2026-02-04")) == value


def test_scores_fall_and_wellbeing_rises():
    assert [value for _, value in series("sara", "44261-6")] == [15, 9]
    assert [value for _, value in series("sara", "70274-6")] == [13, 7]
    assert [value for _, value in series("sara", "WHO-5 trivsel (0–100)")] == [32, 52]


def test_blood_pressure_in_pregnancy_rises_to_treatment():
    clinic = [r for r in of("fatima", "Observation") if r["code"]["text"] == "Blodtryk" and "method" not in r]
    pressures = [
        tuple(part["valueQuantity"]["value"] for part in r["component"])
        for r in sorted(clinic, key=lambda r: r["effectiveDateTime"])
    ]
    assert pressures[0] == (118, 72)
    assert pressures[-1] == (144, 92)


CODES = [
    ("jens", "DJ449"), ("jens", "R95"), ("jens", "DI109"), ("jens", "DJ441"), ("jens", "DJ101"), ("jens", "I7.1"),
    ("birthe", "DE115"), ("birthe", "DN183"), ("birthe", "DI489"), ("birthe", "I4.2"),
    ("kasper", "DF200"), ("kasper", "DF112"), ("lene", "DC509"), ("noah", "DJ459"), ("noah", "DF900"), ("sara", "DF321"), ("sara", "DF411"),
]  # fmt: skip


@pytest.mark.parametrize(("handle", "code"), CODES)
def test_the_diagnosis_is_registered(handle, code):
    assert any(coding["code"] == code for one in of(handle, "Condition") for coding in one["code"].get("coding", []))


MEDICINES = [
    ("jens", "R03AL06", "2,5+2,5 µg", "2 pust 1 gang dagligt mod KOL", "active"),
    ("jens", "R03AC02", "0,1 mg", "1–2 pust ved behov mod åndenød, højst 8 i døgnet", "active"),
    ("jens", "C08CA01", "5 mg", "1 tablet dagligt mod forhøjet blodtryk", "active"),
    ("jens", "H02AB06", "25 mg", "1½ tablet (37,5 mg) dagligt i 5 dage", "completed"),
    ("birthe", "A10BA02", "500 mg", "1 tablet 2 gange dagligt mod diabetes", "active"),
    ("birthe", "B01AF02", "2,5 mg", "1 tablet 2 gange dagligt mod blodpropper ved atrieflimren", "active"),
    ("birthe", "C07AB02", "50 mg", "1 depottablet dagligt mod hurtig puls", "active"),
    ("birthe", "C03CA01", "40 mg", "1 tablet morgen mod væske i kroppen", "active"),
    ("fatima", "C07AG01", "200 mg", "1 tablet 2 gange dagligt mod forhøjet blodtryk", "active"),
    ("kasper", "N05AH02", "100 mg", "1 tablet morgen og 3 tabletter aften mod skizofreni", "active"),
    ("kasper", "N07BC51", "8+2 mg", "2 resoribletter (16 mg) dagligt under opsyn i Rusmiddelcenteret", "active"),
    ("kasper", "N05BA04", "15 mg", "1 tablet ved behov mod uro, højst 2 i døgnet", "active"),
    ("kasper", "A06AD65", "13,7 g", "1 brev dagligt mod forstoppelse", "active"),
    ("lene", "L02BG04", "2,5 mg", "1 tablet dagligt mod tilbagefald af brystkræft, i 5 år", "active"),
    ("lene", "H03AA01", "75 µg", "1 tablet dagligt mod lavt stofskifte", "active"),
    ("noah", "R03AK07", "80+4,5 µg", "1 pust 2 gange dagligt mod astma, og 1 pust ved behov før idræt", "active"),
    ("noah", "N06BA04", "36 mg", "1 depottablet hver morgen mod ADHD", "active"),
    ("sara", "N06AB06", "50 mg", "1 tablet hver morgen mod depression og angst", "active"),
    ("sara", "N02CC01", "50 mg", "1 tablet ved anfald, højst 2 i døgnet", "active"),
    ("sara", "G02BA03", "20 µg/døgn", "Lagt op 14.03.2024, skiftes senest 2032", "active"),
]


def card(handle: str) -> Iterator[tuple[str, str, str, str]]:
    for order in of(handle, "MedicationRequest"):
        product = order["contained"][0]
        strength = product["extension"][0]["valueString"]
        yield product["code"]["coding"][0]["code"], strength, order["dosageInstruction"][0]["text"], order["status"]


@pytest.mark.parametrize(("handle", "atc", "strength", "dose", "status"), MEDICINES)
def test_the_medicine_stands_on_the_card(handle, atc, strength, dose, status):
    assert (atc, strength, dose, status) in set(card(handle))


def test_only_three_medicines_are_current_for_jens():
    assert sorted(atc for atc, _, _, status in card("jens") if status == "active") == ["C08CA01", "R03AC02", "R03AL06"]


def test_birthes_medicine_is_dose_dispensed():
    marked = [
        o
        for o in of("birthe", "MedicationRequest")
        if any(e["url"].endswith("dose-dispensed") for e in o.get("extension", []))
    ]
    assert len(marked) == 4


def test_sildenafil_is_marked_private():
    order = next(
        o for o in of("kasper", "MedicationRequest") if o["contained"][0]["code"]["coding"][0]["code"] == "G04BE03"
    )
    assert any(e["url"].endswith("private-mark") and e["valueBoolean"] for e in order["extension"])


def test_what_is_private_comes_from_the_source_that_is_blocked():
    hidden = {block.what_url for persona in PERSONAS if persona.handle == "kasper" for block in persona.blocks}
    chart = next(chart for chart in charts() if chart.citizen.handle == "kasper")
    private = [source.bundle["entry"] for source in chart.bundles() if source.organisation_url in hidden]
    assert [_atc(entry["resource"]) for entries in private for entry in entries] == ["G04BE03"]


def _atc(order: dict) -> str:
    return str(order["contained"][0]["code"]["coding"][0]["code"])


def test_cave_is_the_whole_penicillin_group_and_uncertain():
    cave = next(of("jens", "AllergyIntolerance"))
    assert cave["code"]["coding"][0]["code"] == "J01C"
    assert cave["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    assert cave["onsetDateTime"] == "1998"


def test_the_discharge_letter_says_exactly_what_it_said():
    letters = [
        base64.b64decode(r["content"][0]["attachment"]["data"]).decode() for r in of("jens", "DocumentReference")
    ]
    assert (
        "Indlagt 4.–9. feb. med influenza A og KOL-exacerbation. Ilt seponeret dag 4. FMK ajourført. Egen læge bedes se pt. om 1 uge: "
        "saturation, inhalationsteknik. Kontrol-rtg. om 6 uger er bestilt af os."
    ) in letters


def test_flags_carry_target_and_decision():
    assert any(flag["code"]["text"] == "Ilt: mål 88–92 %" and flag["status"] == "active" for flag in of("jens", "Flag"))
    declined = [flag for flag in of("birthe", "Flag") if flag["category"][0]["coding"][0]["code"] == "resuscitation"]
    assert declined[0]["code"]["text"].startswith("Genoplivning: fravalgt")


def test_ulla_may_be_called_at_work():
    ulla = next(of("jens", "RelatedPerson"))
    assert ("work", "20 00 00 14") in {(point["use"], point["value"]) for point in ulla["telecom"]}
    assert any(e["url"].endswith("may-be-called") and e["valueBoolean"] is True for e in ulla["extension"])


def test_home_measurements_miss_the_seventeenth():
    days = {when[:10] for when, _ in series("jens", "NPU03011") if when >= "2026-11-09"}
    assert days == {f"2026-11-{day:02}" for day in range(9, 24) if day != 17}


def test_protected_addresses_are_withheld():
    for handle in ("noah", "alma", "camilla"):
        home = next(of(handle, "Patient"))["address"]
        assert home == [{"use": "home", "text": "Beskyttet adresse", "country": "DK"}]
        assert all("address" not in relative for relative in of(handle, "RelatedPerson"))


def test_one_note_is_masked_from_parents():
    masked = [r for r in of("noah", "DocumentReference") if "securityLabel" in r]
    assert len(masked) == 1


def test_vaccinations_follow_age():
    noah = [r["vaccineCode"]["coding"][0]["code"] for r in of("noah", "Immunization")]
    assert (noah.count("J07BD52"), noah.count("J07BM03")) == (2, 1)
    assert "J07BD52" not in [r["vaccineCode"]["coding"][0]["code"] for r in of("alma", "Immunization")]


def test_the_missed_influenza_vaccine_is_not_a_vaccination():
    missed = [r for r in of("jens", "Immunization") if r["status"] == "not-done"]
    assert missed[0]["vaccineCode"]["text"] == "Influenza (ikke givet)"


def test_an_interpreter_is_needed():
    patient = next(of("fatima", "Patient"))
    assert patient["extension"][0]["valueBoolean"] is True
    assert patient["communication"][0]["language"]["text"] == "Somali"


@pytest.mark.parametrize("chart", charts(), ids=lambda chart: chart.citizen.handle)
def test_filtration_follows_creatinine(chart):
    sex, year = chart.citizen.gender, int(chart.citizen.born[:4])
    made = dict(series(chart.citizen.handle, "NPU18016"))
    for when, filtration in series(chart.citizen.handle, "DNK35302"):
        assert abs(egfr(made[when], int(when[:4]) - year, sex) - filtration) <= 2


def test_body_mass_index_is_weight_over_height_squared():
    height = series("kasper", "NPU03794")[-1][1]
    assert body_mass_index(series("kasper", "NPU03804")[-1][1], height) == series("kasper", "39156-5")[-1][1]


def test_the_wound_gets_smaller():
    lengths = [value for _, value in series("birthe", "Sår, længde")]
    assert lengths == sorted(lengths, reverse=True)
