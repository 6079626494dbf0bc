"""A population as NDJSON files: a directory, and one file for every block."""

import os
from pathlib import Path

import orjson

from helhed.population.blocks import Population, ndjson
from helhed.population.directory import directory

DIRECTORY = "directory.ndjson"


def write_directory(population: Population, folder: Path) -> int:
    """The units of all blocks; returns how many resources."""
    lines = [orjson.dumps(one) for one in directory(population.homes)]
    _put(folder / DIRECTORY, b"\n".join(lines))
    return len(lines)


def write_block(population: Population, folder: Path, number: int) -> tuple[int, int]:
    """One file, unless an earlier run finished it; returns how many resources and bytes it holds.

    A citizen's resources stand together, the Patient first; ``meta.source`` says which organisation delivers each.
    """
    path = folder / f"citizens-{number:06}.ndjson"
    if path.exists():
        raw = path.read_bytes()
        return raw.count(b"\n"), len(raw)
    written = [one for chart in population.block(number)[1] for one in chart.written]
    for one in written:
        one.resource["meta"] = {"source": f"urn:helhed:population:{one.source.handle}"}
    raw = ndjson(written)
    _put(path, raw)
    return len(written), len(raw) + 1


def _put(path: Path, raw: bytes) -> None:
    """Whole or not at all, so that a run that was stopped can go on."""
    waiting = path.with_suffix(".part")
    waiting.write_bytes(raw + b"\n")
    os.replace(waiting, path)
