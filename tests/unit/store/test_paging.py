"""Order and pages: every match once, whatever ties, whatever arrives meanwhile; links that only their owner can use."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest

from helhed.fhir.store import Store
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest
from tests.unit.store.scene import Scene

SAME_MOMENT = {"effectiveDateTime": "2026-01-01T00:00:00Z"}


async def walk(scene: Scene, ask: Ask, url: str, *, count: int = 2) -> list[UUID]:
    """All pages of a search, one after the other."""
    found: list[UUID] = []
    cursor = ""
    while True:
        page = await scene.world.search(ask, f"{url}&_count={count}{cursor}")
        found += [match.id for match in page.matches]
        assert len(page.matches) <= count
        if page.next_cursor is None:
            return found
        cursor = f"&_cursor={page.next_cursor}"


async def five_at_once(scene: Scene) -> list[UUID]:
    return [await scene.world.observation(scene.patient, scene.hospital, "tie", **SAME_MOMENT) for _ in range(5)]


@pytest.mark.parametrize(
    "url",
    [
        "Observation?patient=Patient/{p}&code=tie",
        "Observation?code=tie",
        "Observation?code=tie&_sort=date",
        "Observation?code=tie&_sort=-date",
        "Observation?code=tie&_sort=-_lastUpdated",
        "Observation?code=tie&_sort=_id",
        "Observation?code=tie&_sort=-_id",
        "Observation?code=tie&_total=accurate",
        "Observation?code=tie&_sort=-date,_lastUpdated",
    ],
)
async def test_pages_over_ties_hold_every_match_once(scene: Scene, url: str) -> None:
    rows = await five_at_once(scene)
    found = await walk(scene, scene.doctor, url.format(p=scene.patient))
    assert sorted(found) == sorted(rows)


async def test_rows_without_a_date_have_their_place_on_the_last_page(scene: Scene) -> None:
    undated = [await scene.world.put(scene.custodian, scene.result()) for _ in range(3)]
    for order in ("", "&_sort=-date"):
        found = await walk(scene, scene.doctor, f"Observation?patient=Patient/{scene.patient}{order}")
        assert found[0] == scene.observation
        assert sorted(found[1:]) == sorted(undated)
    assert (await walk(scene, scene.doctor, "Observation?status=final&_sort=date"))[-1] == scene.observation


async def test_names_sort_as_letters_and_backwards(scene: Scene) -> None:
    for family in ("Bo", "Ål", "An", "Øst"):
        await scene.world.contact(await scene.world.patient(scene.hospital, family), scene.ward)
    world = scene.world

    async def names(url: str) -> list[str]:
        rows = await world.owner.fetch("select patient, name from registries.citizen")
        known = {row["patient"]: row["name"] for row in rows}
        return [known[one].removeprefix("Ane ") for one in await walk(scene, scene.doctor, url)]

    forward = await names("Patient?given=ane&_sort=family")
    assert forward[:2] == ["An", "Bo"]
    assert sorted(forward[2:]) == ["Ål", "Ånæs", "Øst"]
    assert await names("Patient?given=ane&_sort=-family") == forward[::-1]


async def test_what_arrives_between_two_pages_moves_nothing(scene: Scene) -> None:
    rows = await five_at_once(scene)
    first = await scene.world.search(scene.doctor, "Observation?code=tie&_sort=-date&_count=2")
    newer = await scene.world.observation(scene.patient, scene.hospital, "tie", effectiveDateTime="2026-06-01")
    older = await scene.world.observation(scene.patient, scene.hospital, "tie", effectiveDateTime="2025-06-01")
    rest = await scene.world.search(
        scene.doctor, f"Observation?code=tie&_sort=-date&_count=9&_cursor={first.next_cursor}"
    )
    found = [match.id for match in (*first.matches, *rest.matches)]
    assert newer not in found
    assert found[-1] == older
    assert sorted(found[:-1]) == sorted(rows)


async def test_a_page_link_follows_what_the_asker_may_see_now(scene: Scene) -> None:
    await five_at_once(scene)
    first = await scene.world.search(scene.doctor, "Observation?code=tie&_count=2")
    await scene.world.block(scene.patient, who=scene.hospital)
    rest = await scene.world.search(scene.doctor, f"Observation?code=tie&_count=2&_cursor={first.next_cursor}")
    assert (rest.matches, rest.next_cursor) == ([], None)


@pytest.mark.parametrize("url", ["Observation?code=tie&_count=2", "Observation?patient=Patient/{p}&code=tie&_count=2"])
async def test_a_page_link_is_for_one_search_of_one_asker(scene: Scene, url: str) -> None:
    await five_at_once(scene)
    asked = url.format(p=scene.patient)
    cursor = (await scene.world.search(scene.doctor, asked)).next_cursor
    assert cursor
    colleague = scene.world.professional(await scene.world.employee(scene.ward), scene.ward)
    changed = asked.replace("tie", "8867-4")
    for ask, wanted, link in (
        (colleague, asked, cursor),
        (scene.citizen, asked, cursor),
        (scene.doctor, changed, cursor),
        (scene.doctor, asked, cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")),
        (scene.doctor, asked, "A" + cursor),
        (scene.doctor, asked, "æ"),
        (scene.doctor, asked, "A"),
    ):
        with pytest.raises(BadRequest):
            await scene.world.search(ask, f"{wanted}&_cursor={link}")


@pytest.mark.parametrize(
    ("url", "last_key"),
    [("Patient?given=ane&_sort=family", b"Bolettesen"), ("Patient?given=ane&_sort=birthdate", b"1958")],
)
async def test_a_page_link_shows_nobody_the_names_and_dates_it_is_made_of(
    scene: Scene, url: str, last_key: bytes
) -> None:
    await scene.world.contact(
        await scene.world.patient(scene.hospital, "Bolettesen", birthDate="1958-03-14"), scene.ward
    )
    cursor = (await scene.world.search(scene.doctor, f"{url}&_count=1")).next_cursor
    assert cursor
    readable = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert last_key.lower() not in readable.lower()


async def test_a_page_link_from_before_they_were_sealed_is_refused_in_a_sentence(scene: Scene) -> None:
    await five_at_once(scene)
    old = urlsafe_b64encode(b"twelve bytes" + b'["2026-01-01T00:00:00+00:00","x"]').decode().rstrip("=")
    with pytest.raises(BadRequest, match="start the search again"):
        await scene.world.search(scene.doctor, f"Observation?code=tie&_count=2&_cursor={old}")


async def test_a_history_is_paged_newest_first_by_its_own_links(scene: Scene) -> None:
    store: Store = scene.world.store
    for _ in range(4):
        await scene.world.change(scene.custodian, scene.observation, scene.result(scene.observation))
    seen, cursor = [], None
    while True:
        page = await store.history(scene.doctor, "Observation", scene.observation, count=2, cursor=cursor)
        assert page.total == 5
        seen += [version.version for version in page.matches]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]
    other = await scene.world.observation(scene.patient, scene.hospital)
    link = (await store.history(scene.doctor, "Observation", scene.observation, count=2, cursor=None)).next_cursor
    with pytest.raises(BadRequest):
        await store.history(scene.doctor, "Observation", other, count=2, cursor=link)
    with pytest.raises(BadRequest):
        await store.history(scene.gp, "Observation", scene.observation, count=2, cursor=link)
