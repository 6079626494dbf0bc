"""Units are found, and told in the order, that a plain reference in memory finds and tells them in; a number of words makes no difference."""

from collections.abc import Sequence
from datetime import date
from itertools import combinations

import pytest

from helhed.registries.units.history import UnitHistory
from tests.support.world import World

_NOTHING_RARE = (
    "create or replace function registries.is_rare(word text) returns boolean language sql as $$ select false $$"
)
DAY = date(2026, 11, 30)
WORDS = ["a", "af", "afd", "afdeling", "lunge", "medicin", "nord", "syd", "klinik", "x", "b1", "12"]
_FILL = """
insert into registries.organisation (key, id, name, kind, parent, places, registered_by)
select k, lpad(to_hex(k), 32, '0')::uuid, n, '', p, case when p is null then array[k] else array[k, p] end, 1 from unnest($1::bigint[], $2::text[], $3::bigint[]) u(k, n, p)"""
_FACTS = """
insert into registries.unit_fact (unit, valid_from, valid_to, known_from, said, parent, name)
select k, '2020-01-01', 'infinity', now(), case when k % 7 = 0 then '{"active": false}' else '{}' end::jsonb, p, n from unnest($1::bigint[], $2::text[], $3::bigint[]) u(k, n, p)"""
#: key, name and what it stands beneath; every seventh is closed
UNITS = [(1, "region nord", None), (2, "region syd", None)] + [
    (key, f"{('lungemedicinsk', 'medicinsk', 'børne', 'nordlig')[key % 4]} {('afdeling', 'klinik', 'afsnit')[key % 3]} {'ab'[key % 2]}{key % 5}{key}", 1 + key % 2)
    for key in range(3, 60)
]  # fmt: skip


def reference(words: Sequence[str], limit: int) -> list[int]:
    """Each word in the own name or in those above, one at least in the own one; more words, then beginnings, then shorter names first."""
    names = {key: name for key, name, _ in UNITS}
    found = []
    for key, own, above in UNITS:
        path = f"{own} {names[above]}" if above else own
        hits = sum(word in own for word in words)
        begins = sum(f" {word}" in f" {own}" for word in words)
        if key % 7 and hits and all(word in path for word in words):
            found.append((-hits, -begins, len(own), own.encode(), key))
    return [key for *_, key in sorted(found)][:limit]


@pytest.fixture
async def filled(world: World) -> World:
    """The units, as they are stored."""
    columns = [list(column) for column in zip(*UNITS, strict=True)]
    await world.owner.execute(_FILL, *columns)
    await world.owner.execute(_FACTS, *columns)
    return world


@pytest.mark.parametrize("walked", [False, True], ids=["by the letters of the word", "walked through"])
async def test_units_are_found_in_the_order_of_the_reference(filled: World, walked: bool) -> None:
    if walked:
        await filled.owner.execute(_NOTHING_RARE)
    history = UnitHistory(filled.store.pool)
    chosen = [words for count in (1, 2) for words in combinations(WORDS, count)] + list(combinations(WORDS, 3))[::7]
    for words in chosen:
        for limit in (3, 40)[len(words) > 1 :]:
            found = await history.find(" ".join(words), DAY, limit)
            assert [one.key for one in found] == reference(sorted(set(words)), limit), (words, limit)
