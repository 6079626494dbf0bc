"""How well the watching job finds planted snoopers, and how often it is wrong: ``python -m tools.watch_report``.

Everything runs on a database of its own, through the SQL and the job that run in the network.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from helhed.foundation.database import Target, connected, create_pool, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.serving import prepare
from tools.watch.running import Result, play, settle, told
from tools.watch.snoopers import HELD_OUT, HIDDEN, TRIED, plant
from tools.watch.town import Town
from tools.watch.traffic import Ordinary

_BASELINE_DAYS = 28


async def run(target: Target, seed: int, weeks: int, size: int, each: int, *, runs_a_day: int = 4) -> Result:
    """One town, from its first day to its last."""
    await prepare(target)
    town = Town.built(seed, weeks, size)
    kinds = {**TRIED, **HELD_OUT, **HIDDEN}
    planted = plant(town, Ordinary(town), kinds, each, min(_BASELINE_DAYS, 7 * weeks // 2))
    async with connected(target.owner) as owner, await create_pool(target, size=2, statement_timeout_ms=60_000) as pool:
        await settle(owner, town)
        return await play(owner, pool, town, planted, runs_a_day)


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103], help="held out: 101 and above")
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--size", type=int, default=2, help="1 is about fifty members of staff")
    parser.add_argument("--each", type=int, default=2, help="how many snoopers of each kind")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, shared_buffers="256MB")
    server.start()
    try:
        for seed in asked.seeds:
            target = embedded_target(server, f"town_{seed}")
            result = asyncio.run(run(target, seed, asked.weeks, asked.size, asked.each))
            print(f"seed {seed}: {told(result)}", flush=True)
    finally:
        server.discard()


if __name__ == "__main__":
    main()
