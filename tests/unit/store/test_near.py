"""``Location?near=``: places within a distance, by whatever unit, over the date line and at the poles."""

from math import asin, cos, radians, sin, sqrt
from typing import Any
from uuid import UUID

import pytest

from helhed.fhir.indexing.near import FACTS
from helhed.fhir.query import parse_search
from helhed.fhir.store.reindexing import reindex
from helhed.foundation.errors import BadRequest, Overloaded
from tests.support.world import World

#: towns and places, in degrees
PLACES: dict[str, tuple[float, float]] = {
    "Odense": (55.3959, 10.3883), "Nyborg": (55.3127, 10.7896), "Aarhus": (56.1572, 10.2107), "Bornholm": (55.0997, 14.7065),
    "Taveuni": (-16.8500, 179.9600), "Pole": (90.0, 0.0), "Alert": (82.5, -62.35),
}  # fmt: skip


async def places(world: World) -> tuple[Any, dict[str, UUID]]:
    hospital = await world.organisation("Sygehus")
    system = world.system(hospital)
    put = {
        name: await world.put(
            system,
            {
                "resourceType": "Location",
                "name": name,
                "position": {"latitude": latitude, "longitude": longitude},
                "managingOrganization": {"reference": f"Organization/{hospital}"},
            },
        )
        for name, (latitude, longitude) in PLACES.items()
    }
    put["nowhere"] = await world.put(system, {"resourceType": "Location", "name": "nowhere"})
    patient = await world.patient(hospital)
    put["contact"] = await world.contact(
        patient, hospital, location=[{"location": {"reference": f"Location/{put['Nyborg']}"}}]
    )
    return world.citizen(patient), put


NEAR = [
    ("near=55.4|10.4", "Odense"),
    ("near=55.4|10.4|30", "Odense Nyborg"),
    ("near=55.4|10.4|26.2|km", "Odense"),
    ("near=55.4|10.4|30000|m", "Odense Nyborg"),
    ("near=55.4|10.4|20|mi", "Odense Nyborg"),
    ("near=55.4|10.4||furlong", "Odense"),
    ("near=55.4|10.4|100", "Odense Nyborg Aarhus"),
    ("near=55.4|10.4|300", "Odense Nyborg Aarhus Bornholm"),
    ("near=55.4|10.4,55.1|14.7", "Odense Bornholm"),
    ("near=-16.85|-179.96|20", "Taveuni"),
    ("near=89.9|120|50", "Pole"),
    ("near=90|0|1000", "Pole Alert"),
    ("near=0|0|20015.2", "Odense Nyborg Aarhus Bornholm Taveuni Pole Alert"),
    ("near=55.3959|10.3883|0", "Odense"),
    ("near=55.4|10.4|30&name=Ny", "Nyborg"),
    ("near:missing=true", "nowhere"),
    ("near:missing=false&name=Od", "Odense"),
    ("_filter=name sw od and not (name eq nyborg)", "Odense"),
]


async def test_what_lies_within_the_distance_is_found(world: World) -> None:
    ask, put = await places(world)
    for search, names in NEAR:
        found = await world.found(ask, f"Location?{search}")
        assert set(found) == {put[name] for name in names.split()}, search
    assert await world.found(ask, "Encounter?location.near=55.4|10.4|30") == [put["contact"]]
    assert await world.found(ask, "Encounter?location.near=55.4|10.4") == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("55.4", "latitude|longitude"),
        ("55.4|10.4|1|km|x", "latitude|longitude"),
        ("north|10.4", "latitude"),
        ("91|10.4", "latitude"),
        ("55.4|181", "longitude"),
        ("55.4|", "longitude"),
        ("55.4|10.4|far", "distance"),
        ("55.4|10.4|-1", "distance"),
        ("55.4|10.4|30000", "distance"),
        ("55.4|10.4|1|kg", "unit of length"),
        ("55.4|10.4|1|league", "unit of length"),
        ("1e1|10.4", "latitude"),
    ],
)
def test_a_place_that_cannot_be_is_refused_by_name(value: str, why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_search("Location", [("near", value)])
    assert "near" in str(caught.value)
    assert why in str(caught.value)


def test_places_have_no_order_and_no_other_modifier() -> None:
    for name, value in (("_sort", "near"), ("near:exact", "1|1")):
        with pytest.raises(BadRequest, match="near"):
            parse_search("Location", [(name, value)])


async def test_places_of_an_earlier_release_wait_for_indexing_and_other_searches_do_not(world: World) -> None:
    ask, put = await places(world)
    await world.owner.execute("update fhir.resource set numbers = '{}' where type = 71")
    await world.owner.execute("update fhir.index_work set done_at = null, bucket = -1 where name = 'near'")
    await world.store.note_index_work()
    with pytest.raises(Overloaded, match="indexed"):
        await world.search(ask, "Location?near=55.4|10.4")
    assert await world.found(ask, "Observation?value-quantity=gt5") == []
    await reindex(world.owner, lambda _: None)
    await world.store.note_index_work()
    assert await world.found(ask, "Location?near=55.4|10.4") == [put["Odense"]]


async def test_the_database_measures_as_a_sphere_of_the_earths_mean_radius(world: World) -> None:
    (latitude, longitude), (other, along) = PLACES["Odense"], PLACES["Taveuni"]
    half = sin(radians(other - latitude) / 2) ** 2
    half += cos(radians(latitude)) * cos(radians(other)) * sin(radians(along - longitude) / 2) ** 2
    metres = await world.owner.fetchval("select fhir.metres($1, $2, $3, $4)", latitude, longitude, other, along)
    assert metres == pytest.approx(2 * FACTS["earth_radius_metres"] * asin(sqrt(half)), rel=1e-12)
