"""``:text`` of a token: the text beside a code, begun as asked, whatever its case and accents."""

from uuid import UUID

import pytest

from helhed.fhir.query import parse_search
from helhed.fhir.search_parameters import read_definition, take_up
from helhed.foundation.errors import BadRequest
from tests.support.world import NOW, World

TYPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}], "text": "Journal"}


async def measured(world: World, patient: UUID, hospital: UUID, **more: object) -> UUID:
    resource = {
        "resourceType": "Observation", "status": "final", "code": {"text": "andet"}, "subject": {"reference": f"Patient/{patient}"},
        **more,
    }  # fmt: skip
    return await world.put(world.system(hospital), resource)


async def some(world: World) -> tuple[UUID, dict[str, UUID]]:
    hospital = await world.organisation("Sygehus")
    patient = await world.patient(hospital)
    put = {
        "text": await measured(world, patient, hospital, code={"text": "Blodtryk,  systolisk"}),
        "display": await measured(
            world, patient, hospital, code={"coding": [{"code": "x"}, {"code": "y", "display": "BLÓDTRYK"}]}
        ),
        "danish": await measured(world, patient, hospital, code={"text": "Åndedræt 100%"}),
        "identified": await measured(
            world, patient, hospital, identifier=[{"system": "urn:x", "value": "7", "type": TYPE}]
        ),
        "hospital": hospital,
    }
    put["unit"] = await world.put(
        world.system(hospital), {"resourceType": "Organization", "name": "A", "type": [{"text": "Sengeafsnit"}]}
    )
    return patient, put


SEARCHES = [
    ("code:text=blodtryk", "text display"),
    ("code:text=blodtryk\\, sys", "text"),
    ("code:text=systolisk", ""),
    ("code:text=åndedræt", "danish"),
    ("code:text=andedraet", ""),
    ("code:text=åndedræt 100%", "danish"),
    ("code:text=åndedræt 100%x", ""),
    ("code:text=_lodtryk", ""),
    ("code:text=ånd,blod", "text display danish"),
    ("identifier:text=jour", "identified"),
    ("identifier:text=7", ""),
    ("code:text=blod&code=y", "display"),
]


async def test_the_text_beside_a_code_is_found_by_how_it_begins(world: World) -> None:
    patient, put = await some(world)
    for ask, named in (
        (world.citizen(patient), f"patient={patient}"),
        (world.citizen(patient), f"subject=Patient/{patient}"),
    ):
        for search, names in SEARCHES:
            found = await world.found(ask, f"Observation?{search}&{named}")
            assert set(found) == {put[name] for name in names.split()}, search
    assert set(await world.found(world.citizen(patient), f"Patient/{patient}/Observation?code:text=blod")) == {
        put["text"],
        put["display"],
    }


async def test_what_is_nobodys_is_found_without_naming_anybody(world: World) -> None:
    patient, put = await some(world)
    ask = world.citizen(patient)
    assert await world.found(ask, "Organization?type:text=SENGE") == [put["unit"]]
    await world.delete(world.system(put["hospital"]), "Organization", put["unit"])
    assert await world.found(ask, "Organization?type:text=SENGE") == []


async def test_nobody_finds_the_text_of_a_row_that_is_hidden(world: World) -> None:
    patient, put = await some(world)
    other = await world.patient(put["hospital"])
    assert await world.found(world.citizen(other), f"Observation?code:text=blod&patient={patient}") == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("Observation?code:text=blod", "names at most 10 patients"),
        ("Encounter?_has:Observation:encounter:code:text=blod", "beyond a reference"),
        ("Observation?encounter.type:text=blod&patient=01a22872-26c3-7290-9cb6-f11a53a7c73d", "beyond a reference"),
        ("Observation?status:text=fin&patient=01a22872-26c3-7290-9cb6-f11a53a7c73d", "no text stands beside"),
        ("Observation?subject:text=x", "modifier that is not supported"),
        ("Observation?code:text= &patient=01a22872-26c3-7290-9cb6-f11a53a7c73d", ""),
    ],
)
def test_a_text_that_cannot_be_looked_for_is_refused_by_name(url: str, why: str) -> None:
    type_name, _, text = url.partition("?")
    with pytest.raises(BadRequest) as caught:
        parse_search(type_name, [(pair.partition("=")[0], pair.partition("=")[2]) for pair in text.split("&")])
    assert why in str(caught.value)


async def test_a_parameter_beside_r4s_own_has_its_texts_in_the_index(world: World) -> None:
    resource = {
        "resourceType": "SearchParameter", "url": "http://example.org/c", "name": "X", "status": "active", "description": "x",
        "code": "called", "base": ["Observation"], "type": "token", "expression": "Observation.code | Observation.identifier",
    }  # fmt: skip
    await take_up(world.owner, read_definition(resource), b"{}", NOW)
    await world.store.note_index_work()
    patient, put = await some(world)
    for search, names in (("blod", "text display"), ("jour", "identified"), ("åndedræt", "danish"), ("y", "")):
        found = await world.found(world.citizen(patient), f"Observation?called:text={search}")
        assert set(found) == {put[name] for name in names.split()}, search
