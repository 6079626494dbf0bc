"""Search parameters beside R4's own: what is stored before and after is found by them, as by any other."""

import asyncio
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from rich.console import Console

from helhed.api.capability import capability_statement
from helhed.api.openapi import openapi
from helhed.commands.importing import owner_pool
from helhed.commands.search_parameters import list_used, retire_used, use
from helhed.exchange.foreign.load import Importer, Source
from helhed.fhir.changes import Change
from helhed.fhir.definitions import TYPE_NUMBERS, ParameterSet, parameters_in_use, use_parameters
from helhed.fhir.search_parameters import MOST, Definition, in_use, read_definition, retire, take_up
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.reindexing import reindex
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.database import connect
from helhed.foundation.errors import BadRequest, Conflict, InvalidResource, Overloaded
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.hooks import HOOKS
from tests.support.world import NOW, SECRET, World

URL = "http://example.org/SearchParameter/"
#: code, kind, base, expression, targets
PARAMETERS: dict[str, tuple[str, list[str], str]] = {
    "any-code": ("token", ["Observation"], "Observation.code | Observation.component.code"),
    "said": ("string", ["Observation"], "Observation.value.ofType(string)"),
    "noted": ("date", ["Observation"], "Observation.note.time"),
    "measured": ("quantity", ["Observation"], "Observation.component.value.ofType(Quantity)"),
    "parts": ("number", ["Observation"], "Observation.component.count()"),
    "done-by": ("reference", ["Observation"], "Observation.performer.where(resolve() is Practitioner)"),
    "made-of": ("uri", ["Observation"], "Observation.implicitRules"),
}


def resource(name: str, **changed: Any) -> dict[str, Any]:
    kind, base, expression = PARAMETERS[name]
    return {
        "resourceType": "SearchParameter", "url": URL + name, "name": "X", "status": "active", "description": "x", "code": name,
        "base": base, "type": kind, "expression": expression, **({"target": ["Practitioner"]} if kind == "reference" else {}),
        **changed,
    }  # fmt: skip


def parameter(name: str, **changed: Any) -> Definition:
    return read_definition(resource(name, **changed))


async def take(world: World, *codes: str, **changed: Any) -> None:
    """In use, known to the process, and what is stored is indexed."""
    for code in codes:
        await take_up(world.owner, parameter(code, **changed), b"{}", NOW)
    await reindex(world.owner, lambda _: None)
    await world.store.note_index_work()


async def some(world: World) -> tuple[UUID, dict[str, UUID]]:
    """A patient with three measurements, and who made one of them."""
    hospital = await world.organisation("Sygehus")
    patient = await world.patient(hospital)
    doctor = await world.put(world.system(hospital), {"resourceType": "Practitioner", "name": [{"family": "Åse"}]})
    part = {"code": {"coding": [{"system": "http://example.org", "code": "part"}]}, "valueQuantity": {"value": 3}}
    smaller = {**part, "valueQuantity": {"value": 1}}
    put = {
        "a": await world.observation(
            patient, hospital, valueString="Éne", component=[part], implicitRules="http://example.org/a/b",
            note=[{"text": "x", "time": "2026-02-03"}],
        ),
        "b": await world.observation(
            patient, hospital, valueString="To", component=[smaller, part],
            performer=[{"reference": f"Practitioner/{doctor}"}, {"reference": f"Patient/{patient}"}],
        ),
        "c": await world.observation(patient, hospital, code="other", note=[{"text": "x", "time": "2025-01-01"}]),
        "doctor": doctor,
        "hospital": hospital,
    }  # fmt: skip
    return patient, put


SEARCHES = [
    ("any-code=part", "a b"),
    ("any-code=http://example.org|part", "a b"),
    ("any-code=other,8867-4", "a b c"),
    ("any-code:not=part", "c"),
    ("said=ene", "a"),
    ("said:contains=O", "b"),
    ("said:exact=Éne", "a"),
    ("said:missing=true", "c"),
    ("noted=ge2026", "a"),
    ("measured=lt2", "b"),
    ("measured:missing=false", "a b"),
    ("parts=2", "b"),
    ("done-by.family=åse", "b"),
    ("done-by:missing=false", "b"),
    ("made-of:below=http://example.org/a", "a"),
    ("_filter=said eq ene or parts gt 1", "a b"),
]


@pytest.mark.parametrize("late", [False, True], ids=["stored before", "stored after"])
async def test_what_is_stored_is_found_by_it(world: World, late: bool) -> None:
    if late:
        await take(world, *PARAMETERS)
    patient, put = await some(world)
    if not late:
        await take(world, *PARAMETERS)
    for search, found in SEARCHES:
        got = await world.found(world.citizen(patient), f"Observation?{search}")
        assert set(got) == {put[name] for name in found.split()}, search
    assert await world.found(world.citizen(patient), f"Observation?done-by={put['doctor']}") == [put["b"]]


async def test_it_sorts_includes_and_is_chained_to(world: World) -> None:
    await take(world, *PARAMETERS)
    patient, put = await some(world)
    ask = world.citizen(patient)
    for sort, first in (
        ("said", "c"),
        ("-noted", "a"),
        ("measured", "c"),
        ("-parts,said", "b"),
        ("-any-code", "c"),
        ("-done-by", "b"),
    ):
        assert (await world.found(ask, f"Observation?_sort={sort}"))[0] == put[first], sort
    page = await world.search(ask, "Observation?parts=2&_include=Observation:done-by")
    assert [one.id for one in page.included] == [put["doctor"]]
    page = await world.search(ask, f"Practitioner?_id={put['doctor']}&_revinclude=Observation:done-by")
    assert [one.id for one in page.included] == [put["b"]]
    assert await world.found(ask, "Practitioner?_has:Observation:done-by:said=to") == [put["doctor"]]
    assert await world.found(ask, "Patient?_has:Observation:subject:parts=2") == [patient]


async def test_it_goes_through_rows_that_the_asker_may_see_only(world: World) -> None:
    _, put = await some(world)
    await take(world, *PARAMETERS)
    other = await world.patient(put["hospital"])
    assert await world.found(world.citizen(other), "Observation?any-code=part") == []
    assert await world.found(world.citizen(other), "Patient?_has:Observation:subject:parts=2") == []


async def test_until_everything_is_indexed_a_search_by_it_is_refused_rather_than_wrong(world: World) -> None:
    patient, _ = await some(world)
    await take_up(world.owner, parameter("done-by"), b"{}", NOW)
    await world.store.note_index_work()
    ask = world.citizen(patient)
    for url in (
        "Observation?done-by:missing=false", "Observation?_sort=done-by", "Observation?_include=Observation:done-by",
        "Observation?done-by.family=x", "Practitioner?_has:Observation:done-by:status=final", "Observation?_filter=done-by pr true",
    ):  # fmt: skip
        with pytest.raises(Overloaded, match="indexed"):
            await world.search(ask, url)
    assert await world.found(ask, "Observation?code=other")
    assert await world.found(ask, "Observation?value-quantity:missing=true"), "other parameters do not wait"
    told: list[int] = []
    await reindex(world.owner, told.append)
    assert told == [3], "rows of other types have nothing to be indexed anew"
    assert len(await world.found(ask, "Observation?done-by:missing=false")) == 1


async def test_a_process_that_has_not_heard_of_it_stores_nothing_without_it(world: World) -> None:
    patient, put = await some(world)
    await take_up(world.owner, parameter("said"), b"{}", NOW)
    with pytest.raises(Overloaded, match="Send this again"):
        await world.observation(patient, put["hospital"], valueString="Tre")
    await world.observation(patient, put["hospital"], valueString="Tre")
    await reindex(world.owner, lambda _: None)
    assert len(await world.found(world.citizen(patient), "Observation?said=tre")) == 1


@pytest.mark.parametrize("begun", ["before", "after"])
async def test_an_import_learns_the_set_before_it_writes_and_whenever_it_changes(
    world: World, tmp_path: Path, begun: str
) -> None:
    hospital = await world.organisation("Sygehus")
    pool = await owner_pool(world.target, 2)
    sessions = Sessions(pool, HOOKS, CursorSigner(SECRET))
    if begun == "before":
        await sessions.parameters.learn()
    await take_up(world.owner, parameter("said"), b"{}", NOW)
    if begun == "after":
        use_parameters(ParameterSet(0, ()))  # as a process is that has heard of nothing yet
    importer = Importer(pool, sessions, Source(key_of(hospital), "urn:x"), SECRET, lambda: NOW)
    try:
        report = await importer.run([_said_in_a_file(tmp_path)])
    finally:
        await pool.close()
    assert (report.stored, report.unread) == (2, [])
    await world.store.note_index_work()
    patient = await world.owner.fetchval("select id from fhir.resource where type = $1", TYPE_NUMBERS["Patient"])
    await reindex(world.owner, lambda _: None)
    assert len(await world.found(world.citizen(patient), "Observation?said=tre")) == 1


def _said_in_a_file(folder: Path) -> Path:
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": "Roe"}]}
    said = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "valueString": "Tre"}
    path = folder / "some.ndjson"
    path.write_bytes(orjson.dumps(patient) + b"\n" + orjson.dumps({**said, "subject": {"reference": "Patient/p"}}))
    return path


_WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())"


async def test_a_write_that_is_ending_is_waited_for_and_found_by_the_indexer(world: World) -> None:
    patient, put = await some(world)
    other = await connect(world.target.owner)
    change = Change("POST", "Observation", _said(patient), orjson.dumps(_said(patient)), new_id(bucket_of(patient)))
    async with world.store.session(world.system(put["hospital"])) as session:
        await session.write([change])
        taking = asyncio.ensure_future(take_up(other, parameter("said"), b"{}", NOW))
        while not (waits := await world.owner.fetchval(_WAITING)) and not taking.done():
            await asyncio.sleep(0)
    assert waits == 1
    await taking
    await other.close()
    await reindex(world.owner, lambda _: None)
    await world.store.note_index_work()
    assert await world.found(world.citizen(patient), "Observation?said=tre") == [change.id]


def _said(patient: UUID) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{patient}"},
        "valueString": "Tre",
    }  # fmt: skip


class _Overtaken:
    """A connection on which the set changes just before the first page of rows is fetched."""

    def __init__(self, connection: Any, change: Callable[[], Awaitable[object]]) -> None:
        self._connection, self._change, self.pages = connection, change, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, statement: str, *values: Any) -> Any:
        if "for update" in statement:
            self.pages += 1
            if self.pages == 1:
                await self._change()
        return await self._connection.fetch(statement, *values)


async def test_a_page_under_which_the_set_changes_is_indexed_again(world: World) -> None:
    patient, _ = await some(world)
    await take_up(world.owner, parameter("said"), b"{}", NOW)
    other = await connect(world.target.owner)
    overtaken = _Overtaken(world.owner, lambda: take_up(other, parameter("parts"), b"{}", NOW))
    await reindex(overtaken, lambda _: None)  # type: ignore[arg-type]
    await other.close()
    rows = await world.owner.fetchval(
        "select count(*) from fhir.resource where numbers && array[$1::float8]",
        float(parameters_in_use().parameters[1].number),
    )
    assert (overtaken.pages, rows) == (3, 3)
    with pytest.raises(Overloaded):  # what came between has work of its own
        await world.search(world.citizen(patient), "Observation?parts=2")


async def test_it_is_retired_and_its_number_never_comes_back(world: World) -> None:
    patient, _ = await some(world)
    await take(world, "said")
    first = parameters_in_use().parameters[0].number
    await retire(world.owner, URL + "said", NOW)
    ask = world.citizen(patient)
    with pytest.raises(BadRequest, match="no longer in use"):
        await world.search(ask, "Observation?said=to")
    await world.store.note_index_work()
    with pytest.raises(BadRequest, match="no search parameter called 'said'"):
        await world.search(ask, "Observation?said=to")
    await take(world, "said", expression="Observation.code.text")
    assert parameters_in_use().parameters[0].number > first
    assert await world.found(ask, "Observation?said=to") == []
    assert not await retire(world.owner, URL + "nothing", NOW)


async def test_a_later_version_takes_the_place_of_an_earlier_one(world: World) -> None:
    patient, put = await some(world)
    await take(world, "said")
    await take(world, "said", version="2", expression="Observation.component.code.coding.code")
    assert [one.code for one in parameters_in_use().parameters] == ["said"]
    assert set(await world.found(world.citizen(patient), "Observation?said=part")) == {put["a"], put["b"]}


async def test_one_type_has_a_code_once_and_there_is_an_end_to_how_many(world: World) -> None:
    await take_up(world.owner, parameter("said"), b"{}", NOW)
    with pytest.raises(Conflict, match="retire that first"):
        await take_up(world.owner, parameter("said", url=URL + "else"), b"{}", NOW)
    for count in range(MOST - 1):
        await take_up(world.owner, parameter("said", url=f"{URL}{count}", code=f"said{count}"), b"{}", NOW)
    with pytest.raises(Conflict, match="retire one first"):
        await take_up(world.owner, parameter("parts"), b"{}", NOW)


async def test_it_is_told_to_machines_with_its_address(world: World) -> None:
    def told() -> list[Any]:
        resources = orjson.loads(capability_statement("http://x"))["rest"][0]["resource"]
        return list(next(one for one in resources if one["type"] == "Observation")["searchParam"])

    before = told()
    await take(world, "said")
    fresh = [one for one in told() if one not in before]
    assert fresh == [{"name": "said", "type": "string", "definition": URL + "said"}]
    assert "Observation.said" in orjson.loads(openapi("http://x"))["components"]["parameters"]


async def test_a_resource_in_which_it_costs_too_much_is_stored_without_a_value_of_it(world: World) -> None:
    expression = (
        "Observation.component.where(code.coding.where(code = 'x' or code = 'y' or code = 'z').exists()).count()"
    )
    await take(world, "parts", expression=expression)
    patient, put = await some(world)
    part = {"code": {"coding": [{"code": "x"}] * 3}, "valueInteger": 1}
    small = await world.observation(patient, put["hospital"], component=[part])
    await world.observation(patient, put["hospital"], component=[part] * 1500)
    assert await world.found(world.citizen(patient), "Observation?parts=ge1") == [small]


# --- the commands -----------------------------------------------------------------------------------------------------


async def test_an_operator_takes_a_file_or_what_a_source_stored_into_use(world: World, tmp_path: Path) -> None:
    hospital = await world.organisation("Sygehus")
    await world.put(world.system(hospital), resource("parts"))
    assert (await in_use(world.owner)).parameters == (), "what a source stores changes nothing by itself"
    file = tmp_path / "said.json"
    file.write_bytes(orjson.dumps(resource("said")))
    quiet = Console(quiet=True)
    await use(world.target, [str(file), URL + "parts"], quiet)
    assert [one.code for one in (await in_use(world.owner)).parameters] == ["said", "parts"]
    told = StringIO()
    await retire_used(world.target, URL + "said", lambda: NOW)
    await list_used(world.target, Console(width=200, file=told))
    assert told.getvalue().splitlines() == [
        f"said of Observation (string): retired 2026-11-23; {URL}said",
        f"parts of Observation (number): in use; {URL}parts",
    ]
    with pytest.raises(BadRequest, match="No search parameter"):
        await retire_used(world.target, URL + "said")


async def test_nothing_is_taken_into_use_when_one_of_several_is_wrong(world: World, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(orjson.dumps(resource("said")))
    bad.write_bytes(orjson.dumps({**resource("parts"), "expression": "Observation.mood"}))
    with pytest.raises(InvalidResource, match="Observation has no element"):
        await use(world.target, [str(good), str(bad)], Console(quiet=True))
    with pytest.raises(BadRequest, match="cannot be read"):
        await use(world.target, [str(tmp_path / "none.json")], Console(quiet=True))
    with pytest.raises(BadRequest, match="installed or stored"):
        await use(world.target, [URL + "nothing"], Console(quiet=True))
    assert (await in_use(world.owner)).parameters == ()
