"""A backup comes back as it was, or says that it does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import orjson
import pytest

from helhed.commands.backup import BackupDamaged, Manifest, NotEmpty, NotTheSame, back_up, new_identity, restore
from helhed.commands.backup.keys import NoRecipient, NotAKey, Occupied
from helhed.commands.rotating import retire, rotate
from helhed.foundation.database import Target, connect, read_secret
from helhed.foundation.keyring import KeyPurpose, State
from helhed.foundation.keyring_file import KEYRING, read_keyring
from helhed.foundation.once import create_once
from helhed.foundation.settings import Settings
from tests.support.catalog import everything
from tests.support.databases import drop
from tests.support.world import NOW, World

#: a key may hold any byte, line ends of every kind among them
EVERY_BYTE = bytes(range(256))


@pytest.fixture
async def other(target: Target) -> AsyncIterator[Target]:
    """Where no network is yet, on the same server."""
    fresh = target.named(target.owner["database"] + "_r")
    yield fresh
    await drop(fresh)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(data_dir=tmp_path / "data", demo=True)
    create_once(found.data_dir / "secret", EVERY_BYTE)
    return found


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    (tmp_path / "elsewhere").mkdir()
    return Settings(data_dir=tmp_path / "elsewhere", demo=True)


@pytest.fixture
async def backup(world: World, settings: Settings, tmp_path: Path) -> Path:
    """A backup of a network with a patient that somebody looked at."""
    hospital = await world.organisation("Sygehus")
    patient = await world.put(world.system(hospital), {"resourceType": "Patient", "name": [{"family": "Ærø"}]})
    await world.store.read(world.citizen(patient), "Patient", patient)
    recipient = new_identity(tmp_path / "key")
    await back_up(settings, world.target, tmp_path / "backup", [recipient], NOW)
    return tmp_path / "backup"


async def test_what_is_restored_is_what_was_there(
    world: World, backup: Path, settings: Settings, empty: Settings, other: Target
) -> None:
    manifest = await restore(empty, other, backup, backup.parent / "key")
    restored, original = await connect(other.owner), await connect(world.target.owner)
    try:
        assert await everything(restored) == await everything(original)
        for table in manifest.heads.keys() - {
            "trust.works_mark"
        }:  # which says afterwards that this very backup was made
            query = f"select t::text from {table} t order by 1"
            assert await restored.fetch(query) == await original.fetch(query)
    finally:
        await restored.close()
        await original.close()
    assert manifest.heads["foundation.access_log"].rows > 0
    assert read_secret(empty.data_dir) == read_secret(settings.data_dir) == EVERY_BYTE


async def test_every_key_comes_back_and_none_of_the_place_where_it_is_restored(
    world: World, settings: Settings, empty: Settings, other: Target, tmp_path: Path
) -> None:
    rotate(settings, KeyPurpose.CURSORS)
    retire(settings, next(key.id for key in read_keyring(settings.data_dir).keys if key.state is State.ACCEPTED))
    read_keyring(empty.data_dir)
    recipient = new_identity(tmp_path / "key")
    await back_up(settings, world.target, tmp_path / "whole", [recipient], NOW)
    await restore(empty, other, tmp_path / "whole", tmp_path / "key")
    kept = [(folder / KEYRING).read_bytes() for folder in (settings.data_dir, empty.data_dir)]
    assert kept[0] == kept[1]


async def test_a_backup_from_before_the_keyring_brings_its_keys_into_one(
    backup: Path, empty: Settings, other: Target
) -> None:
    """What holds ``secret`` alone is such a backup; a keyring made meanwhile would refuse every page link of it."""
    read_keyring(empty.data_dir)
    await restore(empty, other, backup, backup.parent / "key")
    assert read_keyring(empty.data_dir).secrets(KeyPurpose.CURSORS) == [EVERY_BYTE]


async def test_a_restored_network_goes_on(backup: Path, empty: Settings, other: Target) -> None:
    await restore(empty, other, backup, backup.parent / "key")
    again = await World.open(other, empty)
    hospital = await again.organisation("Et andet sygehus")
    patient = await again.put(again.system(hospital), {"resourceType": "Patient"})
    assert (await again.store.read(again.citizen(patient), "Patient", patient)).id == patient
    await again.close()


async def test_nothing_of_a_person_can_be_read_in_a_backup(backup: Path) -> None:
    for path in backup.iterdir():
        content = path.read_bytes()
        assert "Ærø".encode() not in content
        assert b"Patient" not in content


async def test_a_backup_holds_one_moment_while_others_write(
    world: World, settings: Settings, empty: Settings, other: Target, tmp_path: Path
) -> None:
    hospital = await world.organisation("Sygehus")
    recipient = new_identity(tmp_path / "key")
    stop = asyncio.Event()

    async def write() -> int:
        written = 0
        while not stop.is_set():
            await world.put(world.system(hospital), {"resourceType": "Patient"})
            written += 1
        return written

    writing = asyncio.create_task(write())
    await back_up(settings, world.target, tmp_path / "backup", [recipient], NOW)
    stop.set()
    assert await writing > 0
    await restore(empty, other, tmp_path / "backup", tmp_path / "key")


async def test_a_head_that_differs_is_told_by_its_table(backup: Path, empty: Settings, other: Target) -> None:
    manifest = Manifest.read(backup)
    log = manifest.heads["foundation.access_log"]
    lost = {**manifest.heads, "foundation.access_log": log._replace(rows=log.rows + 1)}
    msgspec.structs.replace(manifest, heads=lost).write(backup)
    with pytest.raises(NotTheSame, match=r"foundation\.access_log"):
        await restore(empty, other, backup, backup.parent / "key")


@pytest.mark.parametrize("name", ["database.age", "secrets.age"])
async def test_a_damaged_file_is_noticed_before_anything_is_done(
    name: str, backup: Path, empty: Settings, other: Target
) -> None:
    content = bytearray((backup / name).read_bytes())
    content[len(content) // 2] ^= 1
    (backup / name).write_bytes(content)
    with pytest.raises(BackupDamaged):
        await restore(empty, other, backup, backup.parent / "key")
    assert not list(empty.data_dir.iterdir())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 2}', None])
async def test_a_folder_that_is_no_backup_is_refused(
    content: bytes | None, backup: Path, empty: Settings, other: Target
) -> None:
    (backup / "manifest.json").unlink()
    if content is not None:
        (backup / "manifest.json").write_bytes(content)
    with pytest.raises(BackupDamaged):
        await restore(empty, other, backup, backup.parent / "key")


async def test_only_the_key_it_was_made_for_opens_it(backup: Path, empty: Settings, other: Target) -> None:
    new_identity(backup.parent / "wrong")
    with pytest.raises(NotAKey):
        await restore(empty, other, backup, backup.parent / "wrong")
    (backup.parent / "none").write_text("# nothing\n")
    with pytest.raises(NotAKey):
        await restore(empty, other, backup, backup.parent / "none")


async def test_a_network_is_never_restored_over(world: World, backup: Path, empty: Settings) -> None:
    with pytest.raises(NotEmpty):
        await restore(empty, world.target, backup, backup.parent / "key")


async def test_a_backup_needs_a_recipient_and_a_folder_of_its_own(
    world: World, backup: Path, settings: Settings
) -> None:
    with pytest.raises(NoRecipient):
        await back_up(settings, world.target, backup.parent / "b", [], NOW)
    with pytest.raises(NotAKey):
        await back_up(settings, world.target, backup.parent / "b", ["age1nobody"], NOW)
    with pytest.raises(Occupied):
        await back_up(settings, world.target, backup, [new_identity(backup.parent / "more")], NOW)
    with pytest.raises(Occupied):
        new_identity(backup.parent / "more")


async def test_a_manifest_tells_counts_and_nothing_of_people(backup: Path) -> None:
    told = orjson.loads((backup / "manifest.json").read_bytes())
    assert set(told) == {"format", "at", "helhed", "postgres", "roles", "heads", "files"}
    assert told["heads"]["fhir.resource"][0] == 2
