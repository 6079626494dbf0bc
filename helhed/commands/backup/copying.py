"""Making a backup."""

import asyncio
import subprocess
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pyrage

from helhed.commands.backup.keys import Occupied, recipients
from helhed.commands.backup.manifest import DATABASE, FORMAT, SECRETS, Manifest, Role, digest_of, heads
from helhed.commands.backup.programs import program, server_of
from helhed.foundation.database import Connection, Target, connected
from helhed.foundation.errors import HelhedError
from helhed.foundation.keyring_file import KEY_FILES
from helhed.foundation.settings import Settings
from helhed.trust.watch.works import BACKUP, mark


class BackupFailed(HelhedError):
    """The database could not be copied."""

    def __init__(self, said: str) -> None:
        super().__init__(f"The database could not be copied: {said.strip().splitlines()[-1] if said.strip() else ''}")


_ROLES = "select rolname, rolcanlogin from pg_roles where rolname like 'helhed%' and not rolsuper order by 1"


async def back_up(settings: Settings, target: Target, folder: Path, to: Sequence[str], at: datetime) -> Manifest:
    """A backup in a new folder, which appears whole or not at all. The network serves on meanwhile.

    Raises NoRecipient, NotAKey, Occupied or BackupFailed.
    """
    keys = recipients(to)
    draft = _draft(folder)
    async with (
        connected(target.owner) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        manifest = await _copy(settings, target, connection, draft, keys, at)
    manifest.write(draft)
    draft.rename(folder)
    async with connected(target.owner) as connection:
        await mark(connection, BACKUP, at)  # the front page of operations tells how old the newest is
    return manifest


def _draft(folder: Path) -> Path:
    if folder.exists():
        raise Occupied(f"{folder} is there already: a backup makes a folder of its own.")
    draft = folder.with_name(f".{folder.name}.draft")
    draft.mkdir(parents=True, mode=0o700, exist_ok=True)
    return draft


async def _copy(
    settings: Settings, target: Target, connection: Connection, draft: Path, keys: Sequence[Any], at: datetime
) -> Manifest:
    """Dump and heads of one snapshot."""
    snapshot = await connection.fetchval("select pg_export_snapshot()")
    await asyncio.to_thread(_dump, settings, target, snapshot, draft / DATABASE, keys)
    # as bytes: reading as text would turn every carriage return of a random key into a line feed
    files = [path for name in KEY_FILES if (path := settings.data_dir / name).exists()]
    secrets = {path.name: path.read_bytes().decode("latin-1") for path in files}
    (draft / SECRETS).write_bytes(pyrage.encrypt(orjson.dumps(secrets), list(keys)))
    return Manifest(
        FORMAT,
        at.isoformat(),
        version("helhed"),
        int(await connection.fetchval("show server_version_num")),
        [Role(name, may) for name, may in await connection.fetch(_ROLES)],
        await heads(connection),
        {name: digest_of(draft / name) for name in (DATABASE, SECRETS)},
    )


def _dump(settings: Settings, target: Target, snapshot: str, path: Path, keys: Sequence[Any]) -> None:
    name, environment = server_of(target)
    command = [program(settings, "pg_dump"), f"--snapshot={snapshot}", "--format=custom", "--compress=1", name]
    with (
        path.open("wb") as sealed,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as dumping,
    ):
        pyrage.encrypt_io(dumping.stdout, sealed, list(keys))
        said = dumping.stderr.read().decode(errors="replace") if dumping.stderr else ""
    if dumping.returncode:
        raise BackupFailed(said)
