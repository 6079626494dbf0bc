"""A live source is asked when somebody looks: decided and logged first, never longer than its deadline, and read through the decision."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from helhed.record.live.faults import Fault
from helhed.record.manifest import Said
from tests.support.world import NOW
from tests.unit.sources.conftest import NUMBER, Small

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_a_source_answers_is_seen_as_a_row_of_its_organisation(small: Small) -> None:
    told = await small.told()
    (row,) = await small.seen()

    assert (told.said, told.at, told.name) == (Said.ANSWERED, NOW, "Privathospitalet")
    said = orjson.loads(row.body)
    assert (said["id"], said["subject"]) == (str(row.id), {"reference": f"Patient/{small.patient}"})
    assert (row.origin, said["valueQuantity"]["value"]) == (key_of(small.clinic), 72)


async def test_the_number_of_a_citizen_stands_in_no_address(small: Small) -> None:
    await small.told()

    assert small.stand_in.paths == ["POST /fhir/Patient/_search", "GET /fhir/Patient/there-1/$everything"]
    assert not any(NUMBER in one.path + one.query + str(one.headers) for one in small.stand_in.asked)


async def test_the_question_is_in_the_citizens_log_before_it_is_sent(small: Small) -> None:
    logged: list[int] = []

    async def asked_so_far() -> None:
        rows = await small.world.log(small.patient)
        logged.extend(row["action"] for row in rows)

    small.stand_in.hangs = lambda _: True
    looking = asyncio.create_task(small.told())
    await small.stand_in.reached.wait()
    await asked_so_far()
    small.bell.ring()
    await looking

    assert Action.ASK_SOURCES in logged


async def test_a_reader_without_a_basis_asks_nobody_and_the_attempt_is_logged(small: Small) -> None:
    elsewhere = await small.world.organisation("Et andet sted")
    stranger = small.world.professional(await small.world.employee(elsewhere), elsewhere)

    manifest = await small.live.ask_all(stranger, small.citizen, ("Observation",))

    assert not manifest
    assert small.stand_in.asked == []
    assert await small.seen(stranger) == []
    (row,) = await small.logged(stranger)
    assert (row["action"], row["permitted"], row["actor"]) == (Action.ASK_SOURCES, False, stranger.actor)


async def test_a_reader_whose_token_covers_other_types_asks_nobody(small: Small) -> None:
    narrow = replace(small.asks(), read_types=frozenset({"Immunization"}))

    assert not await small.live.ask_all(narrow, small.citizen, ("Observation", "Immunization"))
    assert small.stand_in.asked == []


async def test_a_source_is_asked_only_for_the_types_that_the_reader_may_see(small: Small) -> None:
    await small.told(replace(small.asks(), read_types=frozenset({"Condition"})))

    assert "_type=Condition,Practitioner,PractitionerRole,Organization" in small.stand_in.asked[-1].query


async def test_a_source_that_hangs_costs_its_deadline_and_the_manifest_says_so(small: Small) -> None:
    small.stand_in.hangs = lambda asked: "everything" in asked.path
    looking = asyncio.create_task(small.told())
    await small.stand_in.reached.wait()
    assert not looking.done()

    small.bell.ring()
    told = await looking

    assert (told.said, told.at, told.fault) == (Said.SILENT, None, Fault.SILENT)
    assert small.bell.seconds == [2.0]


async def test_a_source_that_drips_its_answer_costs_no_more_than_one_that_hangs(small: Small) -> None:
    small.stand_in.drips = True
    looking = asyncio.create_task(small.told())
    await small.stand_in.reached.wait()
    small.bell.ring()

    assert (await looking).fault == Fault.SILENT


async def test_the_last_answer_of_a_silent_source_is_shown_with_its_age(small: Small) -> None:
    await small.told()
    small.stand_in.hangs = lambda _: True
    looking = asyncio.create_task(small.told(small.asks(minutes=10)))
    await small.stand_in.reached.wait()
    small.bell.ring()
    told = await looking

    assert (told.said, told.at) == (Said.LAST_ANSWER, NOW)
    assert len(await small.seen(small.asks(minutes=10))) == 1


async def test_an_answer_that_is_fresh_is_not_asked_for_again(small: Small) -> None:
    await small.told()
    before = len(small.stand_in.asked)

    told = await small.told(small.asks(minutes=0.5))

    assert (told.said, told.at, len(small.stand_in.asked)) == (Said.ANSWERED, NOW, before)


async def test_nothing_is_served_after_its_end_whoever_has_purged_it(small: Small) -> None:
    await small.register(kept_seconds=600, fresh_seconds=60)
    await small.told()
    later = small.asks(minutes=10)

    assert await small.seen(later) == []
    assert await small.world.owner.fetchval("select count(*) from fhir.live_row") == 1
    assert await small.live.kept.purge(later.at) == 1
    assert await small.world.owner.fetchval("select count(*) from fhir.live_row") == 0


async def test_a_source_that_fails_three_times_rests_for_all_workers_and_then_one_tries(small: Small) -> None:
    small.stand_in.twist = lambda _: (500, {}, b"")
    for _ in range(3):
        assert (await small.told()).fault == Fault.FAILED
    asked = len(small.stand_in.asked)

    resting = await small.told(small.asks(minutes=0.2))
    assert (resting.said, resting.fault, len(small.stand_in.asked)) == (Said.SILENT, Fault.FAILED, asked)

    small.stand_in.twist = lambda _: None
    small.stand_in.hangs = lambda _: True
    first = asyncio.create_task(small.told(small.asks(minutes=1)))
    await small.stand_in.reached.wait()
    second = await small.told(small.asks(minutes=1))
    assert (second.said, len(small.stand_in.asked)) == (Said.SILENT, asked + 1)
    small.stand_in.let_go.set()
    small.bell.ring()
    await first


async def test_after_it_answers_again_everybody_asks(small: Small) -> None:
    small.stand_in.twist = lambda _: (500, {}, b"")
    for _ in range(3):
        await small.told()
    small.stand_in.twist = lambda _: None

    assert (await small.told(small.asks(minutes=1))).said == Said.ANSWERED
    assert (await small.live.sources.all())[0].failures == 0


async def test_a_paused_source_is_not_asked_and_nothing_of_it_is_shown(small: Small) -> None:
    await small.told()
    await small.world.owner.execute("update registries.source set active = false")

    told = await small.told(small.asks(minutes=10))

    assert (told.said, await small.seen()) == (Said.PAUSED, [])


async def test_sources_are_asked_side_by_side_and_few_at_once(small: Small) -> None:
    small.stand_in.hangs = lambda asked: "everything" in asked.path
    looks = [asyncio.create_task(small.told()) for _ in range(12)]
    await small.stand_in.reached.wait()
    while len(small.bell.seconds) < 12 or sum("everything" in one.path for one in small.stand_in.asked) < 8:
        await asyncio.sleep(0)
    small.bell.ring()

    said = [(await look).fault for look in looks]
    assert sorted(said) == [Fault.BUSY] * 4 + [Fault.SILENT] * 8


async def test_the_citizen_asks_for_themself(small: Small) -> None:
    ask = small.world.citizen(small.patient)

    assert (await small.told(ask)).said == Said.ANSWERED
    assert len(await small.seen(ask)) == 1
