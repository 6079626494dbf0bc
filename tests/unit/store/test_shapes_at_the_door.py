"""What an answer looks like: parts of resources, several types, compartments, includes of includes, orders."""

from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import pytest
import pytest_asyncio

from helhed.foundation.ids import key_of
from tests.support.door import Door
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
OK, WRONG, MISSING, NOT_HERE = 200, 400, 404, 501
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ward(library: Scene) -> Scene:
    """Three more results at the visit, one with a weight to the hundredth; a report; a doctor's name."""
    visit: dict[str, Any] = {"encounter": {"reference": f"Encounter/{library.contact}"}}
    for code, weight, day in (("w", "72.50", "21"), ("w", "9.00", "22"), ("z", "80.0", "23")):
        text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Vægt målt</div>'}
        result = library.result(text=text, code={"coding": [{"system": "urn:s", "code": code}]}, effectiveDateTime=f"2026-11-{day}", **visit)  # fmt: skip
        raw = orjson.dumps(result)[:-1] + f',"valueQuantity":{{"value":{weight},"unit":"kg"}},"note":[{{"text":"a"}}]}}'.encode()  # fmt: skip
        door = Door(library.world, library.custodian)
        status, stored = await door.post("/fhir/Observation", raw)
        assert status == 201, stored
    return library


async def asked(scene: Scene, url: str) -> Any:
    """The answer of a search that is done."""
    status, answer = await Door(scene.world, scene.doctor).get(f"/fhir{url}")
    assert status == OK, answer
    return answer


async def resources(scene: Scene, url: str, mode: str = "match") -> list[Any]:
    answer = await asked(scene, url)
    return [entry["resource"] for entry in answer.get("entry", ()) if entry["search"]["mode"] == mode]


async def refused(scene: Scene, url: str) -> tuple[int, str]:
    status, answer = await Door(scene.world, scene.doctor).get(f"/fhir{url}")
    return status, answer["issue"][0]["diagnostics"]


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ("_summary=true", "code effectiveDateTime encounter status subject valueQuantity"),
        ("_summary=text", "code status text"),
        ("_summary=data", "code effectiveDateTime encounter note status subject valueQuantity"),
        ("_elements=valueQuantity", "code status valueQuantity"),
        ("_elements=value", "code status valueQuantity"),
        ("_elements=subject.reference,value.unit", "code status subject valueQuantity"),
        ("_elements=id", "code status"),
    ],
)
async def test_a_part_keeps_what_must_be_there_and_says_that_it_is_a_part(ward: Scene, shape: str, names: str) -> None:
    (found,) = await resources(ward, f"/Observation?code=z&{shape}")
    assert found["meta"]["tag"] == [SUBSETTED]
    assert sorted(set(found) - {"resourceType", "id", "meta"}) == names.split()


async def test_an_inner_element_comes_alone(ward: Scene) -> None:
    (found,) = await resources(ward, "/Observation?code=z&_elements=value.unit")
    assert found["valueQuantity"] == {"unit": "kg"}


@pytest.mark.parametrize("shape", ["", "&_summary=true", "&_summary=data", "&_elements=value", "&_summary=false"])
async def test_a_number_stays_as_it_was_written(ward: Scene, shape: str) -> None:
    _, raw = await Door(ward.world, ward.doctor).whole(f"/fhir/Observation?code=w{shape}")
    assert b'"value":72.50' in raw
    assert b'"value":9.00' in raw


async def test_a_read_may_ask_for_a_part_which_nobody_takes_for_the_whole(ward: Scene) -> None:
    whole, _ = await Door(ward.world, ward.doctor).whole(f"/fhir/Patient/{ward.patient}")
    part, _ = await Door(ward.world, ward.doctor).whole(f"/fhir/Patient/{ward.patient}?_elements=gender")
    assert "etag" in whole
    assert "etag" not in part
    status, found = await Door(ward.world, ward.doctor).get(f"/fhir/Patient/{ward.patient}?_elements=gender")
    assert (status, sorted(found)) == (OK, ["gender", "id", "meta", "resourceType"])


async def test_only_counting_gives_a_total_and_no_entry(ward: Scene) -> None:
    answer = await asked(ward, "/Observation?code=w&_summary=count")
    assert (answer["total"], answer.get("entry")) == (2, None)


@pytest.mark.parametrize(
    "parameters",
    [
        "_summary=some", "_elements=nosuch", "_elements=code.nosuch", "_summary=true&_elements=code", "_contained=true",
        "_contained=both", "_score=true", "_summary=text&_include=Observation:subject", "_type=Observation",
        "_sort=value-nothing", "_sort=code-value-quantity", "_explain=true", "_include=Observation:code", "_revinclude=*", "_include=Patient:link",
    ],
)  # fmt: skip
async def test_a_shape_that_is_none_is_refused_by_name(ward: Scene, parameters: str) -> None:
    status, why = await refused(ward, f"/Observation?code=w&{parameters}")
    assert status == WRONG
    names = [one.split("=")[0] for one in parameters.split("&")]
    assert any(name.lstrip("_") in why or name in why for name in names) or "sort" in why or "refer" in why, why


async def test_asking_how_it_is_done_is_an_unknown_parameter_to_everybody_else(ward: Scene) -> None:
    known, unknown = (
        await refused(ward, "/Observation?_explain=true"),
        await refused(ward, "/Observation?nosuchone=true"),
    )
    assert known[1].replace("_explain", "nosuchone") == unknown[1]


async def test_an_operator_sees_how_a_search_is_done_and_nothing_that_was_asked_for(ward: Scene) -> None:
    operator = ward.world.professional(await ward.world.employee(ward.ward, "operator"), ward.ward, "operator")
    url = f"/fhir/Observation?code=urn:secret|w&patient={ward.patient}&date=ge2026-11-21&_explain=true"
    status, answer = await Door(ward.world, operator).get(url)
    lines = [issue["diagnostics"] for issue in answer["entry"][-1]["resource"]["issue"]]
    assert status == OK
    assert lines[0].split(":")[0] == "begins"
    assert [line.split(",")[0] for line in lines[1:4]] == ["condition 1: any", "condition 2: only_citizen", "condition 3: date"]  # fmt: skip
    assert any(line.startswith("sql: ") and "fhir.basis" in line for line in lines)
    assert lines[-1] == "plan: not told of a search that names somebody"
    told = "".join(lines)
    assert "secret" not in told
    assert "2026" not in told
    assert str(key_of(ward.patient)) not in told


async def test_an_operator_sees_the_plan_of_a_search_that_names_nobody_without_how_many_there_are(ward: Scene) -> None:
    operator = ward.world.professional(await ward.world.employee(ward.ward, "operator"), ward.ward, "operator")
    _, answer = await Door(ward.world, operator).get("/fhir/Observation?code=urn:secret|w&_explain=true")
    lines = [issue["diagnostics"] for issue in answer["entry"][-1]["resource"]["issue"]]
    assert any("Scan on" in line for line in lines)
    assert not any("rows=" in line or "cost=" in line for line in lines)


@pytest.mark.parametrize(
    ("expression", "several"),
    [("value-quantity gt 72.5", 1), ("value-quantity ge 72.5||kg", 2), ("value-quantity eq 9.00 or code eq z", 2),
     ("not (value-quantity lt 50)", 3)],
)  # fmt: skip
async def test_a_filter_compares_amounts(ward: Scene, expression: str, several: int) -> None:
    found = await resources(ward, f"/Observation?patient={ward.patient}&_filter={quote(expression)}")
    assert len(found) == several


# --- words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "several"),
    [
        ("_text=vægt", 3), ("_text=MÅLT vægt", 3), ("_text=vægt fundet", 0), ("_text=div", 0), ("_content=kg", 3),
        ("_content=urn:s&code=z", 1), ("_content=final 8867-4", 1), ("_text=%25", 0), ("_text='", 0),
    ],
)  # fmt: skip
async def test_words_are_found_in_the_record_of_a_named_citizen(ward: Scene, parameters: str, several: int) -> None:
    for url in (f"/Observation?patient={ward.patient}&{quote(parameters, '&=%')}", f"/Patient/{ward.patient}/Observation?{quote(parameters, '&=%')}"):  # fmt: skip
        assert len(await resources(ward, url)) == several


async def test_words_are_not_looked_for_in_everybodys_records(ward: Scene) -> None:
    many = ",".join(str(ward.patient) for _ in range(11))
    for parameters in ("_text=a", "_content=a&code=w", f"_text=a&patient={many}", f"_text=&patient={ward.patient}"):
        status, why = await refused(ward, f"/Observation?{parameters}")
        assert status == WRONG
        assert parameters[:5] in why


# --- links ------------------------------------------------------------------------------------------------------------


async def test_the_self_link_says_what_was_applied(ward: Scene) -> None:
    door = Door(ward.world, ward.doctor)
    _, answer = await door.get("/fhir/Observation?code=w&_count=100000&_total=estimate&nosuch=1", prefer="handling=lenient")  # fmt: skip
    assert urlsplit(answer["link"][0]["url"]).query == "code=w&_count=200&_total=accurate"


# --- several types, compartments --------------------------------------------------------------------------------------


async def test_several_types_are_searched_together_page_by_page(ward: Scene) -> None:
    url, seen = f"?_type=Observation,Encounter&patient={ward.patient}&_count=2&_total=accurate", list[str]()
    while url:
        answer = await asked(ward, url)
        assert answer["total"] == 5
        seen += [entry["resource"]["resourceType"] for entry in answer["entry"]]
        links = {link["relation"]: link["url"] for link in answer["link"]}
        url = links["next"].partition("/fhir")[2] if "next" in links else ""
    assert sorted(seen) == ["Encounter", *["Observation"] * 4]


async def test_a_search_of_all_types_needs_a_condition_that_all_have(ward: Scene) -> None:
    found = await resources(ward, f"?_id={ward.patient},{ward.contact}")
    assert sorted(one["resourceType"] for one in found) == ["Encounter", "Patient"]
    assert (await refused(ward, ""))[0] == WRONG
    assert "code" in (await refused(ward, "?code=w"))[1]
    assert (await refused(ward, "?_type=Nothing"))[0] == WRONG


async def test_parameters_come_in_the_address_and_the_body_together(ward: Scene) -> None:
    door = Door(ward.world, ward.doctor)
    for place, types in (
        ("", "&_type=Observation"),
        ("/Observation", ""),
        (f"/Patient/{ward.patient}/Observation", ""),
    ):
        status, answer = await door.form(f"/fhir{place}/_search?code=w{types}", "_count=1&_total=accurate")
        assert (status, answer["total"], len(answer["entry"])) == (OK, 2, 1), answer


@pytest.mark.parametrize(
    ("place", "types"),
    [
        ("Patient/{patient}/Observation", ["Observation"] * 4),
        ("Patient/{patient}/Observation?code=w", ["Observation"] * 2),
        ("Patient/{patient}/*", ["Encounter", "Observation", "Observation", "Observation", "Observation", "Patient"]),
        ("Patient/{patient}/*?_type=Encounter,Patient", ["Encounter", "Patient"]),
        ("Encounter/{contact}/Observation", ["Observation"] * 3),
        ("Encounter/{contact}/*", ["Encounter", "Observation", "Observation", "Observation"]),
        ("Patient/{contact}/Observation", []),
        ("Patient/nobody/Observation", []),
    ],
)
async def test_a_compartment_holds_what_names_its_owner(ward: Scene, place: str, types: list[str]) -> None:
    found = await resources(ward, "/" + place.format(patient=ward.patient, contact=ward.contact))
    assert sorted(one["resourceType"] for one in found) == types


async def test_a_compartment_that_is_none_is_refused(ward: Scene) -> None:
    assert (await refused(ward, f"/Observation/{ward.observation}/Patient"))[0] == NOT_HERE
    assert (await refused(ward, f"/Patient/{ward.patient}/Organization"))[0] == NOT_HERE
    assert (await refused(ward, f"/Patient/{ward.patient}/Nothing"))[0] == MISSING


async def test_a_search_in_a_compartment_is_a_look_at_its_owner(ward: Scene) -> None:
    for place in ("Observation?code=nothing", "*?_type=Condition"):
        before = len(await ward.world.log(ward.patient))
        await asked(ward, f"/Patient/{ward.patient}/{place}")
        assert len(await ward.world.log(ward.patient)) == before + 1


# --- includes and order -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "types"),
    [
        ("_include=Observation:encounter", ["Encounter"]),
        ("_include=*", ["Encounter", "Patient"]),
        ("_include=Observation:*", ["Encounter", "Patient"]),
        ("_include=Observation:encounter&_include:iterate=Encounter:service-provider", ["Encounter", "Organization"]),
        ("_include=Observation:encounter&_include:iterate=Encounter:service-provider&_include:iterate=Organization:partof",
         ["Encounter", "Organization", "Organization"]),
        ("_include=Observation:encounter&_revinclude:iterate=Observation:encounter",
         ["Encounter", "Observation", "Observation"]),
        ("_include=Observation:encounter&_include=Encounter:service-provider", None),
    ],
)  # fmt: skip
async def test_includes_go_on_when_they_iterate(ward: Scene, parameters: str, types: list[str] | None) -> None:
    url = f"/Observation?code=z&{parameters}"
    if types is None:
        assert (await refused(ward, url))[0] == WRONG
    else:
        assert sorted(one["resourceType"] for one in await resources(ward, url, "include")) == types


@pytest.mark.parametrize(
    ("sort", "codes"),
    [
        ("code,-_id", "w w z"),
        ("-code", "z w w"),
        ("encounter,-date", "z w w"),
        ("status,date", "w w z"),
        ("value-quantity", "w w z"),
        ("-value-quantity", "z w w"),
    ],
)
async def test_the_order_is_by_whatever_is_indexed(ward: Scene, sort: str, codes: str) -> None:
    url, seen = f"/Observation?encounter={ward.contact}&_sort={quote(sort)}&_count=1", list[str]()
    while url:
        answer = await asked(ward, url)
        seen += [entry["resource"]["code"]["coding"][0]["code"] for entry in answer["entry"]]
        links = {link["relation"]: link["url"] for link in answer["link"]}
        url = links["next"].partition("/fhir")[2] if "next" in links else ""
    assert " ".join(seen) == codes


async def test_a_bundle_searches_compartments_as_well(ward: Scene) -> None:
    entries = [
        {"request": {"method": "GET", "url": f"Patient/{ward.patient}/{one}"}} for one in ("Observation?code=w", "*")
    ]
    for kind in ("batch", "transaction"):
        bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
        _, answer = await Door(ward.world, ward.doctor).post("/fhir", bundle)
        assert [len(entry["resource"]["entry"]) for entry in answer["entry"]] == [2, 6]


async def test_who_may_not_see_finds_nothing_in_whatever_shape(ward: Scene) -> None:
    """The stranger's answers are those of a network in which the citizen has nothing."""
    door = Door(ward.world, ward.stranger)
    for url in (
        f"Patient/{ward.patient}/*?_total=accurate", f"?_type=Observation,Encounter&patient={ward.patient}&_total=accurate",
        "Patient?_has:Observation:patient:code=w&_total=accurate", "Observation?_filter=code eq w or code ne w&_total=accurate",
        f"Observation?patient={ward.patient}&_text=vægt&_total=accurate", "Observation?code=w&_summary=count",
    ):  # fmt: skip
        status, answer = await door.get(f"/fhir/{quote(url, '?&=:,/*_')}".replace("/fhir/?", "/fhir?"))
        assert (status, answer["total"], answer.get("entry")) == (OK, 0, None), url
