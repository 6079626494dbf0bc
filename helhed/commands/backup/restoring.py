"""Bringing a backup back into an empty network, and the proof that it is the same."""

import asyncio
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pyrage

from helhed.commands.backup.keys import NotAKey, identities
from helhed.commands.backup.manifest import DATABASE, SECRETS, BackupDamaged, Head, Manifest, heads
from helhed.commands.backup.programs import program, server_of
from helhed.foundation.database import Target, connected, embedded_target, ensure_database
from helhed.foundation.errors import HelhedError
from helhed.foundation.keyring_file import KEY_FILES
from helhed.foundation.once import create_once
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.foundation.settings import Settings


class NotEmpty(HelhedError):
    """There is a network here already: a backup is restored into an empty data folder and an empty database."""


class NotTheSame(HelhedError):
    """What was restored is not what the backup says was there."""

    def __init__(self, tables: list[str]) -> None:
        super().__init__(f"What was restored is not what the backup says was there: {', '.join(tables)} differ.")


async def restore(settings: Settings, target: Target, folder: Path, key: Path) -> Manifest:
    """Bring a backup back, and compare every table with its manifest.

    Raises BackupDamaged, NotAKey, NotEmpty or NotTheSame; after the last, what was restored is there to be looked at.
    """
    manifest = Manifest.read(folder)
    keys = identities(key)
    secrets = _opened(folder / SECRETS, keys)
    await ensure_database(target)
    await _check_empty(target)
    await _make_roles(target, manifest)
    await asyncio.to_thread(_load, settings, target, folder / DATABASE, keys)
    await _compare(target, manifest)
    _put_keys(settings.data_dir, orjson.loads(secrets))
    return manifest


def check(settings: Settings, folder: Path, key: Path) -> Manifest:
    """Prove a backup by restoring it into a server of its own, which is removed afterwards. Raises as ``restore``."""
    with tempfile.TemporaryDirectory(prefix="helhed-check-") as data_dir:
        own = settings.model_copy(update={"data_dir": Path(data_dir), "database_url": ""})
        server = EmbeddedPostgres(own.data_dir, programs=own.postgres_bin, shared_buffers="64MB")
        try:
            server.start()
            return asyncio.run(restore(own, embedded_target(server), folder, key))
        finally:
            server.discard()


def _put_keys(data_dir: Path, secrets: dict[str, str]) -> None:
    """The keys that the backup has, and no other: from an older backup the keyring is made anew, out of what is there."""
    for name in KEY_FILES:
        (data_dir / name).unlink(missing_ok=True)
        if name in secrets:
            create_once(data_dir / name, secrets[name].encode("latin-1"))


def _opened(path: Path, keys: list[Any]) -> bytes:
    try:
        content: bytes = pyrage.decrypt(path.read_bytes(), keys)
    except pyrage.DecryptError:
        raise NotAKey("The backup was not encrypted to this key.") from None
    return content


async def _check_empty(target: Target) -> None:
    async with connected(target.owner) as connection:
        if await connection.fetchval("select to_regclass('public.helhed_migration') is not null"):
            raise NotEmpty


async def _make_roles(target: Target, manifest: Manifest) -> None:
    async with connected(target.owner) as connection:
        known = {row[0] for row in await connection.fetch("select rolname from pg_roles")}
        for role in manifest.roles:
            if role.name not in known:
                statement = await connection.fetchval("select format('create role %I', $1::text)", role.name)
                await connection.execute(statement + (" login" if role.may_log_in else " nologin"))


def _load(settings: Settings, target: Target, path: Path, keys: list[Any]) -> None:
    name, environment = server_of(target)
    command = [program(settings, "pg_restore"), "--exit-on-error", "--single-transaction", "--dbname", name]
    with (
        path.open("rb") as sealed,
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as loading,
    ):
        assert loading.stdin is not None
        try:
            pyrage.decrypt_io(sealed, loading.stdin, keys)
            loading.stdin.close()
        except (OSError, pyrage.DecryptError):
            loading.kill()
            raise BackupDamaged from None
    if loading.returncode:
        raise BackupDamaged("PostgreSQL could not read the backup back.")


async def _compare(target: Target, manifest: Manifest) -> None:
    async with (
        connected(target.owner) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        restored: dict[str, Head] = await heads(connection)
    if restored != manifest.heads:
        named = sorted(restored.keys() | manifest.heads.keys())
        raise NotTheSame([table for table in named if restored.get(table) != manifest.heads.get(table)])
