"""What is measured: reads, searches, transactions, import."""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID, uuid4

from bench import overview, units
from bench.cost import Costs
from bench.documents import write_documents
from bench.load import Request, Result, drive, get, post
from bench.messages import messages, parties
from bench.reference import bare_asgi, bare_select
from bench.report import Report
from bench.serving import answering
from bench.work import work_queue
from bench.world import CODES, NPU, PER_CITIZEN, Population, create, observation, system_ask
from helhed.app import token_audience, token_key
from helhed.commands.importing import import_in_processes, owner_pool
from helhed.exchange.foreign.source import register_source
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Target, connect, read_secret
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.trust.tokens.verifying import TokenIssuer

_DENIED = 0.10
_SAMPLE = 40_000
_BLOCK_EVERY_SECONDS = 0.02
_BUNDLE = 50
_DOCUMENTS = 1600
_WHOLE, _WHOLE_CITIZENS = 300, 200


class Bench:
    """One run against one running server."""

    def __init__(
        self,
        settings: Settings,
        target: Target,
        population: Population,
        port: int,
        seconds: float,
        *,
        server: int | None = None,
    ) -> None:
        self._settings = settings
        self._target = target
        self._people = population
        self._port = port
        self._seconds = seconds
        self._server = server
        self._issuer = TokenIssuer(token_key(settings), system_clock, token_audience(settings))
        self._tokens = {key: [self._token(one, key) for one in staff] for key, staff in population.staff.items()}
        self._clinics = list(self._tokens)
        self._random = random.Random(20261123)

    def _token(self, practitioner: UUID, organisation: int) -> str:
        clinic = next(clinic for clinic in self._people.clinics if key_of(clinic) == organisation)
        return self._issuer.professional(practitioner, clinic, "doctor")

    async def run(self, report: Report, only: set[str]) -> None:
        """Measure everything, or only what is named."""
        await answering(self._port)
        owner = await connect(self._target.owner)
        durable = await owner.fetchrow("select current_setting('fsync') f, current_setting('synchronous_commit') s")
        assert durable is not None
        self._conditions = f"fsync={durable['f']}, synchronous_commit={durable['s']}"
        select = await bare_select(self._target)
        report.add("bare_select", select, "1/s", "reference: select 1, one connection, same driver")
        bare = await bare_asgi(self._port + 1)
        report.add("bare_asgi", bare.per_second, "1/s", "reference: constant answer, 32 clients", result=bare)
        for name, case in FIGURES.items():
            if not only or name in only:
                print(f"  measuring {name}", flush=True)
                await case(self, report, owner, bare.per_second)
        await owner.close()

    # --- reads --------------------------------------------------------------------------------------------------------

    async def _read_32(self, report: Report, owner: Connection, bare: float) -> None:
        await self._reads(report, owner, bare, "secured_read", 32)

    async def _read_256(self, report: Report, owner: Connection, bare: float) -> None:
        await self._reads(report, owner, bare, "secured_read_256", 256)

    async def _reads(self, report: Report, owner: Connection, bare: float, name: str, clients: int) -> None:
        requests = await self._read_requests(owner)
        before = await owner.fetchval("select count(*) from foundation.access_log")
        stop = asyncio.Event()
        blocking = asyncio.create_task(self._block_others(stop))
        costs = Costs.of(self._server, await owner.fetchval("select pg_backend_pid()"))
        spent = costs.spent()
        counted = _Counted(requests)
        result = await drive(self._port, counted, clients=clients, seconds=self._seconds)
        cost = costs.told(spent, counted.count)
        stop.set()
        blocked = await blocking
        rows = await owner.fetchval("select count(*) from foundation.access_log") - before
        report.add(
            name, result.per_second, "1/s",
            f"{clients} clients, {len(self._people.staff) * 5} actors, 10 % denied, {blocked} blocks set on others meanwhile, "
            f"{rows} log rows for {counted.count} decisions, {cost}{self._conditions}",
            ratio=result.per_second / bare, result=result,
        )  # fmt: skip
        if rows != counted.count:
            report.failures.append(f"{name}: {rows} log rows for {counted.count} decisions")

    async def _read_requests(self, owner: Connection) -> Iterator[Request]:
        statement = (
            "select r.id, t.organisation from fhir.resource r join trust.relation t on t.citizen = r.citizen and t.class = 3 "
            "where r.body like '{%' and r.citizen is not null and r.code <> 0 and random() < $1 limit $2"
        )
        share = _SAMPLE / max(1, len(self._people.citizens) * PER_CITIZEN)
        rows = await owner.fetch(statement, min(1.0, share * 1.2), _SAMPLE)
        self._random.shuffle(rows)
        made = [self._read(row["id"], row["organisation"]) for row in rows]
        return _forever(made)

    def _read(self, identifier: UUID, organisation: int) -> Request:
        denied = self._random.random() < _DENIED
        where = self._other(organisation) if denied else organisation
        token = self._random.choice(self._tokens[where])
        status, holds = (404, b"OperationOutcome") if denied else (200, b'"id":"%b"' % str(identifier).encode())
        return get(f"/fhir/Observation/{identifier}", token, status, holds)

    def _other(self, organisation: int) -> int:
        while (other := self._random.choice(self._clinics)) == organisation:
            pass
        return other

    async def _block_others(self, stop: asyncio.Event) -> int:
        """Blocks set on citizens nobody asks for, so that the tables of facts change under the readers. They stay."""
        owner = await connect(self._target.owner)
        count = 0
        while not stop.is_set():
            citizen = key_of(uuid4())
            await owner.execute(
                "insert into trust.block (id, citizen, valid_from, set_by, set_at) values (gen_random_uuid(), $1, now(), $1, now())",
                citizen,
            )
            count += 1
            await asyncio.sleep(_BLOCK_EVERY_SECONDS)
        await owner.close()
        return count

    # --- searches -----------------------------------------------------------------------------------------------------

    async def _search(self, report: Report, owner: Connection, bare: float) -> None:
        made = []
        for patient, clinic in self._random.choices(self._people.citizens, k=20_000):
            code = self._random.choice(CODES)
            year = self._random.randrange(2020, 2026)
            path = f"/fhir/Observation?patient=Patient/{patient}&code={NPU}%7C{code}&date=ge{year}-01-01&_sort=-date&_count=20"
            made.append(get(path, self._random.choice(self._tokens[clinic]), holds=b'"type":"searchset"'))
        result, rows = await self._looked(report, owner, "search_in_record", made, clients=32)
        report.add(
            "search_in_record", result.per_second, "1/s",
            f"32 clients, one citizen, code + date, newest first, page of 20, answers of {_bytes(result)} bytes on average, "
            f"{rows} log rows, {self._conditions}",
            ratio=result.per_second / bare, result=result,
        )  # fmt: skip

    async def _looked(
        self, report: Report, owner: Connection, name: str, made: list[Request], *, clients: int
    ) -> tuple[Result, int]:
        """Drive requests of one look each; a failure of the run when log rows and looks differ. With the log rows."""
        before = await owner.fetchval("select count(*) from foundation.access_log")
        counted = _Counted(_forever(made))
        result = await drive(self._port, counted, clients=clients, seconds=self._seconds)
        rows = await owner.fetchval("select count(*) from foundation.access_log") - before
        if rows != counted.count:
            report.failures.append(f"{name}: {rows} log rows for {counted.count} decisions")
        return result, rows

    async def _hidden(self, report: Report, owner: Connection, _bare: float) -> None:
        """Invariant 7: a hidden row and a missing one take equally long."""
        rows = await owner.fetch(
            "select id, origin from fhir.resource where citizen is not null and code <> 0 limit 5000"
        )
        hidden, missing = (
            [
                get(f"/fhir/Observation/{name(row['id'])}", self._random.choice(self._tokens[self._other(row["origin"])]), 404, label=label)
                for row in rows
            ]
            for label, name in (("hidden", lambda one: one), ("missing", _never))
        )  # fmt: skip
        told = []
        for clients, turn in ((8, 400), (1, 1)):
            result = await drive(self._port, _turns(hidden, missing, turn), clients=clients, seconds=2 * self._seconds)
            told.append(result.percentile(0.5, "hidden") / result.percentile(0.5, "missing"))
        report.add(
            "hidden_over_missing", told[0], "median ratio",
            "404 for a hidden row over 404 for a missing one, medians of latency, by turns of 400 requests each so that what drifts "
            f"on the machine meets both, 8 clients; every other request, one client: {told[1]:.3f}",
        )  # fmt: skip

    async def _everything(self, report: Report, owner: Connection, bare: float) -> None:
        """All of a citizen with about three hundred resources, and the organisations they refer to."""
        some = self._people.citizens[:_WHOLE_CITIZENS]
        await self._grow(owner, some)
        made = [
            get(
                f"/fhir/Patient/{patient}/$everything?_count=1000",
                self._random.choice(self._tokens[clinic]),
                holds=b'"searchset"',
            )
            for patient, clinic in some
        ]
        result, rows = await self._looked(report, owner, "everything", made, clients=16)
        report.add(
            "everything", result.per_second, "1/s",
            f"16 clients, $everything of {_WHOLE_CITIZENS} citizens with {_WHOLE} resources each, answers of "
            f"{_bytes(result)} bytes on average, {rows} log rows, {self._conditions}",
            ratio=result.per_second / bare, result=result,
        )  # fmt: skip

    async def _grow(self, owner: Connection, citizens: list[tuple[UUID, int]]) -> None:
        pool = await owner_pool(self._target, 1)
        sessions = Sessions(pool, HOOKS, CursorSigner(read_secret(self._settings.data_dir)))
        for patient, clinic in citizens:
            there = await owner.fetchval("select count(*) from fhir.resource where citizen = $1", key_of(patient))
            identifier = next(one for one in self._people.clinics if key_of(one) == clinic)
            more = [create(observation(patient), new_id(bucket_of(patient))) for _ in range(_WHOLE - there)]
            if more:
                async with sessions.begin(system_ask(identifier)) as session:
                    await session.write(more)
        await pool.close()

    async def _units(self, report: Report, owner: Connection, bare: float) -> None:
        """The register of organisations: whoever looks for a ward has it before the key is up again."""
        taken = await units.settled(self._settings, self._target, owner)
        made = units.lookups([one for some in self._tokens.values() for one in some], self._random)
        costs = Costs.of(self._server, await owner.fetchval("select pg_backend_pid()"))
        spent, counted = costs.spent(), _Counted(_forever(made))
        result = await drive(self._port, counted, clients=4, seconds=self._seconds)
        cost = costs.told(spent, counted.count)
        report.add(
            "unit_search", result.per_second, "1/s",
            f"4 clients, {units.COUNT:,} units, ms at the median / for 99 of 100: {units.each(result)}; {taken}, {cost}{self._conditions}",
            ratio=result.per_second / bare, result=result,
        )  # fmt: skip

    async def _overview(self, report: Report, owner: Connection, bare: float) -> None:
        """The page of a citizen, first over what is stored alone, then with live sources asked."""
        await overview.numbered(owner, self._people)
        made = await overview.pages(self._settings, self._target, self._people, self._random)
        look = partial(overview.looked, report, owner, made, self._port, self._seconds, bare, self._conditions)
        await look("overview_stored")
        async with overview.asked_live(owner, self._people, self._port + 2):
            await look("overview")

    async def _disk(self, report: Report, owner: Connection, _bare: float) -> None:
        """What the store takes for each resource, with all its indexes; superseded versions and the log are not counted."""
        tables = ("resource", "resource_string", "resource_date")
        size = sum(
            [await owner.fetchval("select pg_total_relation_size($1::regclass)", f"fhir.{one}") for one in tables]
        )
        count = await owner.fetchval("select count(*) from fhir.resource")
        report.add(
            "disk", size / count, "bytes/resource", f"{count:,} resources of about 1,100 bytes, tables and indexes"
        )

    # --- writes -------------------------------------------------------------------------------------------------------

    async def _transactions(self, report: Report, owner: Connection, bare: float) -> None:
        made = []
        for patient, clinic in self._random.choices(self._people.citizens, k=400):
            identifier = next(one for one in self._people.clinics if key_of(one) == clinic)
            token = self._issuer.system(identifier)
            made.append(post("/fhir", token, _bundle(patient)))
        costs = Costs.of(self._server, await owner.fetchval("select pg_backend_pid()"))
        spent, counted = costs.spent(), _Counted(_forever(made))
        result = await drive(self._port, counted, clients=8, seconds=self._seconds)
        cost = costs.told(spent, counted.count * _BUNDLE)
        report.add(
            "transaction", result.per_second * _BUNDLE, "resources/s",
            f"8 clients, bundles of {_BUNDLE}, validated, indexed, logged, evented, {cost}{self._conditions}",
            ratio=result.per_second * _BUNDLE / bare, result=result,
        )  # fmt: skip

    async def _messages(self, report: Report, owner: Connection, bare: float) -> None:
        citizens = [patient for patient, _ in self._people.citizens[:400]]
        units, numbers = await parties(owner, self._people.clinics[:20], citizens)
        tokens = {one.id: self._issuer.system(one.id) for one in units}
        costs = Costs.of(self._server, await owner.fetchval("select pg_backend_pid()"))
        counted = _Counted(messages(units, numbers, tokens, self._random))
        spent = costs.spent()
        result = await drive(self._port, counted, clients=16, seconds=self._seconds)
        cost = costs.told(spent, counted.count)
        report.add(
            "messages", result.per_second, "1/s",
            f"16 clients, CareCommunications kept, shared, compared, asked of the receiver, logged, acknowledged, {cost}{self._conditions}",
            ratio=result.per_second / bare, result=result,
        )  # fmt: skip

    async def _work(self, report: Report, owner: Connection, bare: float) -> None:
        await work_queue(self._settings, self._target, self._people, self._seconds, report, owner, bare)

    async def _import(self, report: Report, owner: Connection, bare: float) -> None:
        with tempfile.TemporaryDirectory() as folder:
            total = write_documents(Path(folder), documents=_DOCUMENTS)
            secret = read_secret(self._settings.data_dir)
            pool = await owner_pool(self._target, 1)
            sessions = Sessions(pool, HOOKS, CursorSigner(secret))
            source = await register_source(sessions, f"Bench {uuid4()}", secret, system_clock)
            await pool.close()
            costs = Costs.of(self._server, await owner.fetchval("select pg_backend_pid()"))
            spent, begun = costs.spent(), time.perf_counter()
            done = await import_in_processes(self._target, source, secret, [Path(folder)], lambda _: None)
            took, cost = time.perf_counter() - begun, costs.told(spent, total)
        report.add(
            "import", done.stored / took, "resources/s",
            f"{total} resources in {_DOCUMENTS} Bundles, parsed, validated, indexed, logged, {cost}{self._conditions}", ratio=done.stored / took / bare,
        )  # fmt: skip
        if done.stored != total:
            report.failures.append(f"import: {done.stored} of {total} stored")


#: what is measured, in this order; ``--only`` takes these names
FIGURES: Mapping[str, Callable[[Bench, Report, Connection, float], Awaitable[None]]] = {
    "secured_read": Bench._read_32,
    "secured_read_256": Bench._read_256,
    "search_in_record": Bench._search,
    "everything": Bench._everything,
    "overview": Bench._overview,
    "unit_search": Bench._units,
    "hidden_over_missing": Bench._hidden,
    "transaction": Bench._transactions,
    "messages": Bench._messages,
    "work_queue": Bench._work,
    "import": Bench._import,
    "disk": Bench._disk,
}


class _Counted:
    """Counts how many requests were taken."""

    def __init__(self, requests: Iterator[Request]) -> None:
        self._requests = requests
        self.count = 0

    def __iter__(self) -> "Iterator[Request]":
        return self

    def __next__(self) -> Request:
        self.count += 1
        return next(self._requests)


def _bytes(result: Result) -> str:
    """The average size of an answer."""
    return f"{result.bytes // max(1, result.correct):,}"


def _forever(made: list[Request]) -> Iterator[Request]:
    while True:
        yield from made


def _turns(some: list[Request], others: list[Request], turn: int) -> Iterator[Request]:
    """``turn`` of one, ``turn`` of the other, for ever."""
    one, other = _forever(some), _forever(others)
    while True:
        yield from islice(one, turn)
        yield from islice(other, turn)


def _never(identifier: UUID) -> UUID:
    return UUID(int=identifier.int ^ 0xFFFF_FFFF)


def _bundle(patient: UUID) -> bytes:
    entries = [
        {
            "fullUrl": f"urn:uuid:{uuid4()}",
            "resource": observation(patient),
            "request": {"method": "POST", "url": "Observation"},
        }
        for _ in range(_BUNDLE)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}, ensure_ascii=False).encode()


__all__ = ["Bench", "Result"]
