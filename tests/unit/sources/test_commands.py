"""`helhed source …`: an operator says in a file who is asked, tries it, pauses it and ends it; a fault in the file is a sentence and changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc.jwk import ECKey

from helhed.commands import sources as commands
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import new_id
from tests.support.stand_in import ok
from tests.unit.sources.conftest import NUMBER, Small

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _file(small: Small, folder: Path, **more: Any) -> Path:
    said = {
        "organisation": f"Organization/{small.ward}", "name": "Laboratoriet", "kind": "laboratory", "way": "live",
        "types": ["Observation"], "keeper": "Vagten, 20 00 00 00",
        "terms": {"address": f"{small.stand_in.url}/", "internal_network": True}, **more,
    }  # fmt: skip
    path = folder / "source.json"
    path.write_bytes(orjson.dumps(said))
    return path


async def test_a_source_is_put_said_anew_paused_resumed_and_ended(small: Small, tmp_path: Path) -> None:
    owner = small.world.owner
    put = await commands.put(owner, _file(small, tmp_path))
    assert await commands.put(owner, _file(small, tmp_path, name="Laboratoriet i Nord")) == put
    one = next(one for one in await commands.every(owner) if one.id == put)
    assert one.terms is not None
    assert (one.name, one.active, one.terms.address) == ("Laboratoriet i Nord", True, small.stand_in.url)

    for on in (False, True):
        await commands.switch(owner, str(put), on=on)
        assert next(one for one in await commands.every(owner) if one.id == put).active is on

    await commands.end(owner, str(put))
    assert put not in {one.id for one in await commands.every(owner)}


async def test_with_a_source_what_it_answered_goes(small: Small) -> None:
    await small.told()
    assert len(await small.seen()) == 1

    await commands.end(small.world.owner, str(small.source))
    assert await small.world.owner.fetchval("select count(*) from fhir.live_row") == 0
    assert await small.world.owner.fetchval("select count(*) from fhir.live_answer") == 0


async def test_a_check_says_what_the_source_is_and_names_no_citizen(small: Small) -> None:
    def key() -> ECKey:
        return ECKey.generate_key("P-256", private=True)

    small.stand_in.twist = lambda asked: (
        ok({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": {"name": "Prøve"}})
        if asked.path == "/fhir/metadata"
        else None
    )
    assert (
        await commands.check(small.world.owner, str(small.source), key)
        == "Privathospitalet answers: FHIR 4.0.1, Prøve."
    )
    small.stand_in.twist = lambda _: (401, {}, b"{}")
    assert "does not answer as it should: refused" in await commands.check(small.world.owner, str(small.source), key)
    assert small.stand_in.paths == ["GET /fhir/metadata"] * 2
    assert not any(NUMBER in f"{one.path}{one.query}{one.headers}{one.body!r}" for one in small.stand_in.asked)


FAULTS: dict[str, dict[str, Any]] = {
    "an unknown kind": {"kind": "clairvoyance"},
    "a field that is none": {"secret": "x"},
    "no types": {"types": []},
    "a type about nobody": {"types": ["Organization"]},
    "an address without https": {"terms": {"address": "http://kilde.example/r4"}},
    "a password in the address": {"terms": {"address": "https://a:b@kilde.example/r4"}},
    "no deadline": {"terms": {"address": "https://kilde.example/r4", "deadline_ms": 0}},
    "kept for a month": {"terms": {"address": "https://kilde.example/r4", "kept_seconds": 30 * 86400}},
    "no organisation": {"organisation": "Organization/x"},
    "live without an address": {"terms": None},
}


@pytest.fixture
def told(tmp_path: Path) -> Callable[[Small, dict[str, Any]], Path]:
    return lambda small, more: _file(small, tmp_path, **more)


async def test_a_file_with_a_fault_is_refused_and_changes_nothing(
    small: Small, told: Callable[[Small, dict[str, Any]], Path], tmp_path: Path
) -> None:
    before = await commands.every(small.world.owner)
    for more in FAULTS.values():
        with pytest.raises(BadRequest):
            await commands.put(small.world.owner, told(small, more))
    with pytest.raises(Unknown):
        await commands.put(small.world.owner, told(small, {"organisation": f"Organization/{new_id()}"}))
    with pytest.raises(BadRequest, match="cannot be read"):
        await commands.put(small.world.owner, tmp_path / "nothing.json")
    assert await commands.every(small.world.owner) == before


@pytest.mark.parametrize("named", ["x", "0199d5a8-0000-7000-8000-000000000000"])
async def test_a_source_that_is_not_there_is_told(small: Small, named: str) -> None:
    owner = small.world.owner
    for doing in (
        commands.end(owner, named),
        commands.switch(owner, named, on=False),
        commands.check(owner, named, lambda: ECKey.generate_key("P-256", private=True)),
    ):
        with pytest.raises(Unknown):
            await doing
