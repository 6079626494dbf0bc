"""Tombstones beside the backups, and purging from the command line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio

from helhed.app import token_audience, token_key
from helhed.commands.backup import back_up, new_identity, restore
from helhed.commands.purging import custodian, reapply, recognise, write_tombstones
from helhed.commands.purging.tombstones import NoTombstones, NotWhatWasPurged
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Target, read_secret
from helhed.foundation.errors import BadRequest, Forbidden, NotAuthenticated, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.settings import Settings
from helhed.trust.tokens.verifying import TokenIssuer
from tests.support.databases import drop
from tests.support.world import NOW, World
from tests.unit.store.purging import Ward, found_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def other(ward: Ward) -> AsyncIterator[Target]:
    """Where no network is yet, on the same server."""
    target = ward.world.target
    fresh = target.named(target.owner["database"] + "_r")
    yield fresh
    await drop(fresh)


async def _backed_up(ward: Ward, folder: Path) -> Path:
    settings = Settings(data_dir=folder / "data", demo=True)
    read_secret(settings.data_dir)
    await back_up(settings, ward.world.target, folder / "backup", [new_identity(folder / "key")], NOW)
    return folder / "backup"


async def test_what_was_purged_after_a_backup_is_purged_again_when_it_is_restored(
    ward: Ward, other: Target, tmp_path: Path
) -> None:
    row = await ward.planted()
    backup = await _backed_up(ward, tmp_path)
    later = await ward.planted()  # which the backup does not know
    proposal = await ward.staff.purge(("Observation", row), ("Observation", later), rightful=ward.right)
    assert await write_tombstones(ward.world.owner, tmp_path / "tombstones") >= 1
    (tmp_path / "elsewhere").mkdir()
    empty = Settings(data_dir=tmp_path / "elsewhere", demo=True)
    await restore(empty, other, backup, tmp_path / "key")
    restored = await World.open(other, empty)
    try:
        assert {"fhir.resource.body", "fhir.version.body"} <= await found_in(restored.owner, ward.marker)
        assert await reapply(restored.owner, tmp_path / "tombstones") == (1, 0)
        assert await found_in(restored.owner, ward.marker) == set()
        assert await reapply(restored.owner, tmp_path / "tombstones") == (0, 1)
        for citizen in (ward.wrong, ward.right):
            (told,) = [one for one in await restored.log(citizen) if one["action"] == 43]
            assert (told["resources"], told["at"], told["citizen"]) == ([proposal.id], NOW, key_of(citizen))
        with pytest.raises(Unprocessable):
            await restored.put(restored.system(ward.hospital), ward.content(language="da"))
    finally:
        await restored.close()


@pytest.mark.parametrize("forged", ["another row", "a Patient", "a later version"])
async def test_a_tombstone_of_what_was_never_purged_takes_nothing_out(ward: Ward, tmp_path: Path, forged: str) -> None:
    """Who can write beside the backups cannot purge."""
    row, kept = await ward.planted(), await ward.planted()
    await ward.staff.purge(("Observation", row))
    await write_tombstones(ward.world.owner, tmp_path / "tombstones")
    told = [orjson.loads(line) for line in (tmp_path / "tombstones").read_text().splitlines()]
    (own,) = [one for one in told if one["rows"][0]["id"] == str(row)]
    own["id"] = str(uuid4())
    for one in (*own["rows"], *own["copies"]):
        one["purge"] = own["id"]
    own["rows"][0]["id"] = str(ward.wrong if forged == "a Patient" else kept)
    if forged == "a later version":  # the first is byte for byte what was purged, the second is not
        await ward.world.change(
            ward.world.system(ward.hospital), kept, {**ward.content(), "id": str(kept), "language": "en"}
        )
    (tmp_path / "forged").write_bytes(orjson.dumps(own) + b"\n")
    before = await ward.world.owner.fetchval("select count(*) from fhir.resource where type <> 0")
    with pytest.raises(NotWhatWasPurged):
        await reapply(ward.world.owner, tmp_path / "forged")
    assert await ward.world.owner.fetchval("select count(*) from fhir.resource where type <> 0") == before


async def test_a_file_of_tombstones_holds_nothing_of_what_was_purged_and_is_its_owners(
    ward: Ward, tmp_path: Path
) -> None:
    await ward.staff.purge(("Observation", await ward.planted()))
    await write_tombstones(ward.world.owner, tmp_path / "tombstones")
    content = (tmp_path / "tombstones").read_text()
    assert ward.marker not in content
    assert ward.marker.encode().hex() not in content
    assert (tmp_path / "tombstones").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["nonsense", "[]", '{"id": 1}', "\xff"])
async def test_what_is_no_file_of_tombstones_changes_nothing(ward: Ward, tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_text(content, "latin-1")
    with pytest.raises(NoTombstones):
        await reapply(ward.world.owner, tmp_path / "file")
    with pytest.raises(NoTombstones):
        await reapply(ward.world.owner, tmp_path / "absent")


async def test_a_copy_is_recognised_by_its_bytes(ward: Ward) -> None:
    content = ward.content()
    row = await ward.put(content)
    assert await recognise(ward.world.owner, orjson.dumps(content)) == []
    proposal = await ward.staff.purge(("Observation", row))
    assert await recognise(ward.world.owner, orjson.dumps(content)) == [proposal.id]
    assert await recognise(ward.world.owner, orjson.dumps({**content, "status": "amended"})) == []


async def test_custodians_purge_from_the_command_line_by_their_tokens(ward: Ward, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, demo=True)
    issuer = TokenIssuer(token_key(settings), system_clock, token_audience(settings))
    people = [await ward.world.employee(ward.hospital, "records-custodian") for _ in range(2)]
    tokens = [issuer.professional(one, ward.hospital, "records-custodian") for one in people]
    row = await ward.planted()
    async with custodian(settings, ward.world.target, tokens[0] + "\n") as who:
        proposal = await who.propose(
            [f"Observation/{row}"], "wrong-patient", "2026-1", f"Patient/{ward.right}", apart=False
        )
        with pytest.raises(Forbidden):
            await who.approve(str(proposal.id), proposal.seal.hex())
        with pytest.raises(BadRequest):
            await who.approve(str(proposal.id), "no seal")
    async with custodian(settings, ward.world.target, tokens[1]) as who:
        assert [one.id for one in await who.waiting()] == [proposal.id]
        purged, seen_by = await who.approve(str(proposal.id), proposal.seal.hex())
    assert (purged.rows, purged.versions, seen_by) == (1, 3, [])
    assert await ward.found() == set()


async def test_a_shell_without_a_custodians_token_is_nobody(ward: Ward, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, demo=True)
    with pytest.raises(NotAuthenticated):
        async with custodian(settings, ward.world.target, "nonsense"):
            await asyncio.sleep(0)
