"""Population figures as programs and people get them: JSON, CSV, a page."""

import csv
import io
from datetime import UTC, date, datetime

import httpx
import orjson
import pytest

from helhed.api.insight_door import InsightDoor
from helhed.insight.figures import Figures, Release, Row, Table, Wanted, release_figures
from helhed.insight.printed import as_csv
from helhed.portals.language import LANGUAGES, Words
from tests.support.pages import Pages
from tests.support.world import World
from tests.unit.insight.crowd import PLACE, Person, definition, put

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
async def counted(world: World) -> World:
    young = [Person(has=("diabetes",) if n % 2 else ()) for n in range(60)]
    old = [Person(date(1940, 1, 1), has=("diabetes",) if n < 1 else ()) for n in range(60)]
    await put(world.owner, young + old)
    await release_figures(world.owner, definition(), NOW)
    return world


async def asked(world: World, address: str, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(app=InsightDoor(Figures(world.store.pool)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, address)


async def test_a_program_gets_a_table_in_which_few_are_hidden(counted: World):
    answer = await asked(counted, "/insight/figures?measure=diabetes&by=municipality&by=age&sex=female")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = {row["age"]: row for row in answer.json()["rows"] if row["municipality"] == PLACE}
    assert told["40-64"]["value"] in {30, 33}
    assert (told["80-"]["value"], told["80-"]["hidden"]) == (None, True)


async def test_the_list_of_releases_says_what_is_counted_and_how_it_is_protected(counted: World):
    (one,) = (await asked(counted, "/insight/releases")).json()
    assert one["day"] == "2026-11-30"
    assert "diabetes" in one["measures"]
    assert all(group["because"] and group["codes"] for group in one["groups"])


async def test_a_spreadsheet_gets_the_same_numbers(counted: World):
    answer = await asked(counted, "/insight/figures?measure=diabetes&by=age&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {(row["age"], row["hidden"]) for row in rows} >= {("40-64", "false"), ("80-", "true")}
    assert next(row["value"] for row in rows if row["age"] == "80-") == ""


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_no_cell_of_a_spreadsheet_is_a_formula(name: str):
    release = Release(1, NOW.date(), definition())
    table = Table(release, Wanted("diabetes", ("municipality",)), (Row(name, None, None, 30),))
    (_, row) = csv.reader(io.StringIO(as_csv(table).decode("utf-8-sig"), newline=""))
    assert row[2] == f"'{name}"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/insight/figures", 400), ("/insight/figures?measure=shoes", 404), ("/insight/figures?measure=diabetes&by=name", 400),
        ("/insight/figures?measure=diabetes&measure=copd", 400), ("/insight/figures?measure=diabetes&who=me", 400),
        ("/insight/figures?measure=diabetes&release=-1", 400), ("/insight/figures?measure=diabetes&release=99", 404),
        ("/insight/figures?measure=diabetes&format=xml", 400), ("/insight/figures?measure=diabetes&place=%27;drop", 400), ("/insight/figures?%ff", 400),
        ("/insight/releases?x=1", 400), ("/insight/cells", 404),
    ],
)  # fmt: skip
async def test_what_is_not_understood_is_told_in_a_sentence(counted: World, address: str, status: int):
    answer = await asked(counted, address)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


async def test_figures_are_only_read(counted: World):
    assert (await asked(counted, "/insight/figures?measure=diabetes", "POST")).status_code == 405


async def test_everybody_reads_the_page_and_hidden_numbers_are_explained(counted: World):
    person = await Pages(counted).person(None)
    page = await person.get("/tal?maal=diabetes&alder=1")
    assert person.status == 200
    assert "Diabetes" in page
    assert "Under 3 eller skjult" in page
    assert "Hvorfor mangler nogle tal?" in page
    assert orjson.dumps("/insight/figures?measure=diabetes&by=age").decode()[1:-1].replace("&", "&amp;") in page


async def test_a_choice_that_is_not_there_gets_another_table_and_a_word_about_it(counted: World):
    person = await Pages(counted).person(None)
    page = await person.get("/tal?maal=skostørrelse")
    assert person.status == 422
    assert "Det valg findes ikke" in page


async def test_without_a_release_the_page_says_whose_move_it_is(world: World):
    person = await Pages(world).person(None)
    page = await person.get("/tal")
    assert person.status == 200
    assert "ikke offentliggjort tal endnu" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_measure_has_a_name_and_a_meaning_for_readers(language: str):
    words = Words(language)
    names = [one["name"] for one in definition()["measures"]]
    assert [
        name for name in names if not (words.has(f"figures.measure.{name}") and words.has(f"figures.means.{name}"))
    ] == []
