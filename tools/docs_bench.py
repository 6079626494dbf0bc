"""The performance page: the table of the last published bench run, with the conditions of each figure."""

import json
from pathlib import Path
from typing import Any

from tools.docs_pages import table

LATEST = Path(__file__).resolve().parent.parent / "bench" / "results" / "latest.json"

_INTRODUCTION = """# Performance

What the network did in the last published run of `make bench`. A figure means nothing without its conditions, and machines
differ: compare the **ratio**, which is to a reference measured in the same run (a bare `SELECT` through the same driver,
or a bare answer of the same server), and measure on your own machine with `make bench`.

In every run `fsync` and `synchronous_commit` are on, the load generator shares the machine, a part of the requests is
denied, and the run fails unless the log rows equal the decisions. Percentiles count correct answers only. Source:
`bench/results/latest.json`; how each is measured: [run the bench](../how-to/run-the-bench.md).

"""


def performance() -> str:
    """The page; without results it says that nothing is published yet."""
    if not LATEST.exists():
        return _INTRODUCTION + "No run is published yet.\n"
    rows = [_row(one) for one in json.loads(LATEST.read_text("utf-8"))]
    return _INTRODUCTION + table(("figure", "value", "p50 ms", "p99 ms", "ratio", "conditions"), rows)


def _row(figure: dict[str, Any]) -> tuple[str, ...]:
    value = f"{figure['value']:,} {figure['unit']}"
    measured = (_number(figure.get(name)) for name in ("p50_ms", "p99_ms", "ratio"))
    return (f"`{figure['name']}`", value, *measured, str(figure.get("conditions", "")))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
