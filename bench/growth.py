"""How much slower a search is in a large store: ``python -m bench.growth --citizens 1000 100000``.

Two stores, of so many synthetic citizens each, are made with ``helhed population`` where they are not yet (in
``.bench/growth-N``, or in the folders that are named). Both are served at the same time, each by a server of its own, and
searched in turns, so that whatever else the machine does slows both.
"""

import argparse
import contextlib
import itertools
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from bench.load import Request, Result, drive, get
from bench.serving import answering, serving
from helhed.app import token_audience, token_key
from helhed.commands.populating import load
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Target, connect
from helhed.foundation.settings import Settings
from helhed.population.blocks import Population
from helhed.population.country import Denmark
from helhed.serving import prepared
from helhed.trust.tokens.verifying import TokenIssuer

_ROOT = Path(__file__).resolve().parent.parent
_SAMPLE, _SPARE = 4000, 3
_MOST_PROBLEMS = 3
_ROUNDS = 6
_CLIENTS = 8
_SEED = 1
#: observations drawn from the whole store, with somebody who may read them: staff of the clinic the citizen has chosen
_DRAWN = """
with drawn as materialized (
  select r.citizen, r.body from fhir.resource r tablesample system ($1)
  where r.type = $2 and r.citizen is not null and r.code <> 0 and not r.deleted
)
select d.body, found.*
from drawn d
cross join lateral (
  select c.patient, o.id as clinic, p.id as reader, e.role
  from registries.citizen c
  join trust.relation t on t.citizen = c.key and t.class = 3
  join registries.organisation o on o.key = t.organisation
  join trust.employment e on e.organisation = t.organisation and e.role = 'doctor'
  join registries.professional p on p.key = e.professional
  where c.key = d.citizen limit 1
) found
"""


async def _population(settings: Settings, target: Target, citizens: int) -> None:
    """Load the citizens that are not there yet."""
    owner = await connect(target.owner)
    try:
        there = await owner.fetchval("select count(*) from registries.citizen")
    finally:
        await owner.close()
    if there < citizens:
        await load(settings, target, Population(_SEED, citizens, Denmark()))


async def _requests(settings: Settings, target: Target) -> Iterator[Request]:
    """Searches of one citizen by code and date, newest first; each finds something."""
    issuer = TokenIssuer(token_key(settings), system_clock, token_audience(settings))
    owner = await connect(target.owner)
    try:
        count = await owner.fetchval("select reltuples from pg_class where oid = 'fhir.resource'::regclass")
        percent = min(100.0, 100 * _SAMPLE * _SPARE / max(1, count))
        rows = await owner.fetch(_DRAWN, percent, TYPE_NUMBERS["Observation"])
    finally:
        await owner.close()
    tokens: dict[tuple[UUID, UUID], str] = {}
    made = []
    random.Random(_SEED).shuffle(rows)
    for row in rows[:_SAMPLE]:
        who = (row["reader"], row["clinic"])
        if who not in tokens:
            tokens[who] = issuer.professional(*who, row["role"])
        for coding in orjson.loads(row["body"])["code"].get("coding", ())[:1]:
            made.append(get(_path(coding, row["patient"]), tokens[who], holds=b'"fullUrl"'))
    return itertools.cycle(made)


def _path(coding: dict[str, Any], patient: UUID) -> str:
    token = quote(f"{coding.get('system', '')}|{coding['code']}")
    return f"/fhir/Observation?patient=Patient/{patient}&code={token}&date=ge2000-01-01&_sort=-date&_count=20"


async def measure(ports: Sequence[int], requests: Sequence[Iterator[Request]], seconds: float) -> list[list[Result]]:
    """Turn by turn, so that the machine's other work meets each store alike."""
    found: list[list[Result]] = [[] for _ in ports]
    for port in ports:
        await answering(port)
    for _ in range(_ROUNDS):
        for place, port in enumerate(ports):
            found[place].append(await drive(port, requests[place], clients=_CLIENTS, seconds=seconds / _ROUNDS))
    return found


def _median(results: list[Result], share: float) -> float:
    return statistics.median(one.percentile(share) for one in results)


def main() -> int:
    """Print the table; 1 when an answer was wrong or empty."""
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--citizens", type=int, nargs="+", default=[1_000, 100_000], help="sizes of the stores")
    parser.add_argument("--folders", type=Path, nargs="+", help="where they are, or will be")
    parser.add_argument("--seconds", type=float, default=12.0, help="for each store")
    parser.add_argument("--port", type=int, default=8766, help="the first of as many as there are stores")
    arguments = parser.parse_args()
    folders = arguments.folders or [_ROOT / ".bench" / f"growth-{one}" for one in arguments.citizens]
    everyone = [
        Settings(data_dir=folder, port=arguments.port + place, demo=True) for place, folder in enumerate(folders)
    ]
    with contextlib.ExitStack() as stack:
        requests = []
        for settings, citizens in zip(everyone, arguments.citizens, strict=True):
            target = stack.enter_context(prepared(settings))
            uvloop.run(_population(settings, target, citizens))
            requests.append(uvloop.run(_requests(settings, target)))
            stack.enter_context(serving(settings))
        found = uvloop.run(measure([one.port for one in everyone], requests, arguments.seconds))
    return _told(arguments.citizens, found)


def _told(citizens: list[int], found: list[list[Result]]) -> int:
    table = Table(title=f"one citizen, code and date, newest first, page of 20; {_CLIENTS} clients; in turns")
    for heading in ("citizens", "searches/s", "p50 ms", "p99 ms", "p50 over the first", "wrong"):
        table.add_column(heading, justify="right")
    first = _median(found[0], 0.5)
    for number, results in zip(citizens, found, strict=True):
        half = _median(results, 0.5)
        speed = statistics.median(one.per_second for one in results)
        wrong = sum(one.wrong for one in results)
        table.add_row(
            f"{number:,}", f"{speed:,.0f}", f"{half:.2f}", f"{_median(results, 0.99):.2f}", f"{half / first:.2f}", str(wrong)
        )  # fmt: skip
    Console().print(table)
    problems = [problem for results in found for one in results for problem in one.problems]
    for problem in problems[:_MOST_PROBLEMS]:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
