"""Includes that iterate stop after three rounds more, and say so when there was more."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.api.bundles import search_bundle
from helhed.fhir.query import parse_search
from helhed.foundation.errors import BadRequest
from tests.support.world import World


async def units(world: World, deep: int) -> tuple[Any, list[UUID]]:
    """Units, each part of the one before."""
    line = [await world.organisation("0")]
    custodian = world.system(line[0])
    for name in range(1, deep):
        part_of = {"partOf": {"reference": f"Organization/{line[-1]}"}}
        line.append(await world.put(custodian, {"resourceType": "Organization", "name": str(name), **part_of}))
    return world.citizen(await world.patient(line[0])), line


async def entries(world: World, ask: Any, url: str) -> list[Any]:
    query = parse_search("Organization", [tuple(one.split("=", 1)) for one in url.split("&")])  # type: ignore[misc]
    return list(orjson.loads(search_bundle("http://x", query, await world.store.search(ask, query)))["entry"])


ITERATES = "_include=Organization:partof&_include:iterate=Organization:partof"


async def test_the_last_round_is_told_when_it_was_not_the_end(world: World) -> None:
    ask, line = await units(world, 9)
    for start, included, says in ((1, 1, False), (4, 4, False), (5, 4, True), (8, 4, True)):
        found = await entries(world, ask, f"_id={line[start]}&{ITERATES}")
        assert sum(one["search"]["mode"] == "include" for one in found) == included
        outcomes = [one["resource"] for one in found if one["search"]["mode"] == "outcome"]
        assert [one["issue"][0]["code"] for one in outcomes] == ["incomplete"] * says
    for start, says in ((0, True), (4, False)):
        found = await entries(world, ask, f"_id={line[start]}&_revinclude:iterate=Organization:partof")
        assert any(one["search"]["mode"] == "outcome" for one in found) is says
    found = await entries(world, ask, f"_id={line[8]}&_include=Organization:partof")
    assert [one["search"]["mode"] for one in found] == ["match", "include"]


async def test_what_is_hidden_or_met_before_is_no_more(world: World) -> None:
    ask, line = await units(world, 6)
    await world.delete(world.system(line[0]), "Organization", line[1])
    url = f"_id={line[-1]}&{ITERATES}"
    assert [one["search"]["mode"] for one in await entries(world, ask, url)] == [
        "match",
        "include",
        "include",
        "include",
    ]


@pytest.mark.parametrize(
    "pair",
    [("_query", "current-high-risk"), ("_score", "true"), ("_contained", "true"), ("_containedType", "contained")],
)
def test_what_is_not_here_is_refused_by_name(pair: tuple[str, str]) -> None:
    with pytest.raises(BadRequest, match=f"The parameter {pair[0]} is not supported"):
        parse_search("Patient", [pair, ("_id", "01a22872-26c3-7290-9cb6-f11a53a7c73d")])
