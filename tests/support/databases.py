"""Databases for tests: copies of one to which nobody is connected, quickly made and dropped behind the test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

from helhed.foundation.database import Target, connect
from helhed.foundation.proving import proof_secret
from tests.support.world import SECRET


def proofs() -> list[bytes]:
    """What the application of the tests proves its duties by."""
    return [proof_secret(SECRET)]


@asynccontextmanager
async def copy_of(template: Target) -> AsyncIterator[Target]:
    """A copy, for as long as the block lasts."""
    copy = await make_copy(template)
    try:
        yield copy
    finally:
        await drop(copy)


@contextmanager
def copy_made(template: Target) -> Iterator[Target]:
    """The same outside any event loop."""
    copy = asyncio.run(make_copy(template))
    try:
        yield copy
    finally:
        asyncio.run(drop(copy))


async def make_copy(template: Target) -> Target:
    """A copy that somebody else drops, or the server's end does."""
    copy = template.named(f"t_{uuid4().hex}")
    # block by block through the write-ahead log, which is the default, takes nearly twice as long for a database this small
    await administer(template, f'create database "{_name(copy)}" template "{_name(template)}" strategy file_copy')
    return copy


async def drop(target: Target) -> None:
    """Away with it, whoever is connected."""
    await administer(target, f'drop database if exists "{_name(target)}" with (force)')


async def administer(target: Target, statement: str) -> None:
    """A statement of the server's administrator, outside the database it is about."""
    admin = await connect({**target.owner, "database": "postgres"})
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


def _name(target: Target) -> str:
    return str(target.owner["database"])
