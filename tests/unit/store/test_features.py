"""Each feature of the FHIR door by itself: what `tools.conformance` takes away here is missed at once."""

from typing import Any

import orjson
import pytest
import pytest_asyncio

from tests.support.door import Door, ids, link
from tests.unit.store.scene import Scene, entry

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATCH = orjson.dumps([{"op": "replace", "path": "/status", "value": "amended"}])
PATCHED = {"content_type": "application/json-patch+json"}
UCUM = "http://unitsofmeasure.org"
LIST_STATUS = {"status": "current", "mode": "working"}


class Ward:
    """A doctor's door, a system's door, and one result that everything is asked about."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.doctor = Door(scene.world, scene.doctor)
        self.system = Door(scene.world, scene.custodian)
        self.id = ""
        self.ids: dict[str, str] = {}

    async def set(self) -> "Ward":
        """A weighed citizen, a list that holds the result, and public knowledge to search."""
        coded = {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Kropsvægt"}]}
        weight = {"value": 72.5, "unit": "kg", "system": UCUM, "code": "kg"}
        encounter = {"reference": f"Encounter/{self.scene.contact}"}
        self.id = await self.made(code=coded, valueQuantity=weight, encounter=encounter, effectiveDateTime="2026-11-21",
                                  performer=[{"identifier": {"system": "urn:p", "value": "7"}}])  # fmt: skip
        item = {"item": {"reference": f"Observation/{self.id}"}}
        self.ids["List"] = await self.stored({"resourceType": "List", **LIST_STATUS, "entry": [item]})
        typed = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PRN"}]}
        self.ids["Organization"] = await self.stored(
            {"resourceType": "Organization", "name": "Ørsted Klinik", "identifier": [{"type": typed, "system": "urn:o", "value": "o1"}]}
        )  # fmt: skip
        self.ids["ValueSet"] = await self.stored(
            {"resourceType": "ValueSet", "status": "active", "url": "http://a.example/fhir/ValueSet/x"}
        )
        odense = {"latitude": 55.3959, "longitude": 10.3883}
        self.ids["Location"] = await self.stored({"resourceType": "Location", "name": "Odense", "position": odense})
        risk = {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": f"Patient/{self.scene.patient}"}, "prediction": [{"probabilityDecimal": 0.25}]}  # fmt: skip
        self.ids["RiskAssessment"] = await self.stored(risk)
        return self

    async def made(self, **more: Any) -> str:
        """A result of the citizen."""
        return await self.stored(self.scene.result(**more))

    async def stored(self, resource: dict[str, Any]) -> str:
        """The id of what the system creates."""
        status, answer = await self.system.post(f"/fhir/{resource['resourceType']}", resource)
        assert status == 201, answer
        return str(answer["id"])

    async def finds(self, url: str, identifier: str = "") -> bool:
        """Whether a search finds it."""
        status, answer = await self.doctor.get(f"/fhir/{url}")
        return status == 200 and (identifier or self.id) in ids(answer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ward(library: Scene) -> Ward:
    return await Ward(library).set()


# --- interactions -----------------------------------------------------------------------------------------------------


async def test_read(ward: Ward) -> None:
    status, answer = await ward.doctor.get(f"/fhir/Observation/{ward.id}")
    assert (status, answer["id"]) == (200, ward.id)


async def test_vread(ward: Ward) -> None:
    assert (await ward.doctor.get(f"/fhir/Observation/{ward.id}/_history/1"))[0] == 200


async def test_conditional_read(ward: Ward) -> None:
    status, _, _ = await ward.doctor.do("GET", f"/fhir/Observation/{ward.id}", if_none_match='W/"1"')
    assert status == 304


@pytest.mark.parametrize("place", ["instance", "type", "system"])
async def test_history(ward: Ward, place: str) -> None:
    url = {"instance": f"/Observation/{ward.id}", "type": "/Observation", "system": ""}[place]
    status, answer = await ward.doctor.get(f"/fhir{url}/_history?_count=200")
    assert status == 200
    assert ward.id in {one["resource"]["id"] for one in answer["entry"] if "resource" in one}


@pytest.mark.parametrize("name", ["_since", "_at"])
async def test_history_of_a_time(ward: Ward, name: str) -> None:
    status, answer = await ward.doctor.get(f"/fhir/Observation/{ward.id}/_history?{name}=2020-01-01T00:00:00Z")
    assert (status, bool(answer.get("entry"))) == (200, name == "_since")


async def test_create(ward: Ward) -> None:
    status, _ = await ward.system.post("/fhir/Observation", ward.scene.result())
    assert status == 201


async def test_conditional_create(ward: Ward) -> None:
    again = {"resourceType": "Organization", "name": "En gang til"}
    status, headers, _ = await ward.system.do("POST", "/fhir/Organization", again, if_none_exist="identifier=urn:o|o1")
    assert (status, ward.ids["Organization"] in headers["location"]) == (200, True)


async def test_update(ward: Ward) -> None:
    own = await ward.made()
    status, _, answer = await ward.system.do(
        "PUT", f"/fhir/Observation/{own}", {**ward.scene.result(), "id": own}, if_match='W/"1"'
    )
    assert (status, answer["meta"]["versionId"]) == (200, "2")


async def test_if_match(ward: Ward) -> None:
    own = await ward.made()
    changed = {**ward.scene.result(), "id": own}
    assert (await ward.system.do("PUT", f"/fhir/Observation/{own}", changed, if_match='W/"9"'))[0] == 412


async def test_conditional_update(ward: Ward) -> None:
    changed = {"resourceType": "Organization", "name": "Ny", "identifier": [{"system": "urn:u", "value": "u1"}]}
    assert (await ward.system.do("PUT", "/fhir/Organization?identifier=urn:u|u1", changed))[0] == 201
    assert (await ward.system.do("PUT", "/fhir/Organization?identifier=urn:u|u1", changed))[0] == 200


async def test_patch(ward: Ward) -> None:
    own = await ward.stored({"resourceType": "Organization", "name": "Før"})
    change = orjson.dumps([{"op": "replace", "path": "/name", "value": "Efter"}])
    status, _, answer = await ward.system.do("PATCH", f"/fhir/Organization/{own}", change, **PATCHED)
    assert (status, answer["name"]) == (200, "Efter")


async def test_conditional_patch(ward: Ward) -> None:
    own = {"resourceType": "Organization", "name": "Før", "identifier": [{"system": "urn:q", "value": "q1"}]}
    await ward.stored(own)
    change = orjson.dumps([{"op": "replace", "path": "/name", "value": "Efter"}])
    status, _, _ = await ward.system.do("PATCH", "/fhir/Organization?identifier=urn:q|q1", change, **PATCHED)
    assert status == 200


async def test_delete(ward: Ward) -> None:
    own = await ward.made()
    assert (await ward.system.do("DELETE", f"/fhir/Observation/{own}"))[0] == 204
    assert (await ward.doctor.get(f"/fhir/Observation/{own}"))[0] == 410


async def test_conditional_delete(ward: Ward) -> None:
    own = {"resourceType": "Organization", "name": "Væk", "identifier": [{"system": "urn:d", "value": "d1"}]}
    identifier = await ward.stored(own)
    assert (await ward.system.do("DELETE", "/fhir/Organization?identifier=urn:d|d1"))[0] == 204
    assert (await ward.doctor.get(f"/fhir/Organization/{identifier}"))[0] == 410


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_bundle(ward: Ward, kind: str) -> None:
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry("POST", "Observation", ward.scene.result())]}
    status, answer = await ward.system.post("/fhir", bundle)
    assert (status, answer["entry"][0]["response"]["status"][:3]) == (200, "201")


async def test_the_capability_statement_is_told(ward: Ward) -> None:
    status, answer = await ward.doctor.get("/fhir/metadata")
    assert (status, answer["resourceType"]) == (200, "CapabilityStatement")


# --- places, formats, preferences -------------------------------------------------------------------------------------


async def test_search_by_post(ward: Ward) -> None:
    status, answer = await ward.doctor.search("Observation", {"code": "29463-7"})
    assert (status, ward.id in ids(answer)) == (200, True)


async def test_search_of_the_system(ward: Ward) -> None:
    assert await ward.finds("?_type=Observation,Encounter&_count=200")


async def test_search_of_a_compartment(ward: Ward) -> None:
    assert await ward.finds(f"Patient/{ward.scene.patient}/Observation?code=29463-7")
    assert await ward.finds(f"Encounter/{ward.scene.contact}/Observation")


async def test_answers_in_xml(ward: Ward) -> None:
    headers, body = await ward.doctor.whole(f"/fhir/Observation/{ward.id}?_format=xml")
    assert headers["content-type"].startswith("application/fhir+xml")
    assert body.startswith(b"<")


async def test_bodies_in_xml(ward: Ward) -> None:
    body = b'<Organization xmlns="http://hl7.org/fhir"><name value="Klinik"/></Organization>'
    status, _, _ = await ward.system.do("POST", "/fhir/Organization", body, content_type="application/fhir+xml")
    assert status == 201


@pytest.mark.parametrize("wanted", ["minimal", "OperationOutcome"])
async def test_prefer_return(ward: Ward, wanted: str) -> None:
    organisation = orjson.dumps({"resourceType": "Organization", "name": "A"})
    status, _, answer = await ward.system.do("POST", "/fhir/Organization", organisation, prefer=f"return={wanted}")
    told = None if wanted == "minimal" else "OperationOutcome"
    assert (status, answer and answer["resourceType"]) == (201, told)


async def test_prefer_lenient_handling(ward: Ward) -> None:
    status, _, _ = await ward.doctor.do("GET", "/fhir/Observation?code=29463-7&nonsense=1", prefer="handling=lenient")
    assert status == 200


# --- parameters and their modifiers -----------------------------------------------------------------------------------

#: what is asked, and which of the ward's resources it finds
SEARCHES = {
    "token": ("Observation?code=http://loinc.org|29463-7", "Observation"),
    "token:not": ("Observation?status:not=preliminary&code=29463-7", "Observation"),
    "token:of-type": (
        "Organization?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|PRN|o1",
        "Organization",
    ),
    "token:text": ("Observation?code:text=kropsv%C3%A6gt&patient={patient}", "Observation"),
    "near": ("Location?near=55.4|10.4", "Location"),
    "token:in": ("Observation?status:in=http://hl7.org/fhir/ValueSet/observation-status&code=29463-7", "Observation"),
    "string": ("Organization?name=%C3%B8rsted", "Organization"),
    "string:exact": ("Organization?name:exact=%C3%98rsted%20Klinik", "Organization"),
    "string:contains": ("Organization?name:contains=klin", "Organization"),
    "reference": ("Observation?encounter=Encounter/{contact}", "Observation"),
    "reference:identifier": ("Observation?performer:identifier=urn:p|7", "Observation"),
    "reference:Type": ("Observation?subject:Patient={patient}&code=29463-7", "Observation"),
    "date": ("Observation?date=2026-11-21&code=29463-7", "Observation"),
    "number": ("RiskAssessment?probability=0.25", "RiskAssessment"),
    "quantity": (f"Observation?value-quantity=72.5|{UCUM}|kg", "Observation"),
    "quantity in another unit": (f"Observation?value-quantity=72500|{UCUM}|g", "Observation"),
    "uri": ("ValueSet?url=http://a.example/fhir/ValueSet/x", "ValueSet"),
    "uri:below": ("ValueSet?url:below=http://a.example/fhir", "ValueSet"),
    "uri:above": ("ValueSet?url:above=http://a.example/fhir/ValueSet/x/y", "ValueSet"),
    "composite": ("Observation?code-value-quantity=29463-7$72.5", "Observation"),
    ":missing": ("Observation?method:missing=true&code=29463-7", "Observation"),
    "_id": ("Observation?_id={id}", "Observation"),
    "_lastUpdated": ("Observation?_lastUpdated=ge2026-01-01&code=29463-7", "Observation"),
    "_list": ("Observation?_list={list}", "Observation"),
    "_filter": ("Observation?_filter=code eq 29463-7", "Observation"),
    "_has": ("Encounter?_has:Observation:encounter:code=29463-7", "contact"),
    "chain": ("Observation?encounter.status=in-progress&code=29463-7", "Observation"),
    "_text and _content": ("Observation?patient={patient}&_content=29463-7", "Observation"),
}


@pytest.mark.parametrize("feature", SEARCHES)
async def test_search(ward: Ward, feature: str) -> None:
    url, wanted = SEARCHES[feature]
    scene = ward.scene
    named = {"contact": str(scene.contact), "patient": str(scene.patient), "id": ward.id, "list": ward.ids["List"]}
    known = {**ward.ids, "Observation": ward.id, "contact": str(scene.contact)}
    assert await ward.finds(url.format(**named), known[wanted])


PREFIXES = {"eq": "2026-11-21", "ne": "2026-11-20", "gt": "2026-11-20", "lt": "2026-11-22", "ge": "2026-11-21", "le": "2026-11-21",
            "sa": "2026-11-20", "eb": "2026-11-22", "ap": "2026-11-21"}  # fmt: skip
AMOUNTS = {"eq": "72.5", "ne": "70", "gt": "72", "lt": "73", "ge": "72.5", "le": "72.5", "sa": "72", "eb": "73", "ap": "70"}  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_prefix_of_a_date(ward: Ward, prefix: str) -> None:
    assert await ward.finds(f"Observation?date={prefix}{PREFIXES[prefix]}&code=29463-7")


@pytest.mark.parametrize("prefix", AMOUNTS)
async def test_prefix_of_an_amount(ward: Ward, prefix: str) -> None:
    assert await ward.finds(f"Observation?value-quantity={prefix}{AMOUNTS[prefix]}")


# --- results ----------------------------------------------------------------------------------------------------------


async def test_sort(ward: Ward) -> None:
    status, answer = await ward.doctor.get("/fhir/Observation?_sort=date")
    dates = [found for one in answer["entry"] if (found := one["resource"].get("effectiveDateTime"))]
    assert (status, len(dates) > 1, dates) == (200, True, sorted(dates))


@pytest.mark.parametrize("asked", ["_include=Observation:encounter", "_include=*"])
async def test_include(ward: Ward, asked: str) -> None:
    status, answer = await ward.doctor.get(f"/fhir/Observation?code=29463-7&{asked}")
    included = {one["resource"]["id"] for one in answer.get("entry", ()) if one["search"]["mode"] == "include"}
    assert (status, str(ward.scene.contact) in included) == (200, True)


async def test_revinclude(ward: Ward) -> None:
    status, answer = await ward.doctor.get("/fhir/Encounter?_revinclude=Observation:encounter")
    included = {one["resource"]["id"] for one in answer.get("entry", ()) if one["search"]["mode"] == "include"}
    assert (status, ward.id in included) == (200, True)


@pytest.mark.parametrize("asked", ["_summary=true", "_elements=code"])
async def test_parts_of_resources(ward: Ward, asked: str) -> None:
    status, answer = await ward.doctor.get(f"/fhir/Observation?code=29463-7&{asked}")
    assert status == 200
    assert answer["entry"][0]["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_total(ward: Ward) -> None:
    status, answer = await ward.doctor.get("/fhir/Observation?code=29463-7&_total=accurate")
    assert (status, answer["total"]) == (200, 1)


async def test_pages(ward: Ward) -> None:
    _, first = await ward.doctor.get("/fhir/Observation?_count=1")
    status, second = await ward.doctor.get(link(first, "next"))
    assert (status, ids(second) != ids(first)) == (200, True)


async def test_pages_of_a_history(ward: Ward) -> None:
    _, first = await ward.doctor.get("/fhir/Observation/_history?_count=1")
    status, second = await ward.doctor.get(link(first, "next"))
    assert (status, first["entry"] != second["entry"]) == (200, True)


async def test_includes_of_includes(ward: Ward) -> None:
    asked = "_include=Observation:encounter&_include:iterate=Encounter:service-provider"
    status, answer = await ward.doctor.get(f"/fhir/Observation?code=29463-7&{asked}")
    included = {one["resource"]["id"] for one in answer.get("entry", ()) if one["search"]["mode"] == "include"}
    assert (status, str(ward.scene.ward) in included) == (200, True)


# --- validation -------------------------------------------------------------------------------------------------------


async def test_what_breaks_the_rules_of_fhir_is_refused(ward: Ward) -> None:
    """Not whatever was refused: the answer names the place."""
    status, answer = await ward.system.post("/fhir/Observation", {**ward.scene.result(), "status": "nonsense"})
    assert (status, answer["issue"][0]["expression"]) == (400, ["Observation.status"])


async def test_a_person_is_matched(ward: Ward) -> None:
    person = {"resourceType": "Patient", "name": [{"family": "Ånæs", "given": ["Ane"]}], "birthDate": "1958-03-14"}
    asked = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": person}]}
    status, answer = await ward.doctor.post("/fhir/Patient/$match", asked)
    found = [one["resource"]["id"] for one in answer.get("entry", ())]
    assert (status, str(ward.scene.patient) in found) == (200, True)
