"""Who is counted, in which cell, and what the application and everybody may learn of it."""

from dataclasses import replace
from datetime import UTC, date, datetime

import asyncpg
import pytest

from helhed.foundation.database import connect
from helhed.foundation.errors import BadRequest, Unknown
from helhed.insight.figures import Figures, FiguresRefused, Wanted, release_figures
from helhed.insight.scheme import scheme
from tests.unit.insight.crowd import PLACE, Person, definition, falls_ill, put

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
_MEMBERS = "select grid, area, sex, band, part from insight.members($1::jsonb, $2) where person = $3 order by grid"


async def cells_of(world, person: Person) -> dict[str, tuple[str, ...]]:
    import orjson

    rows = await world.owner.fetch(_MEMBERS, orjson.dumps(definition()).decode(), NOW.date(), person.key)
    return {row["grid"]: tuple(row)[1:] for row in rows}


async def test_somebody_is_once_in_each_grid_by_home_sex_age_and_all_that_they_have(world):
    person = Person(date(1950, 1, 1), "male", has=("heart", "diabetes"), vaccinated=True, seen="IMP")
    await put(world.owner, [person])
    group = (PLACE, "male", "65-79")
    assert await cells_of(world, person) == {
        "citizens": (*group, "all"), "conditions": (*group, "diabetes+heart"), "vaccinated": (*group, "yes"), "contacts": (*group, "admitted"),
    }  # fmt: skip


async def test_who_has_nothing_is_in_no_cell_but_that_of_those_who_live_there(world):
    person = Person(place="Et sted, ingen kender")
    await put(world.owner, [person])
    assert await cells_of(world, person) == {"citizens": ("", "female", "40-64", "all")}


async def test_bands_change_on_the_birthday(world):
    eve, day = Person(date(1961, 12, 1)), Person(date(1961, 11, 30))
    await put(world.owner, [eve, day])
    assert [(await cells_of(world, one))["citizens"][2] for one in (eve, day)] == ["40-64", "65-79"]


async def test_refuted_and_deleted_diagnoses_deceased_citizens_and_bodies_that_cannot_be_read_do_not_count(world):
    refuted, deleted, dead, odd = (Person(has=("copd",)) for _ in range(4))
    await put(world.owner, [refuted, deleted, dead, odd])
    change = "update fhir.resource set body = convert_to((convert_from(body, 'UTF8')::jsonb || $2::jsonb)::text, 'UTF8') where citizen = $1 and type = 28"
    await world.owner.execute(change, refuted.key, '{"verificationStatus": {"coding": [{"code": "refuted"}]}}')
    await world.owner.execute("update fhir.resource set deleted = true where citizen = $1 and type = 28", deleted.key)
    await world.owner.execute("update registries.citizen set deceased = true where key = $1", dead.key)
    await world.owner.execute(
        "update fhir.resource set body = '{\"a\": 1e200000}' where citizen = $1 and type = 28", odd.key
    )
    assert [sorted(await cells_of(world, one)) for one in (refuted, deleted, dead, odd)] == [
        ["citizens"],
        ["citizens"],
        [],
        ["citizens"],
    ]


async def test_somebody_registered_twice_is_counted_once_with_what_both_have(world):
    kept, replaced = Person(has=("copd",)), Person(has=("heart",), sex="male", place="Ærø Kommune")
    await put(world.owner, [kept, replaced])
    keys = [kept.key, replaced.key]
    await world.owner.execute(
        "insert into fhir.key_set (key, keys, head) select k, $1::bigint[], $2 from unnest($1::bigint[]) k",
        keys,
        kept.key,
    )
    assert (await cells_of(world, kept))["conditions"] == (PLACE, "female", "40-64", "copd+heart")
    assert await cells_of(world, replaced) == {}


async def test_the_application_reads_what_was_released_and_can_neither_count_nor_release(world):
    await put(world.owner, [Person(has=("copd",)) for _ in range(40)])
    await release_figures(world.owner, definition(), NOW)
    application = await connect(world.target.application)
    for statement in (
        "select * from insight.cell", "select * from insight.figure", "select * from insight.secret",
        "select insight.release_figures('{}', now())", "select * from insight.members('{}', now()::date)", "select insight.start('a','b','c','d','e',3)",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)
    await application.close()
    (row,) = (await Figures(world.store.pool).table(Wanted("copd"))).rows
    assert row.value in {39, 42}


async def test_a_refusal_says_why_and_changes_nothing(world):
    people = [Person(has=("copd",)) for _ in range(40)]
    await put(world.owner, people)
    await release_figures(world.owner, definition(), NOW)
    with pytest.raises(FiguresRefused, match="too recent"):
        await release_figures(world.owner, definition(), NOW)
    await falls_ill(world.owner, people[0], "heart")
    later = datetime(2027, 1, 30, 12, tzinfo=UTC)
    diabetes, copd, heart = scheme()["groups"]
    renamed = definition(groups=[diabetes, {**copd, "name": "lungs"}, heart])
    with pytest.raises(FiguresRefused, match="few of them"):
        await release_figures(world.owner, renamed, later)
    assert len(await Figures(world.store.pool).releases()) == 1


async def test_a_definition_that_protects_less_is_not_taken(world):
    for changes in ({"least": 2}, {"base": 2}, {"base": 3, "least": 4}):
        with pytest.raises(asyncpg.CheckViolationError):
            await release_figures(world.owner, definition(**changes), NOW)


async def test_a_table_is_asked_for_in_the_words_of_its_release(world):
    figures = Figures(world.store.pool)
    with pytest.raises(Unknown):
        await figures.table(Wanted("copd"))
    await put(world.owner, [Person(has=("copd",)) for _ in range(40)])
    await release_figures(world.owner, definition(), NOW)
    good = Wanted("copd", ("municipality", "sex", "age"), (PLACE,), ("female",), ("40-64",))
    (row,) = (await figures.table(good)).rows
    assert (row.place, row.sex, row.band) == (PLACE, "female", "40-64")
    for bad in (
        {"divided_by": ("name",)},
        {"divided_by": ("region", "municipality")},
        {"sexes": ("x",)},
        {"bands": ("41-63",)},
        {"places": ("Atlantis",)},
    ):
        with pytest.raises(BadRequest):
            await figures.table(replace(good, **bad))
    for missing in ({"measure": "shoes"}, {"release": 99}):
        with pytest.raises(Unknown):
            await figures.table(replace(good, **missing))
