"""The twin database: nothing that an asker can do at the FHIR door tells whether something hidden is there."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pytest

from helhed.fhir.definitions import Ownership
from helhed.foundation import ids
from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.foundation.database import Target
from helhed.foundation.settings import Settings
from helhed.registries import identifiers
from helhed.trust.reference import Permit, decide
from tests.generative import memory_search
from tests.generative.law import pairs_of
from tests.generative.loading import Loaded, load
from tests.generative.mutants import AT_THE_DOOR, MUTANTS, Mutant, mutate
from tests.generative.queries import a_search
from tests.generative.resources import CODES, Drawer, Resource
from tests.generative.tally import Tally, counted
from tests.generative.twins import BASE, Call, Chance, Reply, Twins, is_there, twins
from tests.generative.worlds import Kept, a_world, an_ask
from tests.support.databases import copy_of
from tests.support.world import World as Opened

SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(500, 560))]
NOBODY = "018bcfe5-6812-7762-a694-3f9d5f036e21"
SEARCHES, MOST_PAGES = 14, 4
#: in what shape an answer is asked for
SHAPES = (
    (), (), (("_summary", "true"),), (("_summary", "data"),), (("_summary", "count"),), (("_elements", "id,text"),),
    (("_text", "a"),), (("_explain", "true"),),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _same_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both networks give out the same ids for the same request."""
    monkeypatch.setattr(ids, "os", Chance)
    monkeypatch.setattr(ids, "time", Chance)
    monkeypatch.setattr(identifiers, "secrets", Chance)


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """A case is a search."""
    with counted() as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
async def test_nobody_can_tell_hidden_from_missing(target, tmp_path, seed, tally):
    await compare(target, tmp_path, seed, tally=tally)


LEAKS = ("hidden is forbidden", "totals count everything", "chains undecided", "includes undecided", "reading undecided",
         "deleted tells of itself", "the past undecided", "versions undecided")  # fmt: skip


@pytest.mark.parametrize("mutant", AT_THE_DOOR, ids=lambda one: one.sin)
async def test_a_leak_of_what_only_the_door_calls_tells_the_twins_apart(server_target, tmp_path, mutant):
    with pytest.raises(AssertionError):
        await _compare_until_they_differ(server_target, tmp_path, mutant)


@pytest.mark.parametrize("sin", [LEAKS[0], *(pytest.param(sin, marks=pytest.mark.long) for sin in LEAKS[1:])])
async def test_a_leak_tells_the_twins_apart(server_target, tmp_path, sin):
    mutant = next(one for one in MUTANTS if one.sin == sin)
    with pytest.raises(AssertionError):
        await _compare_until_they_differ(server_target, tmp_path, mutant)


async def _compare_until_they_differ(server_target: Target, folder: Path, mutant: Mutant) -> None:
    for seed in range(40):
        async with copy_of(server_target) as target:
            await compare(target, folder, seed, mutant)


async def compare(
    target: Target, folder: Path, seed: int, mutant: Mutant | None = None, tally: Tally | None = None
) -> None:
    """Whatever two professionals and somebody else do."""
    drawer = Drawer.seeded(seed + 3_000_000)
    loaded = await _filled(target, folder, seed, mutant)
    kinds = [ActorKind.PROFESSIONAL, ActorKind.PROFESSIONAL, (ActorKind.CITIZEN, ActorKind.SYSTEM)[seed % 2]]
    for ask in (an_ask(drawer, loaded.world, kind) for kind in kinds):
        async with twins(loaded, target, ask, folder) as pair:
            for call in calls(drawer, loaded, ask, tally or Tally()):
                await same(pair, call)


async def _filled(target: Target, folder: Path, seed: int, mutant: Mutant | None = None) -> Loaded:
    """A world in ``target``, to which nobody stays connected."""
    opened = await Opened.open(target, Settings(data_dir=folder, demo=True))
    try:
        loaded = await load(opened, a_world(Drawer.seeded(seed)))
        if mutant:
            await mutate(opened.owner, mutant)
    finally:
        await opened.close()
    return loaded


async def same(pair: Twins, call: Call) -> None:
    """Both answer alike, to the last page."""
    for _ in range(MOST_PAGES):
        whole, bare = await pair.answers(call)
        assert whole == bare, call
        assert whole.status < 500
        following = _next(whole)
        if following is None:
            return
        call = following


def _next(reply: Reply) -> Call | None:
    if reply.status != 200 or not reply.body.startswith(b'{"resourceType":"Bundle"'):
        return None
    links = {link["relation"]: link["url"] for link in json.loads(reply.body).get("link", ())}
    if "next" not in links:
        return None
    parts = urlsplit(links["next"].removeprefix(BASE))
    return Call("GET", parts.path, parts.query)


# --- what an asker tries ----------------------------------------------------------------------------------------------


def calls(drawer: Drawer, loaded: Loaded, ask: Ask, tally: Tally) -> Iterator[Call]:
    """Looks first, then changes, then some looks again."""
    yield from looks(drawer, loaded, ask, tally)
    for one in some(drawer, loaded, ask, 5):
        yield from changes(drawer, loaded, ask, one)
    yield from searches(drawer, loaded, ask, 5, tally)
    yield from pasts(drawer)
    for one in some(drawer, loaded, ask, 2):
        yield from about(one.row.type_name, one.resource["id"])


def looks(drawer: Drawer, loaded: Loaded, ask: Ask, tally: Tally) -> Iterator[Call]:
    for one in some(drawer, loaded, ask, 6):
        yield from about(one.row.type_name, one.resource["id"])
    yield from about("Observation", NOBODY)
    yield from pasts(drawer)
    for one in loaded.world.kept:
        if one.row.type_name == "Patient":
            known = {name: one.resource[name] for name in ("name", "birthDate", "identifier") if name in one.resource}
            yield Call("POST", "/fhir/Patient/$match", "", orjson.dumps({"resourceType": "Patient", **known}))
    yield from searches(drawer, loaded, ask, SEARCHES, tally)
    for kind in ("batch", "transaction"):
        gets = [f"{one.row.type_name}/{one.resource['id']}" for one in some(drawer, loaded, ask, 2)]
        gets.append(_encoded(a_search(drawer, loaded.world, ask).url))
        for several in ([one] for one in gets) if kind == "transaction" else (gets,):
            yield bundle(kind, [{"request": {"method": "GET", "url": one}} for one in several])


def about(type_name: str, identifier: str) -> Iterator[Call]:
    """Every way to look at one resource."""
    path = f"/fhir/{type_name}/{identifier}"
    yield Call("GET", path)
    yield Call("HEAD", path)
    yield Call("GET", path, headers={"if-none-match": 'W/"1"'})
    yield Call("GET", f"{path}/_history/1")
    yield Call("GET", f"{path}/_history/2")
    yield Call("GET", f"{path}/_history", "_count=1")
    yield Call("GET", path, "_summary=true")
    if type_name in memory_search.COMPARTMENTS:
        yield Call("GET", f"{path}/*", "_total=accurate&_count=2")
        yield Call("GET", f"{path}/Observation", "_content=a&_total=accurate")
    if type_name == "Patient":
        yield Call("GET", f"{path}/$summary")
    if type_name in {"Patient", "Encounter"}:
        yield Call("GET", f"{path}/$everything")
        yield Call("GET", f"{path}/$everything", "_count=2&_type=Observation,Patient,Organization")


def pasts(drawer: Drawer) -> Iterator[Call]:
    """The history of a type and of the system."""
    yield Call("GET", "/fhir/_history", "_count=7")
    for type_name in ("Patient", "Observation", "Encounter"):
        since = drawer.pick(["", "&_since=2026-11-01", "&_at=2026-11-23"])
        yield Call("GET", f"/fhir/{type_name}/_history", f"_count={drawer.pick([1, 5, 50])}{since}")


def searches(drawer: Drawer, loaded: Loaded, ask: Ask, several: int, tally: Tally) -> Iterator[Call]:
    for _ in range(several):
        case = a_search(drawer, loaded.world, ask)
        tally.met(hidden=bool(case.hidden_matches()))
        url = case.url
        path, text = f"/fhir/{url.partition('?')[0]}".rstrip("/"), urlencode([*pairs_of(url), *drawer.pick(SHAPES)])
        if drawer.chance(25):
            posted = {"content-type": "application/x-www-form-urlencoded"}
            yield Call("POST", f"{path}/_search", "_count=3", text.encode(), posted)
        else:
            yield Call("GET", path, text)


def _encoded(url: str) -> str:
    return f"{url.partition('?')[0]}?{urlencode(pairs_of(url))}"


def some(drawer: Drawer, loaded: Loaded, ask: Ask, several: int) -> list[Kept]:
    """Hidden ones first."""
    hidden = [one for one in loaded.world.kept if not is_there(loaded, ask, one)]
    shown = [one for one in loaded.world.kept if is_there(loaded, ask, one)]
    chosen = [drawer.pick(hidden) for _ in range((several + 1) // 2) if hidden]
    chosen += [drawer.pick(shown) for _ in range(several - len(chosen)) if shown]
    return list({one.resource["id"]: one for one in chosen}.values())


def changes(drawer: Drawer, loaded: Loaded, ask: Ask, one: Kept) -> Iterator[Call]:
    """Every way to change a resource, or to make one that touches it."""
    type_name, identifier = one.row.type_name, one.resource["id"]
    path = f"/fhir/{type_name}/{identifier}"
    body = {name: value for name, value in one.resource.items() if name != "meta"}
    for if_match in ({}, {"if-match": 'W/"1"'}, {"if-match": 'W/"9"'}):
        yield Call("PUT", path, "", orjson.dumps(body), if_match)
        yield bundle("transaction", [put(body, f"{type_name}/{identifier}", if_match)])
    if one.row.ownership is not Ownership.PUBLIC:
        yield from conditional_creates(drawer, loaded, ask, one)
        yield from conditional_changes(drawer, loaded, ask, one)
    yield from references(loaded, ask, one)
    yield Call("DELETE", path, headers={"if-match": 'W/"9"'})
    yield bundle("transaction", [{"request": {"method": "DELETE", "url": f"{type_name}/{identifier}"}}])
    yield Call("DELETE", path)


def conditional_creates(drawer: Drawer, loaded: Loaded, ask: Ask, one: Kept) -> Iterator[Call]:
    """If-None-Exist on what would match, alone and in a transaction; what is created is about somebody to be seen."""
    type_name = one.row.type_name
    bare = {name: value for name, value in one.resource.items() if name not in {"id", "meta", "identifier"}}
    if "subject" in bare:
        bare["subject"] = {"reference": _somebody(drawer, loaded, ask)}
    for condition in (f"_id={one.resource['id']}", _criteria(drawer, loaded, ask, type_name)):
        yield Call("POST", f"/fhir/{type_name}", "", orjson.dumps(bare), {"if-none-exist": condition})
        request = {"method": "POST", "url": type_name, "ifNoneExist": condition}
        yield bundle("transaction", [{"resource": bare, "request": request}])


def conditional_changes(drawer: Drawer, loaded: Loaded, ask: Ask, one: Kept) -> Iterator[Call]:
    """Updates, patches and deletes of what would match, alone and in a transaction, and a patch by the id."""
    type_name, identifier = one.row.type_name, one.resource["id"]
    bare = {name: value for name, value in one.resource.items() if name not in {"id", "meta"}}
    if "subject" in bare:
        bare["subject"] = {"reference": _somebody(drawer, loaded, ask)}
    test = [{"op": "test", "path": "/id", "value": identifier}, {"op": "remove", "path": "/nosuch"}]
    patch = {"content-type": "application/json-patch+json", "if-match": 'W/"1"'}
    yield Call("PATCH", f"/fhir/{type_name}/{identifier}", "", orjson.dumps(test), patch)
    for condition in (f"_id={identifier}", _criteria(drawer, loaded, ask, type_name)):
        yield Call("PATCH", f"/fhir/{type_name}", condition, orjson.dumps(test), patch)
        yield Call("PUT", f"/fhir/{type_name}", condition, orjson.dumps(bare), {"if-match": 'W/"9"'})
        yield Call("DELETE", f"/fhir/{type_name}", condition, b"", {"if-match": 'W/"9"'})
        yield bundle("transaction", [put(bare, f"{type_name}?{condition}", {"if-match": 'W/"1"'})])
        yield bundle(
            "batch", [{"request": {"method": "DELETE", "url": f"{type_name}?{condition}", "ifMatch": 'W/"1"'}}]
        )


def _somebody(drawer: Drawer, loaded: Loaded, ask: Ask) -> str:
    """Whoever may write for a citizen knows that the citizen is there, so not one whose Patient alone is hidden."""
    patients = [one for one in loaded.world.kept if one.row.type_name == "Patient" and is_there(loaded, ask, one)]
    return f"Patient/{drawer.pick(patients).resource['id'] if patients else NOBODY}"


def _criteria(drawer: Drawer, loaded: Loaded, ask: Ask, type_name: str) -> str:
    """The conditions of some search for this type."""
    for _ in range(30):
        url = a_search(drawer, loaded.world, ask).url
        pairs = [pair for pair in pairs_of(url) if not pair[0].startswith("_")]
        if url.startswith(f"{type_name}?") and pairs:
            return urlencode(pairs)
    return "_id=none"


def references(loaded: Loaded, ask: Ask, one: Kept) -> Iterator[Call]:
    """A resource that refers to this one: by its id, and by a condition that only it meets."""
    named = {"reference": f"{one.row.type_name}/{one.resource['id']}"}
    by_condition = {"reference": f"{one.row.type_name}?_id={one.resource['id']}"}
    for item in (named, by_condition):
        working = {"resourceType": "List", "status": "current", "mode": "working", "entry": [{"item": item}]}
        yield bundle("transaction", [{"resource": working, "request": {"method": "POST", "url": "List"}}])
    yield Call("POST", "/fhir/List", "", orjson.dumps({"resourceType": "List", "status": "current", "mode": "working", "entry": [{"item": named}]}))  # fmt: skip
    coding = {"coding": [{"system": CODES[0][0], "code": CODES[0][1]}]}
    for subject in ({"reference": f"Patient/{NOBODY}"},):
        measured = {"resourceType": "Observation", "status": "final", "code": coding, "subject": subject}
        yield Call("POST", "/fhir/Observation", "", orjson.dumps(measured))


def put(body: Resource, url: str, if_match: dict[str, str]) -> Resource:
    """An entry that updates."""
    request = {"method": "PUT", "url": url} | ({"ifMatch": if_match["if-match"]} if if_match else {})
    return {"resource": body, "request": request}


def bundle(kind: str, entries: Sequence[Any]) -> Call:
    """A transaction or batch."""
    return Call("POST", "/fhir", "", orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries)}))


async def test_a_token_that_only_writes_finds_nothing_by_writing(target, tmp_path):
    """A condition of a create is a look: who may not read a type does not learn what is there of it."""
    drawer = Drawer.seeded(4)
    loaded = await _filled(target, tmp_path, 4)
    ask = replace(_treating(loaded), read_types=frozenset({"Patient"}), write_types=None)
    hidden = [
        one
        for one in loaded.world.kept
        if not is_there(loaded, ask, one) and one.row.type_name in {"Observation", "List"}
    ]
    assert hidden
    async with twins(loaded, target, ask, tmp_path) as pair:
        for one in hidden:
            for call in conditional_creates(drawer, loaded, ask, one):
                await same(pair, call)


def _treating(loaded: Loaded) -> Ask:
    """Whoever sees the most."""
    asks = [an_ask(Drawer.seeded(seed), loaded.world, ActorKind.PROFESSIONAL) for seed in range(60)]
    wide = [replace(ask, read_types=None, write_types=None) for ask in asks]
    return max(wide, key=lambda ask: sum(may_change(loaded, ask, one) for one in loaded.world.kept))


def may_change(loaded: Loaded, ask: Ask, one: Kept) -> bool:
    """Whether the asker keeps a row."""
    return isinstance(decide(ask, Action.UPDATE, one.row, loaded.world.facts), Permit)
