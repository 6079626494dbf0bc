"""What stands in the log after each kind of look: one row for each citizen seen or named, permitted or not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import Forbidden, Gone, HelhedError, PreconditionFailed, Unknown
from helhed.foundation.ids import key_of, new_id
from helhed.registries.directory import Directory
from helhed.trust.log.citizen_log import CitizenLog
from tests.support.world import NOW
from tests.unit.store.scene import Scene, entry, transaction

TREATED, CHOSEN, OWN, KEEPER = 2, 3, 1, 5  # bases: a contact, the chosen clinic, oneself, the custodian


class Row(NamedTuple):
    """What a row says of one look."""

    citizen: int | None
    action: int
    permitted: bool
    basis: int | None
    resources: tuple[UUID, ...] = ()
    versions: tuple[int, ...] = ()


class Watched:
    """One asker, and what the log says of its next requests only."""

    def __init__(self, scene: Scene, ask: Ask) -> None:
        self.scene = scene
        self.ask = replace(ask, trace=uuid4())

    async def rows(self) -> list[Row]:
        """The rows of this asker, oldest first."""
        found = await self.scene.world.owner.fetch(
            "select * from foundation.access_log where trace = $1 order by id", self.ask.trace
        )
        for row in found:
            assert (row["kind"], row["actor"], row["organisation"]) == (
                self.ask.kind,
                self.ask.actor,
                self.ask.organisation,
            )
            assert (row["at"], row["role"], row["purpose"]) == (NOW, self.ask.role, self.ask.purpose)
        return [
            Row(row["citizen"], row["action"], row["permitted"], row["basis"], tuple(sorted(row["resources"])), tuple(sorted(row["versions"])))
            for row in found
        ]  # fmt: skip


@pytest.fixture
def doctor(scene: Scene) -> Watched:
    return Watched(scene, scene.doctor)


@pytest.fixture
def stranger(scene: Scene) -> Watched:
    return Watched(scene, scene.stranger)


# --- one row --------------------------------------------------------------------------------------------------------------


async def test_a_read_leaves_who_what_which_version_and_why(scene: Scene, doctor: Watched) -> None:
    await scene.world.change(scene.custodian, scene.observation, scene.result(scene.observation))
    await scene.world.store.read(doctor.ask, "Observation", scene.observation)
    assert await doctor.rows() == [Row(key_of(scene.patient), Action.READ, True, TREATED, (scene.observation,), (2,))]


async def test_a_denied_read_stands_in_the_log_of_the_citizen_it_was_about(scene: Scene, stranger: Watched) -> None:
    with pytest.raises(Unknown):
        await scene.world.store.read(stranger.ask, "Observation", scene.observation)
    assert await stranger.rows() == [Row(key_of(scene.patient), Action.READ, False, None, (scene.observation,), (1,))]


async def test_reads_of_what_never_was_are_attempts_at_nobody(scene: Scene, doctor: Watched) -> None:
    missing = new_id()
    for identifier in (missing, None):
        with pytest.raises(Unknown):
            await scene.world.store.read(doctor.ask, "Observation", identifier)
    assert await doctor.rows() == [
        Row(None, Action.READ, False, None, (missing,)), Row(None, Action.READ, False, None)
    ]  # fmt: skip


async def test_a_read_of_a_deleted_row_is_a_look_too(scene: Scene, doctor: Watched) -> None:
    await scene.world.delete(scene.custodian, "Observation", scene.observation)
    with pytest.raises(Gone):
        await scene.world.store.read(doctor.ask, "Observation", scene.observation)
    assert await doctor.rows() == [Row(key_of(scene.patient), Action.READ, True, TREATED, (scene.observation,), (2,))]


async def test_an_old_version_is_logged_as_that_version(scene: Scene, doctor: Watched, stranger: Watched) -> None:
    await scene.world.change(scene.custodian, scene.observation, scene.result(scene.observation))
    await scene.world.store.vread(doctor.ask, "Observation", scene.observation, 1)
    with pytest.raises(Unknown):
        await scene.world.store.vread(stranger.ask, "Observation", scene.observation, 1)
    citizen, seen = key_of(scene.patient), (scene.observation,)
    assert await doctor.rows() == [Row(citizen, Action.VREAD, True, TREATED, seen, (1,))]
    assert await stranger.rows() == [Row(citizen, Action.VREAD, False, None, seen, (1,))]


async def test_a_history_names_the_versions_on_its_page(scene: Scene, doctor: Watched, stranger: Watched) -> None:
    for _ in range(3):
        await scene.world.change(scene.custodian, scene.observation, scene.result(scene.observation))
    store, citizen, seen = scene.world.store, key_of(scene.patient), (scene.observation,)
    await store.history(doctor.ask, "Observation", scene.observation, count=2, cursor=None)
    with pytest.raises(Unknown):
        await store.history(stranger.ask, "Observation", scene.observation, count=2, cursor=None)
    assert await doctor.rows() == [Row(citizen, Action.HISTORY, True, TREATED, seen, (3, 4))]
    assert await stranger.rows() == [Row(citizen, Action.HISTORY, False, None, seen)]


# --- searches ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["", "&_total=accurate", "&_sort=date"])
async def test_a_page_of_one_record_is_one_row_with_what_was_on_it(scene: Scene, doctor: Watched, more: str) -> None:
    await scene.world.observation(scene.patient, scene.hospital, effectiveDateTime="2020-01-01")
    page = await scene.world.search(doctor.ask, f"Observation?patient=Patient/{scene.patient}&_count=1{more}")
    (only,) = page.matches
    assert await doctor.rows() == [Row(key_of(scene.patient), Action.SEARCH, True, TREATED, (only.id,), (1,))]


@pytest.mark.parametrize(
    "url",
    [
        "Observation?patient=Patient/{p}",
        "Observation?patient=Patient/{p}&_total=accurate",
        "Patient?_id={p}",
        "Encounter?patient:Patient._id={p}",
        "Observation?patient=Patient/{p}&code=nothing",
    ],
)
async def test_naming_a_citizen_in_vain_is_an_attempt(scene: Scene, stranger: Watched, url: str) -> None:
    assert await scene.world.found(stranger.ask, url.format(p=scene.patient)) == []
    assert await stranger.rows() == [Row(key_of(scene.patient), Action.SEARCH, False, None)]


async def test_a_search_that_may_look_and_finds_nothing_is_a_look(scene: Scene, doctor: Watched) -> None:
    assert await scene.world.found(doctor.ask, f"Observation?patient=Patient/{scene.patient}&code=nothing") == []
    assert await doctor.rows() == [Row(key_of(scene.patient), Action.SEARCH, True, TREATED)]


async def test_a_search_across_citizens_is_one_row_each_and_none_for_those_filtered_out(
    scene: Scene, doctor: Watched
) -> None:
    world = scene.world
    other = await world.patient(scene.hospital, "Anden")
    await world.contact(other, scene.ward)
    theirs = await world.observation(other, scene.hospital)
    hidden = await world.patient(scene.elsewhere, "Skjult")
    await world.observation(hidden, scene.elsewhere)
    await world.found(doctor.ask, "Observation?code=8867-4")
    assert sorted(await doctor.rows()) == sorted(
        [
            Row(key_of(scene.patient), Action.SEARCH, True, TREATED, (scene.observation,), (1,)),
            Row(key_of(other), Action.SEARCH, True, TREATED, (theirs,), (1,)),
        ]
    )


async def test_what_was_included_stands_beside_what_matched(scene: Scene, doctor: Watched) -> None:
    await scene.world.search(
        doctor.ask, f"Encounter?_id={scene.contact}&_include=Encounter:patient&_revinclude=Observation:encounter"
    )
    assert await doctor.rows() == [
        Row(key_of(scene.patient), Action.SEARCH, True, TREATED, tuple(sorted((scene.contact, scene.patient))), (1, 1))
    ]


async def test_a_search_of_public_rows_is_a_look_at_nobody(scene: Scene, doctor: Watched) -> None:
    await scene.world.found(doctor.ask, "Organization?name=syge")
    assert [(row.citizen, row.permitted) for row in await doctor.rows()] == [(None, True)]


async def test_requests_that_share_a_statement_each_have_their_own_row(scene: Scene) -> None:
    askers = [Watched(scene, ask) for ask in (scene.doctor, scene.gp, scene.stranger, scene.citizen)]
    store = scene.world.store
    await asyncio.gather(
        *(store.read(one.ask, "Observation", scene.observation) for one in askers), return_exceptions=True
    )
    assert store.reads.batcher.batches == 1
    said = [[(row.permitted, row.basis) for row in await one.rows()] for one in askers]
    assert said == [[(True, TREATED)], [(True, CHOSEN)], [(False, None)], [(True, OWN)]]


# --- one page, several reads --------------------------------------------------------------------------------------------------


async def test_an_overview_is_one_look(scene: Scene, doctor: Watched, stranger: Watched) -> None:
    wanted = (key_of(scene.patient), ["Patient", "Observation"], 50)
    rows = await scene.world.store.citizen_rows(doctor.ask, *wanted)
    assert await scene.world.store.citizen_rows(stranger.ask, *wanted) == []
    seen = tuple(sorted(row.version.id for row in rows))
    assert seen == tuple(sorted((scene.patient, scene.observation)))
    assert await doctor.rows() == [Row(key_of(scene.patient), Action.OVERVIEW, True, TREATED, seen, (1, 1))]
    assert await stranger.rows() == [Row(key_of(scene.patient), Action.OVERVIEW, False, None)]


async def test_looking_somebody_up_is_a_look_under_the_directory_basis(scene: Scene, stranger: Watched) -> None:
    number = await scene.world.owner.fetchval(
        "select cpr from registries.citizen where key = $1", key_of(scene.patient)
    )
    directory = Directory(scene.world.store.pool)
    assert await directory.find_by_number(stranger.ask, number)
    assert await directory.find_by_number(replace(stranger.ask, kind=scene.custodian.kind), number) is None
    found = [(row.citizen, row.action, row.permitted) for row in await _by_trace(scene, stranger.ask)]
    assert found == [(key_of(scene.patient), Action.LOOKUP, True), (key_of(scene.patient), Action.LOOKUP, False)]


async def _by_trace(scene: Scene, ask: Ask) -> list[Any]:
    rows = await scene.world.owner.fetch(
        "select citizen, action, permitted from foundation.access_log where trace = $1 order by id", ask.trace
    )
    return [Row(row["citizen"], row["action"], row["permitted"], None) for row in rows]


async def test_reading_ones_own_log_adds_one_row_and_nobody_else_reads_it(scene: Scene) -> None:
    citizen = Watched(scene, scene.citizen)
    log = CitizenLog(scene.world.store.pool)
    await scene.reads(scene.doctor)
    since, until = NOW.replace(year=2000), NOW.replace(year=2100)
    entries = await log.entries(citizen.ask, since, until)
    assert (entries[0].action, entries[0].actor, entries[0].type_name) == (
        Action.READ,
        scene.doctor.actor,
        "Observation",
    )
    assert await citizen.rows() == [Row(key_of(scene.patient), Action.OWN_LOG, True, OWN)]
    for ask in (scene.doctor, scene.custodian, scene.gp):
        assert await log.entries(ask, since, until) == []


# --- writes ---------------------------------------------------------------------------------------------------------------


async def test_a_transaction_is_one_row_for_each_citizen_and_kind_of_change(scene: Scene) -> None:
    custodian = Watched(scene, scene.custodian)
    outcomes = await transaction(
        scene.world,
        custodian.ask,
        entry("POST", "Observation", scene.result()),
        entry("POST", "Observation", scene.result()),
        entry("DELETE", f"Observation/{scene.observation}"),
    )
    made = tuple(sorted(one.written.id for one in outcomes[:2] if one.written))
    citizen = key_of(scene.patient)
    assert sorted(await custodian.rows()) == sorted(
        [
            Row(citizen, Action.CREATE, True, KEEPER, made, (1, 1)),
            Row(citizen, Action.DELETE, True, KEEPER, (scene.observation,), (2,)),
        ]
    )


async def refused_update(scene: Scene, ask: Ask) -> None:
    await scene.world.change(ask, scene.observation, scene.result(scene.observation), if_match=7)


async def refused_delete(scene: Scene, ask: Ask) -> None:
    await scene.world.delete(ask, "Observation", scene.observation)


@pytest.mark.parametrize(("write", "action"), [(refused_update, Action.UPDATE), (refused_delete, Action.DELETE)])
@pytest.mark.parametrize("who", ["stranger", "gp"])
async def test_a_refused_change_stands_as_an_attempt_at_its_citizen(
    scene: Scene, write: Callable[[Scene, Ask], Awaitable[None]], action: Action, who: str
) -> None:
    asker = Watched(scene, getattr(scene, who))
    with pytest.raises(HelhedError):
        await write(scene, asker.ask)
    assert await asker.rows() == [Row(key_of(scene.patient), action, False, None, (scene.observation,))]


async def test_a_change_that_comes_too_late_names_its_citizen_too(scene: Scene) -> None:
    custodian = Watched(scene, scene.custodian)
    with pytest.raises(PreconditionFailed):
        await refused_update(scene, custodian.ask)
    await scene.world.delete(scene.custodian, "Observation", scene.observation)
    with pytest.raises(Gone):
        await refused_update(scene, custodian.ask)
    assert [(row.citizen, row.action, row.permitted) for row in await custodian.rows()] == [
        (key_of(scene.patient), Action.UPDATE, False)
    ] * 2


async def test_a_denied_read_inside_a_failed_transaction_stands(scene: Scene, stranger: Watched) -> None:
    with pytest.raises(Unknown):
        await transaction(scene.world, stranger.ask, entry("GET", f"Observation/{scene.observation}"))
    with pytest.raises(Unknown):
        await transaction(scene.world, stranger.ask, entry("GET", f"Observation/{scene.observation}/_history/1"))
    read = [row for row in await stranger.rows() if row.citizen is not None]
    assert [(row.citizen, row.permitted, row.resources) for row in read] == [
        (key_of(scene.patient), False, (scene.observation,))
    ] * 2


async def test_a_look_before_the_transaction_failed_stands_too(scene: Scene, doctor: Watched) -> None:
    """Which entry failed tells what the entries before it found, so they are looks."""
    missing = new_id()
    for look in (f"Observation/{scene.observation}", f"Observation?patient=Patient/{scene.patient}&code=8867-4"):
        with pytest.raises(Unknown):
            await transaction(scene.world, doctor.ask, entry("GET", look), entry("GET", f"Observation/{missing}"))
    looks = [row for row in await doctor.rows() if row.citizen is not None]
    assert [(row.citizen, row.permitted) for row in looks] == [(key_of(scene.patient), True)] * 2


@pytest.mark.parametrize("who", ["doctor", "stranger"])
async def test_a_condition_of_a_refused_transaction_stands_with_those_it_named(scene: Scene, who: str) -> None:
    """Otherwise failing transactions would be a way to ask who has what, without a trace."""
    asker = Watched(scene, getattr(scene, who))
    probe = {"reference": f"Encounter?patient=Patient/{scene.patient}&status=in-progress"}
    location = {"resourceType": "Location", "extension": [{"url": "urn:probe", "valueReference": probe}]}
    with pytest.raises(HelhedError):
        await transaction(
            scene.world, asker.ask, entry("POST", "Location", location), entry("GET", f"Observation/{new_id()}")
        )
    named = [row for row in await asker.rows() if row.citizen is not None]
    assert [(row.citizen, row.permitted) for row in named] == [(key_of(scene.patient), who == "doctor")]


# --- without a log row, no answer -----------------------------------------------------------------------------------------


async def test_when_the_log_cannot_be_written_nothing_is_answered(scene: Scene) -> None:
    world, store = scene.world, scene.world.store
    await world.owner.execute(
        "create function public.refuse_log() returns trigger language plpgsql as $$ begin raise exception 'log full'; end $$;"
        "create trigger refuse_log before insert on foundation.access_log execute function public.refuse_log();"
    )
    patient = key_of(scene.patient)
    looks: list[Callable[[], Awaitable[Any]]] = [
        lambda: store.read(scene.doctor, "Observation", scene.observation),
        lambda: store.vread(scene.doctor, "Observation", scene.observation, 1),
        lambda: store.history(scene.doctor, "Observation", scene.observation, count=5, cursor=None),
        lambda: world.search(scene.doctor, f"Observation?patient=Patient/{scene.patient}"),
        lambda: world.search(scene.doctor, "Observation?code=8867-4"),
        lambda: store.citizen_rows(scene.doctor, patient, ["Observation"], 5),
        lambda: Directory(store.pool).find_by_number(scene.doctor, "x"),
        lambda: world.put(scene.custodian, scene.result()),
    ]
    for look in looks:
        with pytest.raises(asyncpg.RaiseError):
            await look()


async def test_who_may_not_write_a_type_leaves_an_attempt(scene: Scene) -> None:
    secretary = Watched(
        scene,
        scene.world.professional(await scene.world.employee(scene.ward, "secretary"), scene.ward, "secretary"),
    )
    group = {"resourceType": "Group", "type": "person", "actual": True}
    with pytest.raises(Forbidden):
        await scene.world.put(secretary.ask, group)
    ((citizen, action, permitted, *_),) = await secretary.rows()
    assert (citizen, action, permitted) == (None, Action.CREATE, False)
    number = await scene.world.owner.fetchval(
        "select type from foundation.access_log where trace = $1", secretary.ask.trace
    )
    assert number == TYPE_NUMBERS["Group"]
