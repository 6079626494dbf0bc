"""Places that are asked when somebody looks: the overview says who did not answer, and images, wounds and their days are there to look at."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from helhed.commands.demo_sources import put_demo_sources
from helhed.foundation.database import connected, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings
from helhed.registries.sources import end_source, list_sources
from tests.journeys.conftest import DESKTOP, Journey, Person
from tests.support.live import LiveServer, free_port

pytestmark = pytest.mark.journey

CITIZEN, WOUNDED, GP = "jens", "birthe", "mette-gp"
PHONE = {"width": 390, "height": 844}
DOWN = "Laboratorieportalen"
_GONE = "update registries.source set terms = terms || jsonb_build_object('address', $2::text) where name = $1"
_LOOKS = 60  #: workers know of a new source within seconds


def _do(server: LiveServer, work: Callable[[Any, Any], Awaitable[None]]) -> None:
    """With the database of the running network, beside the browser's event loop."""
    target = embedded_target(EmbeddedPostgres(server.data_dir))

    async def done() -> None:
        async with connected(target.owner) as connection:
            await work(target, connection)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, done()).result()


@pytest.fixture
def asked(live_server: LiveServer) -> Iterator[None]:
    """The demo's sources are asked, and nobody listens where one of them was."""
    settings = Settings(data_dir=live_server.data_dir, demo=True, port=urlsplit(live_server.url).port or 0)

    async def put(target: Any, connection: Any) -> None:
        await put_demo_sources(settings, target)
        await connection.execute(_GONE, DOWN, f"http://127.0.0.1:{free_port()}/fhir")

    async def end(_target: Any, connection: Any) -> None:
        for one in await list_sources(connection):
            await end_source(connection, one.id)

    _do(live_server, put)
    yield
    _do(live_server, end)


def told(person: Person) -> Any:
    """The completeness manifest of the page before somebody, once the network knows of its sources."""
    manifest = person.page.get_by_role("region", name="Hvem svarede, da siden blev åbnet")
    for _ in range(_LOOKS):
        if manifest.count():
            break
        person.page.reload()
        person.page.wait_for_timeout(100)
    return manifest


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_overview_with_one_place_down_says_which_and_what_that_does_not_mean(
    journey: Journey, asked: None, size: dict[str, int]
) -> None:
    _, number = journey.identity_of(CITIZEN)
    doctor = journey.given(GP, size=size)
    doctor.looks_up(number)
    manifest = told(doctor)

    expect(manifest).to_contain_text("3 af 4 steder, der bliver spurgt, når siden åbnes, svarede")
    expect(manifest).to_contain_text(
        re.compile(rf"{DOWN}\s+Svarer ikke, for der er ingen forbindelse\. Intet herfra er vist")
    )
    expect(manifest).to_contain_text("betyder det ikke, at det intet har")
    manifest.get_by_text("Se, hvem der svarede").click()
    for name in ("Billedindekset", "Sårjournalen"):
        expect(manifest.locator("li", has_text=name)).to_be_visible()
    assert doctor.sideways == 0

    citizen = journey.given(CITIZEN, size=size)
    expect(told(citizen)).to_contain_text(re.compile(rf"{DOWN}\s+Svarer ikke"))
    assert citizen.sideways == 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_images_are_leafed_through_and_enlarged_and_a_wound_stands_day_by_day(
    journey: Journey, asked: None, size: dict[str, int]
) -> None:
    citizen = journey.given(WOUNDED, size=size)
    told(citizen)
    citizen.goes_to("/borger/billeder")
    image = citizen.page.locator(".hh-viewer-frame img")
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0
    whole = "image => image.parentElement.scrollHeight <= image.parentElement.clientHeight"
    assert image.evaluate(whole), "a picture nobody has enlarged is cut off"
    expect(citizen.page.get_by_text("Billede 1 af 4.")).to_be_visible()
    citizen.page.get_by_role("link", name="Næste billede").click()
    expect(citizen.page.get_by_text("Billede 2 af 4.")).to_be_visible()
    citizen.page.get_by_role("link", name="Forstør").click()
    expect(citizen.page.locator(".hh-viewer--200")).to_have_count(1)
    wound = citizen.page.get_by_role("table", name="Højre forfod")
    expect(wound.locator("tbody tr")).to_have_count(4)
    expect(wound).to_contain_text("1,1 cm")
    assert citizen.sideways == 0
