"""The front page of operations: real states of a real network, each with whose move it is, and of nobody's data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Forbidden
from helhed.foundation.ids import key_of
from helhed.foundation.workers import ReadyMarks
from helhed.portals.language import catalogue
from helhed.portals.presenters import works
from helhed.portals.rooms.works import PortalOperations
from helhed.trust.watch.works import BACKUP, mark
from tests.support.pages import Pages
from tests.support.world import NOW, World


@pytest.fixture
async def ward(world: World):
    return await world.organisation("Drift Nord")


async def page(world: World, ward, role: str = "operator"):
    portal = Pages(world)
    person = await portal.person(world.professional(await world.employee(ward, role), ward, role))
    await person.get("/drift")
    return person


async def test_an_empty_network_says_what_is_missing_and_whose_move_it_is(world, ward):
    seen = await page(world, ward)
    assert seen.status == 200
    for said in (
        "Der er ikke taget nogen.",
        "kør helhed backup",
        "Ingen vidner er optaget",
        "Ingen kilde afleverer egen log endnu.",
        "Alle migrationer er kørt.",
    ):
        assert said in seen.text, said


async def test_what_is_behind_is_told_with_its_numbers(world, ward):
    owner = world.owner
    await mark(owner, BACKUP, NOW - timedelta(hours=30))
    await owner.execute("insert into foundation.outbox (at, topic, payload, failed) values ($1, 'x', '{}', true)", NOW)
    await owner.execute(
        "insert into trust.watch_case (kind, what, score, state, due_at, first_seen, last_seen, opened_at) values ('traffic', 'epj', 90, 'new', $1, $2, $2, $2)",
        NOW - timedelta(hours=1), NOW - timedelta(days=2),
    )  # fmt: skip
    await owner.execute(
        "insert into trust.watch_incident (id, class, title, what, known_at, personal_data, people, organisation, owner, opened_by, opened_at) values ($1, 'P1', 'Hemmelig titel', 'Hemmeligt', $2, true, 40, $3, 1, 1, $2)",
        uuid4(), NOW - timedelta(hours=23), key_of(ward),
    )  # fmt: skip
    await owner.execute("insert into foundation.log_witness values ('region.test', $1)", b"w" * 32)
    seen = await page(world, ward)
    for said in (
        "1 er opgivet",
        "1 er over fristen",
        "Tidlig varsling",
        "Vidne: region.test",
        "Har aldrig skrevet under",
        "30 timer",
    ):
        assert said in seen.text, said
    assert "Hemmelig" not in seen.page, "an incident by its number and clock alone"


async def test_the_clock_of_an_incident_runs_over(world, ward):
    await world.owner.execute(
        "insert into trust.watch_incident (id, class, title, what, known_at, personal_data, people, organisation, owner, opened_by, opened_at) values ($1, 'P1', 't', 'w', $2, false, 0, $3, 1, 1, $2)",
        uuid4(), NOW - timedelta(hours=26), key_of(ward),
    )  # fmt: skip
    assert "Det er 2 timer for sent." in (await page(world, ward)).text


async def test_a_source_that_sent_less_than_it_says_is_named_with_both_counts(world, ward):
    source = await world.organisation("Region Øst")
    await world.owner.execute(
        "insert into trust.log_manifest (id, source, since, until, events, digest, told_at) values ($1, $2, $3, $4, 7, $5, $4)",
        uuid4(), key_of(source), NOW - timedelta(days=1), NOW, b"d" * 32,
    )  # fmt: skip
    seen = await page(world, ward)
    for said in (
        "Region Øst",
        "Kilden siger 7 hændelser; 0 er her.",
        "1 tidsrum passer ikke",
        "Region Øst: skal sende det, der mangler",
    ):
        assert said in seen.text, said


@pytest.mark.parametrize("role", ["doctor", "security-officer", "reviewer"])
async def test_only_who_keeps_the_network_running_is_told(world, ward, tmp_path: Path, role):
    assert (await page(world, ward, role)).status == 403
    asker = world.professional(await world.employee(ward, role), ward, role)
    with pytest.raises(Forbidden):
        await PortalOperations(world.store.pool, tmp_path).state(replace(asker, purpose=Purpose.OPERATIONS))


async def test_an_operator_whose_work_has_ended_is_told_nothing(world, ward, tmp_path: Path):
    past = {"end": "2026-01-01"}
    asker = world.professional(await world.employee(ward, "operator", period=past), ward, "operator")
    with pytest.raises(Forbidden):
        await PortalOperations(world.store.pool, tmp_path).state(asker)


def test_every_word_of_the_page_is_said_by_somebody():
    said = (Path(works.__file__)).read_text("utf-8")
    kinds = ("works.name.", "works.said.", "works.whose.")
    keys = [key for key in catalogue("da") if key.startswith(kinds)]
    assert len(keys) > 50
    assert [key for key in keys if f'"{key.rpartition(".")[2]}"' not in said and f'{key}"' not in said] == []


def test_a_process_that_was_killed_does_not_count(tmp_path: Path):
    marks = ReadyMarks(tmp_path)
    assert marks.living() == 0
    marks.put()
    (tmp_path / "workers" / str(2**22 + 1)).touch()
    assert marks.living() == 1


async def test_a_backup_that_was_noted_late_does_not_hide_a_newer_one(world):
    for at in (datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)):
        await mark(world.owner, BACKUP, at)
    assert await world.owner.fetchval("select at from trust.works_mark") == datetime(2026, 11, 2, tzinfo=UTC)
