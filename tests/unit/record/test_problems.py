"""Problems, allergies and warnings."""

import pytest

from helhed.record.problems import allergies, problems, says_no_known_allergies, split, warnings
from tests.unit.record.builders import HERE, THERE, record, records, text

ACTIVE = {"coding": [{"code": "active"}]}
RESOLVED = {"coding": [{"code": "resolved"}]}


def condition(concept, status=ACTIVE, **more):
    return {"resourceType": "Condition", "clinicalStatus": status, "code": concept, **more}


def test_the_same_diagnosis_from_two_places_stands_once_with_both_and_the_earliest_start():
    copd = text("KOL", "DJ449")
    found = problems(
        records(here=[condition(copd, onsetDateTime="2020")], there=[condition(copd, onsetDateTime="2016")])
    )
    assert [(p.concept.text, p.since and p.since.at.year, set(p.origins)) for p in found] == [
        ("KOL", 2016, {HERE, THERE})
    ]


def test_active_problems_come_before_those_that_ended_and_newest_first():
    found = problems(
        record(
            condition(text("Hoftebrud", "DS720"), RESOLVED, onsetDateTime="2025"),
            condition(text("Forhøjet blodtryk", "DI109"), onsetDateTime="2012"),
            condition(text("Influenza", "DJ101"), onsetDateTime="2026-02-04"),
        )
    )
    assert [(p.concept.text, p.active) for p in found] == [
        ("Influenza", True), ("Forhøjet blodtryk", True), ("Hoftebrud", False),
    ]  # fmt: skip


def test_a_refuted_diagnosis_is_no_problem():
    wrong = condition(text("KOL", "DJ449"), verificationStatus={"coding": [{"code": "refuted"}]})
    assert problems(record(wrong)) == []


def test_a_synthea_diagnosis_without_status_counts_until_it_has_an_end():
    sinusitis = {
        "coding": [{"system": "http://snomed.info/sct", "code": "444814009", "display": "Viral sinusitis (disorder)"}]
    }
    lasting = {"resourceType": "Condition", "code": sinusitis, "onsetDateTime": "2019-04-26T16:44:00-04:00"}
    assert [(p.concept.text, p.active) for p in problems(record(lasting))] == [("Viral sinusitis", True)]
    assert [p.active for p in problems(record({**lasting, "abatementDateTime": "2019-05-10"}))] == [False]


def test_an_allergy_says_how_it_showed_itself_and_how_sure_it_is():
    (found,) = allergies(
        record(
            {
                "resourceType": "AllergyIntolerance",
                "clinicalStatus": ACTIVE,
                "verificationStatus": {"coding": [{"code": "unconfirmed"}]},
                "code": text("penicillin", "J01C", "http://www.whocc.no/atc"),
                "onsetDateTime": "1998",
                "reaction": [{"manifestation": [text("nældefeber")]}],
            }
        )
    )
    assert (found.substance.shown_code, found.reactions, found.uncertain) == ("J01C", ("nældefeber",), True)


def test_asking_and_finding_none_is_not_the_same_as_nobody_asking():
    asked = {"resourceType": "AllergyIntolerance", "clinicalStatus": ACTIVE, "code": text("Ingen kendte", "716186003")}
    assert allergies(record(asked)) == []
    assert says_no_known_allergies(record(asked))
    assert not says_no_known_allergies(record())


@pytest.mark.parametrize("taken_back", ["entered-in-error", "refuted"])
def test_a_taken_back_statement_that_there_are_none_says_nothing(taken_back):
    status = {"coding": [{"code": taken_back}]}
    wrong = {
        "resourceType": "AllergyIntolerance",
        "verificationStatus": status,
        "code": text("Ingen kendte", "716186003"),
    }
    assert not says_no_known_allergies(record(wrong))


def test_only_flags_in_force_warn_and_decisions_stand_apart():
    def flag(words, kind, status="active"):
        return {"resourceType": "Flag", "status": status, "category": [text(kind, kind)], "code": text(words)}

    found = warnings(
        record(
            flag("Ilt: mål 88–92 %", "clinical"),
            flag("Ikke genoplivning", "resuscitation"),
            flag("MRSA", "x", "inactive"),
        )
    )
    warned, decided = split(found)
    assert [w.concept.text for w in warned] == ["Ilt: mål 88–92 %"]
    assert [w.concept.text for w in decided] == ["Ikke genoplivning"]


def test_the_same_words_in_two_code_systems_stand_once_with_both_codes():
    hospital, practice = text("KOL", "DJ449"), text("KOL", "R95", "urn:oid:1.2.208.176.2.31")
    (found,) = problems(
        records(here=[condition(hospital, onsetDateTime="2023")], there=[condition(practice, onsetDateTime="2016")])
    )
    assert set(found.codes) == {"DJ449", "R95"}
