"""Published registers of organisations: taken in on behalf of a keeper of the directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from helhed.fhir.store import Store
from helhed.fhir.store.cursor import CursorSigner
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Target, connected, read_secret
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, parse_id
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.registries.shak import read_map, take_in_map
from helhed.registries.units.sor_file import read_sor
from helhed.registries.units.taking_in import Register, TakenIn
from helhed.trust.background import ordering_system

_KEEPS = "select exists (select from registries.keeper where organisation = $1)"


async def take_in_register(
    settings: Settings, target: Target, path: Path, keeper: str, *, part: bool = False
) -> tuple[TakenIn, list[str]]:
    """Take the file in, whole or not at all; with the SOR codes of units that it no longer holds. ``part``: it need not hold all.

    Raises BadRequest for what is no register, or half of one, and Unknown for who keeps no directory.
    """
    identifier = parse_id(keeper.removeprefix("Organization/"))
    if identifier is None:
        raise BadRequest("Name the keeper as Organization/ and its id here.")
    async with connected(target.owner) as connection:
        if not await connection.fetchval(_KEEPS, key_of(identifier)):
            raise Unknown("That organisation is no keeper of the directory. Name it one first: helhed keeper add.")
    async with _opened(settings, target) as store:
        register, ask = Register(store), ordering_system(key_of(identifier), system_clock())
        with path.open("rb") as stream:
            missing = await register.check(ask, read_sor(stream), part=part)
            stream.seek(0)
            return await register.take_in(ask, read_sor(stream)), missing


async def take_in_shak(connection: Connection, path: Path) -> tuple[int, int]:
    """Take a published map of SHAK and SOR codes in, by the owner; how many pairs are new, and gone. Raises BadRequest."""
    with path.open(encoding="utf-8-sig") as lines:
        pairs = list(read_map(lines))
    return await take_in_map(connection, pairs, path.name)


@asynccontextmanager
async def _opened(settings: Settings, target: Target) -> AsyncIterator[Store]:
    store = await Store.open(target, settings, CursorSigner(read_secret(settings.data_dir)), HOOKS)
    try:
        yield store
    finally:
        await store.close()
