"""What a letter means in FHIR, and that it is read from FHIR on the way back."""

from datetime import date

import pytest

from helhed.exchange.legacy import decode, encode, follow_ups, from_fhir, page, to_fhir
from helhed.fhir import exact
from helhed.foundation.errors import Unprocessable
from tests.unit.exchange.legacy.samples import sample


def _resources(name: str, kind: str) -> list[dict]:
    bundle = exact.loads(exact.dumps(to_fhir(decode(sample(name))).bundle))
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


@pytest.mark.parametrize("name", ["DIS01.edi", "DIS01.xml"])
def test_a_discharge_letter_is_a_composition_with_its_diagnoses(name):
    (composition,) = _resources(name, "Composition")
    assert composition["status"] == "final"
    assert composition["date"] == "2026-03-02T10:15:00+01:00"
    assert "Indlagt akut" in composition["section"][0]["text"]["div"]
    assert [one["code"]["coding"][0]["code"] for one in _resources(name, "Condition")] == ["DK801", "DE119", "DI109"]
    assert {one["code"]["coding"][0]["system"] for one in _resources(name, "Condition")} == {"urn:oid:1.2.208.176.2.4"}
    (operation,) = _resources(name, "Procedure")
    assert operation["code"]["coding"][0]["code"] == "KJKA21"
    (stay,) = _resources(name, "Encounter")
    assert (stay["period"]["start"], stay["period"]["end"], stay["class"]["code"]) == (
        "2026-02-28T14:30:00+01:00",
        "2026-03-02T10:00:00+01:00",
        "IMP",
    )


def test_a_corrected_letter_says_so():
    assert _resources("DIS02.edi", "Composition")[0]["status"] == "amended"


@pytest.mark.parametrize("name", ["RPT01.edi", "RPT01.xml"])
def test_results_have_code_number_unit_limits_and_flag(name):
    haemoglobin, crp, creatinine, urine = _resources(name, "Observation")[:4]
    assert haemoglobin["code"]["coding"][0] == {
        "code": "NPU02319",
        "system": "urn:oid:1.2.208.176.2.1",
        "display": "Hæmoglobin;B",
    }
    assert haemoglobin["valueQuantity"]["value"].text == "5.10"  # as the laboratory wrote it
    assert haemoglobin["valueQuantity"]["unit"] == "mmol/L"
    assert (haemoglobin["referenceRange"][0]["low"]["value"], haemoglobin["referenceRange"][0]["high"]["value"]) == (
        7.3,
        9.5,
    )
    assert haemoglobin["interpretation"][0]["coding"][0]["code"] == "L"
    assert [note["text"] for note in haemoglobin["note"]] == ["Kontrolleret.\n", "Svar ringet til læge.\n"]
    assert (crp["valueQuantity"]["comparator"], crp["valueQuantity"]["value"]) == ("<", 4)
    assert (creatinine["status"], creatinine["valueQuantity"]["value"]) == ("corrected", 1.5)
    assert (urine["status"], urine["valueString"]) == ("preliminary", "Mørk")
    (report,) = _resources(name, "DiagnosticReport")
    assert (report["status"], len(report["result"])) == ("final", len(_resources(name, "Observation")))


@pytest.mark.parametrize("name", ["REF01.edi", "REF01.xml"])
def test_a_referral_is_a_service_request_with_its_reasons_and_notes(name):
    (request,) = _resources(name, "ServiceRequest")
    assert request["priority"] == "urgent"
    assert request["reasonCode"][0]["coding"][0]["code"] == "DI109"
    notes = {note["id"]: note["text"] for note in request["note"]}
    assert "Penicillin" in notes["cave"]
    assert notes.keys() == {"cave", "history", "examination", "medicine", "reason", "supplement"}


def test_correspondence_is_a_communication():
    (communication,) = _resources("DIS91.edi", "Communication")
    assert communication["topic"]["text"] == "Sårpleje efter udskrivelse"
    assert communication["priority"] == "urgent"
    assert communication["payload"][0]["contentString"].startswith("Kære hjemmepleje.\n")


@pytest.mark.parametrize("name", ["PRE01.edi", "PRE01.xml"])
def test_a_prescription_is_a_medication_request_for_each_drug(name):
    drug = _resources(name, "MedicationRequest")[0]
    assert drug["medicationCodeableConcept"]["text"] == "Prøvemetformin"
    assert drug["dosageInstruction"][0]["text"] == "1 tablet 2 gange daglig"
    assert drug["dispenseRequest"]["numberOfRepeatsAllowed"] == 3
    assert drug["dispenseRequest"]["validityPeriod"] == {"start": "2026-03-02", "end": "2027-03-02"}


@pytest.mark.parametrize(
    ("name", "code", "severity"),
    [("CTL01", "fatal-error", "error"), ("CTL02", "fatal-error", "error"), ("CTL03", "ok", "information")],
)
@pytest.mark.parametrize("syntax", ["edi", "xml"])
def test_a_receipt_answers_an_envelope(name, code, severity, syntax):
    (header,) = _resources(f"{name}.{syntax}", "MessageHeader")
    assert header["response"] == {"identifier": "Kuvert77", "code": code}
    assert severity in {one["severity"] for one in _resources(f"{name}.{syntax}", "OperationOutcome")[0]["issue"]}


# --- back -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["DIS01.edi", "DIS01.xml", "DIS03.xml", "RPT01.edi", "REF01.xml", "PRE01.edi"])
def test_the_letter_is_written_from_fhir_not_from_memory(name):
    """A name that is another in FHIR is another in the letter, and nothing else is."""
    bundle = to_fhir(decode(sample(name))).bundle
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            entry["resource"]["address"] = [
                {
                    **entry["resource"].get("address", [{}])[0],
                    **({"city": "Ribe"} if name[:3] in {"DIS", "REF"} else {}),
                }
            ]
            patient_name = entry["resource"]["name"][0]
            patient_name["text" if "text" in patient_name else "family"] = "Ny?+:'<&"
    letter = decode(encode(from_fhir(bundle)))
    again = to_fhir(letter).bundle
    patients = [entry["resource"]["name"] for entry in again["entry"] if entry["resource"]["resourceType"] == "Patient"]
    assert "Ny?+:'<&" in patients[0][0].values()


def test_text_that_was_changed_is_cut_anew_and_counted_anew():
    bundle = to_fhir(decode(sample("DIS91.edi"))).bundle
    long = "Ny tekst æøå. " * 60 + "\n\n.\nslut\\\n"
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Communication":
            entry["resource"]["payload"][0]["contentString"] = long
    raw = encode(from_fhir(bundle))
    texts = [line for line in raw.decode("iso-8859-1").split("\n") if line.startswith("FTX+NC")]
    assert all(len(part) <= 70 for line in texts for part in line[len("FTX+NC+P00++") : -1].split(":"))
    again = to_fhir(decode(raw)).bundle
    assert [
        one["resource"]["payload"][0]["contentString"]
        for one in again["entry"]
        if one["resource"]["resourceType"] == "Communication"
    ] == [long]


def test_a_value_that_the_message_lost_is_refused_with_its_place():
    bundle = to_fhir(decode(sample("DIS01.edi"))).bundle
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            del entry["resource"]["identifier"]
    with pytest.raises(Unprocessable, match="Patient/CivilRegistrationNumber"):
        from_fhir(bundle)


def test_what_does_not_fit_fhir_is_kept_and_comes_back():
    raw = sample("DIS01.edi").replace(b"DTM+91:202603021000:203", b"DTM+91:202602301000:203")  # the 30th of February
    letter = decode(raw)
    mapped = to_fhir(letter)
    (kept,) = [one for one in mapped.kept if "30" in one.text]
    assert kept.why == "it does not fit the place it has in FHIR"
    assert kept.place.startswith("segment 40 (DTM)") or "DTM" in kept.place
    assert encode(from_fhir(mapped.bundle)) == raw


def test_a_field_said_twice_and_not_alike_is_kept():
    raw = sample("DIS01.edi").replace(b"RFF+SRI:Brev0001", b"RFF+SRI:Andet")
    mapped = to_fhir(decode(raw))
    assert [(one.text, one.why) for one in mapped.kept] == [("Andet", "it is said twice, and not alike")]
    assert encode(from_fhir(mapped.bundle)) == raw


# --- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["DIS01.edi", "DIS01.xml"])
def test_what_the_practice_is_asked_to_do_is_data(name):
    (asked,) = follow_ups(to_fhir(decode(sample(name))).bundle)
    assert asked.text.startswith("blodprøver (levertal) senest 16.03.2026")
    assert "Medicin" not in asked.text
    assert asked.due in {date(2026, 3, 12), date(2026, 3, 16)}
    assert (asked.how, asked.place) == ("heading", "Composition.section[0].text")


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("Kontrol hos egen læge om 2 uger.", date(2026, 3, 16)),
        ("Blodprøve ved egen læge om 3 mdr.", date(2026, 6, 2)),
        ("Fjernelse af sting: følges af egen læge d. 5/3-26", date(2026, 3, 5)),
        ("Egen læge bedes vurdere blodtryk.", None),
        ("Patienten har talt med egen læge.", "nothing"),
        ("Kontrol hos egen læge 31.02.2026", None),
    ],
)
def test_a_turn_of_phrase_is_read_with_its_day(text, due):
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "Composition",
                    "date": "2026-03-02T10:15:00+01:00",
                    "section": [{"text": {"div": f"<div>{text}</div>"}}],
                }
            }
        ],
    }
    asked = follow_ups(bundle)
    found: list[object] = [one.due for one in asked]
    assert (found or ["nothing"]) == [due]


def test_a_section_that_says_it_is_a_follow_up_is_taken_at_its_word():
    section = {
        "code": {"coding": [{"system": "urn:helhed:section", "code": "follow-up"}]},
        "text": {"div": "<div>Mål BT inden 1.4.2026</div>"},
    }
    bundle = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Composition", "section": [section]}}]}
    (asked,) = follow_ups(bundle)
    assert (asked.how, asked.due) == ("section", date(2026, 4, 1))


# --- the page ---------------------------------------------------------------------------------------------------------


def test_a_page_has_who_what_and_tables():
    shown = page(to_fhir(decode(sample("RPT01.xml"))).bundle)
    assert shown.title.da == "Laboratoriesvar"
    assert [text for _, text in shown.head] == [
        "Ærø Sygehus, Klinisk biokemi", "Lægerne Åparken", "Åse Søndergård Prøve, 0101809876", "02.03.2026 10:20",
    ]  # fmt: skip
    (results,) = [section for section in shown.sections if section.heading.en == "Results"]
    assert results.rows[0] == (
        "Hæmoglobin;B",
        "5.10 mmol/L",
        "7.3–9.5",
        "L",
        "final",
        "Kontrolleret.; Svar ringet til læge.",
    )


def test_markup_in_a_letter_is_text_on_the_page():
    raw = sample("DIS91.xml").replace("Kære hjemmepleje.".encode(), b"&lt;script&gt;alert(1)&lt;/script&gt;")
    (section,) = [one for one in page(to_fhir(decode(raw)).bundle).sections if one.lines]
    assert section.lines[0] == "<script>alert(1)</script>"
    html = sample("DIS01.xml").replace(b"Indlagt akut", b"&lt;script&gt;&amp;amp;lt;")
    (composition,) = [
        e["resource"] for e in to_fhir(decode(html)).bundle["entry"] if e["resource"]["resourceType"] == "Composition"
    ]
    assert "&lt;script&gt;&amp;amp;lt;" in composition["section"][0]["text"]["div"]
