"""``make bench``: prints the table and writes ``bench/results/latest.json``."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

import uvloop

from bench import cases
from bench.report import Report
from bench.serving import serving
from bench.world import build
from helhed.foundation.settings import Settings
from helhed.serving import prepared

_ROOT = Path(__file__).resolve().parent.parent
_PORT = 8765


def main() -> int:
    """Run the bench; 1 when log rows do not equal decisions or answers are wrong."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--resources", type=int, default=1_000_000, help="resources in the store")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each measurement")
    parser.add_argument("--only", default="", help=f"comma-separated names of: {', '.join(cases.FIGURES)}")
    arguments = parser.parse_args()
    only = set(filter(None, arguments.only.split(",")))
    if unknown := only - set(cases.FIGURES):
        parser.error(f"nothing is called {', '.join(sorted(unknown))}")
    os.environ.setdefault("HELHED_DATA_DIR", str(_ROOT / ".bench"))
    os.environ.setdefault("HELHED_SHARED_BUFFERS", "2GB")
    os.environ["HELHED_PORT"] = str(_PORT)
    settings = Settings(demo=True)
    report = Report(arguments.resources)
    with prepared(settings) as target:
        population = uvloop.run(build(settings, target, arguments.resources))
        with serving(settings) as server:
            bench = cases.Bench(settings, target, population, _PORT, arguments.seconds, server=server.pid)
            uvloop.run(bench.run(report, only))
    report.write(_ROOT / "bench" / "results" / "latest.json")
    report.print()
    return 1 if report.failures else 0


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    sys.exit(main())
