"""Prints what this release offers to the code that runs beside it: ``python -m tests.migration.write_contract > FILE``."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from helhed.foundation.database import Target, connect, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.serving import prepare
from tests.support.catalog import demanded, offered


async def contract(target: Target) -> dict[str, list[str]]:
    """The contract of a migrated database."""
    await prepare(target)
    connection = await connect(target.owner)
    try:
        return {"offered": await offered(connection), "demanded": await demanded(connection)}
    finally:
        await connection.close()


def main() -> None:
    """Make a database, print its contract, remove it."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder), shared_buffers="64MB")
        server.start()
        try:
            json.dump(asyncio.run(contract(embedded_target(server))), sys.stdout, indent=1)
            print()
        finally:
            server.discard()


if __name__ == "__main__":
    main()
