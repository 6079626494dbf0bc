"""The search in memory does what the R4 search chapter says, by worked examples."""

import pytest

from tests.generative.memory_search import Resource, included, is_sorted, reference_to, search

ANE = {"resourceType": "Patient", "id": "ane", "name": [{"family": "Møller", "given": ["Éva", "Ane"]}], "birthDate": "1958-03-14", "gender": "female"}  # fmt: skip
BO = {"resourceType": "Patient", "id": "bo", "name": [{"family": "Test, Ny"}], "identifier": [{"system": "s", "value": "1"}]}  # fmt: skip
SUBJECT = {"reference": "Patient/ane"}
STAY = {"resourceType": "Encounter", "id": "stay", "status": "finished", "subject": SUBJECT, "period": {"start": "2026-11-20", "end": "2026-11-22"}}  # fmt: skip
OPEN = {"resourceType": "Encounter", "id": "open", "status": "planned", "subject": SUBJECT, "period": {"start": "2026-11-22"}, "partOf": {"reference": "Encounter/stay"}}  # fmt: skip
CRP = {
    "resourceType": "Observation", "id": "crp", "status": "final", "subject": SUBJECT, "encounter": {"reference": "Encounter/stay"},
    "code": {"coding": [{"system": "npu", "code": "1"}, {"code": "bare"}]}, "effectiveDateTime": "2026-11-22T23:30:00Z",
}  # fmt: skip
HB = {
    "resourceType": "Observation", "id": "hb", "status": "amended", "subject": {"reference": "Patient/bo"},
    "code": {"coding": [{"system": "npu", "code": "2", "display": "Hæmoglobin  B"}]}, "encounter": {"reference": "Encounter/gone"},
}  # fmt: skip
REPORT = {"resourceType": "DiagnosticReport", "id": "report", "status": "final", "code": {}, "subject": SUBJECT,
          "result": [{"reference": "Observation/crp"}, {"reference": "Observation/gone"}]}  # fmt: skip
WARD = {
    "resourceType": "Location",
    "id": "ward",
    "name": "Ward",
    "position": {"latitude": 55.3959, "longitude": 10.3883},
}
EVERYTHING: list[Resource] = [WARD, ANE, BO, STAY, OPEN, CRP, HB, REPORT]


def found(url: str) -> set[str]:
    return {one["id"] for one in search(url, EVERYTHING)}


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("Observation", "crp hb"),
        ("Observation?", "crp hb"),
        ("Observation?code=1", "crp"),
        ("Observation?code=npu|1", "crp"),
        ("Observation?code=npu|", "crp hb"),
        ("Observation?code=|bare", "crp"),
        ("Observation?code=|1", ""),
        ("Observation?code=other|1", ""),
        ("Observation?code=1,2", "crp hb"),
        ("Observation?code:not=1", "hb"),
        ("Observation?code=1&code=bare", "crp"),
        ("Observation?status=final,amended&code=2", "hb"),
        ("Patient?identifier=s|1", "bo"),
        ("Observation?any-code=1", "crp"),
        ("Observation?around=Encounter/stay", "crp"),
        ("Encounter?from=2026-11-22", "open"),
        ("Location?near=55.4|10.4", "ward"),
        ("Location?near=55.3127|10.7896|28", "ward"),
        ("Location?near=55.3127|10.7896|28000|m", "ward"),
        ("Location?near=55.3127|10.7896|28|m", ""),
        ("Location?near=55.3127|10.7896|26", ""),
        ("Location?near:missing=true", ""),
        ("Observation?code:text=hæ", "hb"),
        ("Observation?code:text=HÆMOGLOBIN b", "hb"),
        ("Observation?code:text=globin", ""),
        ("Observation?code:text=haemo", ""),
        ("Patient?identifier:missing=true", "ane"),
        ("Patient?identifier:missing=false", "bo"),
        ("Patient?gender:not=female", "bo"),
        ("Patient?family=mø", "ane"),
        ("Patient?family=mo", ""),
        ("Patient?given=EVA", "ane"),
        ("Patient?given=va", ""),
        ("Patient?given:contains=va", "ane"),
        ("Patient?given:exact=Éva", "ane"),
        ("Patient?given:exact=éva", ""),
        ("Patient?name=an", "ane"),
        (r"Patient?family=test\, n", "bo"),
        ("Patient?family=test,mø", "ane bo"),
        ("Patient?_id=ane,zz", "ane"),
    ],
)
def test_tokens_and_strings(url, ids):
    assert found(url) == set(ids.split())


@pytest.mark.parametrize(
    ("date", "ids"),
    [
        ("2026-11-23", "crp"),  # half past midnight in Denmark
        ("2026-11-22", ""),
        ("eq2026-11", "crp"),
        ("2026-11-22T23:30:00Z", "crp"),
        ("2026-11-23T00:30:00+01:00", "crp"),
        ("2026-11-23T00:30", "crp"),
        ("ne2026-11-23", ""),
        ("ne2026-11-22", "crp"),
        ("ge2026-11-23", "crp"),
        ("gt2026-11-23", ""),
        ("gt2026-11-22", "crp"),
        ("lt2026-11-23", ""),
        ("le2026-11-23", "crp"),
        ("sa2026-11-22", "crp"),
        ("eb2026-11-24", "crp"),
        ("eb2026-11-23", ""),
        ("2025,2026", "crp"),
    ],
)
def test_a_moment_and_its_danish_day(date, ids):
    assert found(f"Observation?date={date}") == set(ids.split())


@pytest.mark.parametrize(
    ("date", "ids"),
    [
        ("2026", "stay"),  # the open one does not end within 2026
        ("2026-11-21", ""),  # within the stay, but does not contain it
        ("ne2026-11-21", "stay open"),
        ("gt2026-11-21", "stay open"),
        ("lt2026-11-21", "stay"),
        ("sa2026-11-21", "open"),
        ("eb2026-11-23", "stay"),
        ("ge2030", "open"),
        ("eb2030", "stay"),
        ("le2026-11-22", "stay"),
    ],
)
def test_periods_closed_and_open(date, ids):
    assert found(f"Encounter?date={date}") == set(ids.split())


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("Observation?subject=Patient/ane", "crp"),
        ("Observation?patient=ane", "crp"),
        ("Observation?subject:Patient=ane", "crp"),
        ("Observation?encounter=Encounter/gone", "hb"),
        ("Observation?subject:Patient.family=møller", "crp"),
        ("Observation?patient.gender:missing=true", "hb"),
        ("Observation?encounter:Encounter.status=finished", "crp"),
        ("Observation?encounter:Encounter.status:not=finished", ""),
        ("DiagnosticReport?result.code=1", "report"),
        ("DiagnosticReport?result.code:not=1", ""),
        ("DiagnosticReport?result.encounter:Encounter.status=finished", "report"),
        ("Encounter?part-of.date=2026", "open"),
        ("Observation?subject.family=møller", "crp"),
        ("Patient?_has:Observation:patient:code=1", "ane"),
        ("Patient?_has:Observation:patient:code:not=1", "bo"),
        ("Encounter?_has:Observation:encounter:_has:DiagnosticReport:result:status=final", "stay"),
        ("Patient?_has:Observation:subject:encounter.status=finished", "ane"),
        ("Observation?subject._has:Encounter:patient:status=planned", "crp"),
    ],
)
def test_references_and_chains_through_what_exists(url, ids):
    assert found(url) == set(ids.split())


def test_includes_bring_what_exists_and_is_no_match():
    assert included("DiagnosticReport?_include=DiagnosticReport:result", [REPORT], EVERYTHING) == {"Observation/crp"}
    assert included("Observation?_include=Observation:encounter", [CRP, HB], EVERYTHING) == {"Encounter/stay"}
    assert included("Encounter?_revinclude=Encounter:part-of", [STAY], EVERYTHING) == {"Encounter/open"}
    assert included("Encounter?_revinclude=Encounter:part-of", [STAY, OPEN], EVERYTHING) == set()
    assert included("Observation?_include=Observation:subject:Device", [CRP], EVERYTHING) == set()
    assert included("Observation?_revinclude=DiagnosticReport:result", [CRP], [ANE, CRP]) == set()


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("?_type=Patient,Encounter", "ane bo stay open"),
        ("?_id=ane,crp", "ane crp"),
        ("?_type=Observation,Encounter&patient=ane&status=final,planned", "crp open"),
        ("Patient/ane/Observation", "crp"),
        ("Patient/ane/Observation?status=amended", ""),
        ("Patient/ane/*", "ane stay open crp report"),
        ("Encounter/stay/*?_type=Observation,Encounter", "stay crp"),
        ("Patient/zz/*", ""),
        ("Observation?_filter=code eq npu|1", "crp"),
        ("Observation?_filter=(code eq 1 or code eq 2) and status ne final", "hb"),
        ("Observation?_filter=not (code eq 1)", "hb"),
        ("Observation?_filter=encounter.status eq finished", "crp"),
        ('Patient?_filter=(family ew "ny" or given co "va")', "ane bo"),
        ("Encounter?_filter=date po 2026-11-21", "stay"),
        ("Observation?_filter=date pr false", "hb"),
    ],
)
def test_places_and_filters(url, ids):
    assert found(url) == set(ids.split())


def test_includes_go_on_from_what_was_included_when_they_iterate():
    url = "DiagnosticReport?_include=DiagnosticReport:result&_include:iterate=Observation:encounter&_revinclude:iterate=Encounter:part-of"
    assert included(url, [REPORT], EVERYTHING) == {"Observation/crp", "Encounter/stay", "Encounter/open"}
    assert included("Observation?_include=*", [CRP], EVERYTHING) == {"Patient/ane", "Encounter/stay"}
    assert included("Encounter?_include=Encounter:*", [OPEN], EVERYTHING) == {"Patient/ane", "Encounter/stay"}


def test_an_order_is_refused_only_when_it_is_surely_wrong():
    late = {**CRP, "id": "late", "effectiveDateTime": "2026-11-25"}
    month = {**CRP, "id": "month", "effectiveDateTime": "2026-11"}
    assert is_sorted("Observation?_sort=date", [CRP, late])
    assert not is_sorted("Observation?_sort=date", [late, CRP])
    assert not is_sorted("Observation?_sort=date", [late, HB, CRP])
    assert not is_sorted("Observation?_sort=-date", [CRP, late])
    assert is_sorted("Observation?_sort=date", [late, month])
    assert is_sorted("Observation?_sort=date", [HB, late])
    assert not is_sorted("Observation?_sort=date,_id", [late, {**late, "id": "earlier"}])
    assert is_sorted("Observation?", [late, CRP])
    assert reference_to(late) == "Observation/late"
