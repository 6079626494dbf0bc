"""The whole citizen on one page."""

import pytest

from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.ids import new_id
from helhed.record.measuring import series_of
from helhed.record.overview import chosen_for_charts, overview
from helhed.record.reading import RECORD_TYPES, RecordReader
from tests.unit.record.builders import HERE, NOW, THERE, record, records, row, text, value


def test_an_empty_record_is_an_empty_overview():
    assert overview(record(), NOW).empty


def test_every_source_stands_with_what_it_delivered():
    found = overview(records(here=[value("8302-2", 178, "cm", "2020")] * 2, there=[{"resourceType": "Flag"}]), NOW)
    assert {source.organisation: source.count for source in found.sources} == {HERE: 2, THERE: 1}


def test_what_is_measured_often_gets_a_curve_before_what_was_measured_twice():
    often = [value("29463-7", 70 + n, "kg", f"20{10 + n}") for n in range(4)]
    twice = [value("718-7", 14, "g/dL", "2016"), value("718-7", 15, "g/dL", "2020")]
    once = [value("2345-7", 5, "mmol/L", "2020")]
    chosen = chosen_for_charts(series_of(record(*often, *twice, *once)))
    assert [one.name.words("en") for one in chosen] == ["Weight", "Haemoglobin"]


def test_an_open_contact_comes_before_newer_finished_ones():
    def contact(status, start):
        return {"resourceType": "Encounter", "status": status, "class": {"code": "IMP"}, "period": {"start": start}}

    found = overview(
        record(
            contact("finished", "2026-11-20"), contact("in-progress", "2026-11-18"), contact("planned", "2026-12-01")
        ),
        NOW,
    )
    assert [(c.open, c.start.at.day if c.start else 0) for c in found.contacts] == [(True, 18), (False, 20)]


def test_only_implants_are_implants():
    found = overview(
        record(
            {"resourceType": "Device", "type": text("Pacemaker")},
            {"resourceType": "Device", "type": text("Tablet til hjemmemåling")},
            {"resourceType": "Device", "type": text("Hofteprotese"), "note": [{"text": "implant"}]},
            {"resourceType": "Device", "type": text("Pacemaker, gammel"), "status": "inactive"},
        ),
        NOW,
    )
    assert found.home.implants == ("Pacemaker", "Hofteprotese")


@pytest.mark.parametrize(
    ("needed", "preferred", "shown"),
    [(True, False, "Somali"), (False, True, ""), (None, True, "Somali"), (None, False, "")],
)
def test_an_interpreter_is_needed_when_said_or_when_another_language_is_preferred(needed, preferred, shown):
    patient = {
        "resourceType": "Patient",
        "communication": [{"language": text("Somali", "so", "urn:ietf:bcp:47"), "preferred": preferred}],
    }
    if needed is not None:
        patient["extension"] = [
            {"url": "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired", "valueBoolean": needed}
        ]
    assert overview(record(patient), NOW).home.interpreter == shown


def test_a_relatives_wish_is_yes_no_or_unknown():
    def relative(name, *extensions):
        return {"resourceType": "RelatedPerson", "name": [{"text": name}], "extension": list(extensions)}

    may = {"url": "urn:helhed:extension/may-be-called", "valueBoolean": True}
    found = overview(record(relative("Bo"), relative("Ane", may), relative("Cai", {**may, "valueBoolean": False})), NOW)
    assert [(r.name, r.may_be_called) for r in found.relatives] == [("Ane", True), ("Bo", None), ("Cai", False)]


async def test_a_whole_record_is_one_look_and_says_when_it_was_cut():
    asked = []

    class Rows:
        async def citizen_rows(self, ask, citizen, types, limit):
            asked.append((citizen, tuple(types), limit))
            return [row(value("8302-2", 178, "cm", "2020"))] * limit

    ask = Ask(ActorKind.CITIZEN, 7, None, "", Purpose.OWN, "portal", None, frozenset(), NOW, new_id())
    found = await RecordReader(Rows(), limit=3).whole_record(ask, 7)
    assert found.truncated == {"Observation"}
    assert asked == [(7, RECORD_TYPES, 3)]
