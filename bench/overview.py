"""The overview of a citizen, as clinicians open it: a page by HTTP, with a session, over what is stored and over live sources of which one hangs."""

import asyncio
import random
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from uuid import UUID

from bench.load import Request, drive
from bench.neighbours import ROWS, neighbours
from bench.report import Report
from bench.serving import answering
from bench.world import PER_CITIZEN, Population
from helhed.foundation.ask import Action, ActorKind
from helhed.foundation.database import Connection, Target, create_pool
from helhed.foundation.ids import key_of
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.seal import Seal
from helhed.foundation.settings import Settings
from helhed.portals.rooms.sessions import PortalSessions
from helhed.portals.sessions import MOST_OPENED, Opened, Principal, key_of_cookie, new_token, start
from helhed.registries.sources import Described, SourceKind, Terms, Way, end_source, put_source

DEADLINE_MS = 300
_CLIENTS = 2
WORKERS_KNOW_SECONDS = 3.0  #: after that every worker knows of a new source, and has told what it counted
KINDS = (SourceKind.PRIVATE_HOSPITAL, SourceKind.LABORATORY, SourceKind.IMAGES, SourceKind.WOUNDS)
_HANGS = SourceKind.WOUNDS
_NUMBERED = "update registries.citizen c set cpr = q.cpr, replacement = false from unnest($1::bigint[], $2::text[]) q(key, cpr) where c.key = q.key"
_LOOKS = "select count(*) from foundation.access_log where action = $1 and permitted"
_ASKED = "select count(*) as looks, coalesce(sum(cardinality(resources)), 0)::bigint as questions from foundation.access_log where action = $1 and permitted"


async def pages(settings: Settings, target: Target, people: Population, rng: random.Random) -> list[Request]:
    """Overviews to open: every clinician of every clinic, each with as many of its citizens as a session holds, shuffled."""
    mine: dict[int, list[UUID]] = {}
    for patient, clinic in people.citizens:
        mine.setdefault(clinic, []).append(patient)
    seal = Seal("sessions", KeysInUse(settings.data_dir).secrets(KeyPurpose.SESSIONS))
    pool = await create_pool(target, size=1, statement_timeout_ms=8000)
    sessions, made = PortalSessions(pool, seal), list[Request]()
    for clinic, staff in people.staff.items():
        for one in staff:
            session, cookie = (
                start(
                    Principal(ActorKind.PROFESSIONAL, key_of(one), "Bench", clinic, "Bench", "doctor"),
                    datetime.now(UTC),
                ),
                new_token(),
            )
            for patient in rng.sample(mine.get(clinic, []), min(MOST_OPENED, len(mine.get(clinic, [])))):
                handle, session = session.with_opened(
                    Opened(key_of(patient), patient, "Bench Test", "", False, None, "female", True)
                )
                made.append(_page(f"/hospital/patient/{handle}", cookie))
            await sessions.put(key_of_cookie(cookie), session)
    await pool.close()
    rng.shuffle(made)
    return made


def _page(path: str, cookie: str) -> Request:
    head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: helhed={cookie}\r\naccept: text/html\r\n\r\n"
    return Request(head.encode(), 200, b"mmol/L")


async def numbered(owner: Connection, people: Population) -> None:
    """A number for every citizen: who has none is asked about nowhere."""
    keys = [key_of(patient) for patient, _ in people.citizens]
    await owner.execute(
        _NUMBERED,
        keys,
        [f"{n % 28 + 1:02}{n // 28 % 12 + 1:02}{n // 336 % 100:02}{n // 33_600:04}" for n in range(len(keys))],
    )


@asynccontextmanager
async def asked_live(owner: Connection, people: Population, port: int) -> AsyncIterator[None]:
    """Live sources, registered and serving, for as long as the block lasts; one of them hangs."""
    put = []
    with neighbours(port):
        await answering(port)
        for place, kind in zip(people.clinics, KINDS, strict=False):
            base = f"http://127.0.0.1:{port}/{'hangs' if kind is _HANGS else kind.value}"
            terms = Terms(base, DEADLINE_MS, internal_network=True)
            described = Described(place, f"Bench {kind.value}", kind, Way.LIVE, ("Observation",), "Bench", terms=terms)
            put.append(await put_source(owner, described, datetime.now(UTC)))
        await asyncio.sleep(WORKERS_KNOW_SECONDS)
        try:
            yield
        finally:
            for one in put:
                await end_source(owner, one)


@dataclass(frozen=True, slots=True)
class Counted:
    """What the server has done so far, by its log and by its own count of what became of questions."""

    looks: int
    asking: int
    questions: int
    answers: dict[str, float]

    @classmethod
    async def now(cls, owner: Connection, port: int) -> "Counted":
        """As it is now."""
        looks = await owner.fetchval(_LOOKS, Action.OVERVIEW)
        asked = await owner.fetchrow(_ASKED, Action.ASK_SOURCES)
        assert asked is not None
        return cls(looks, asked["looks"], asked["questions"], dict(_answers(port)))

    def told_since(self, before: "Counted") -> str:
        """How many questions were asked since, and what became of them; "" where nobody was asked."""
        if self.asking == before.asking:
            return ""
        since = {name: count - before.answers.get(name, 0) for name, count in sorted(self.answers.items())}
        total = sum(since.values()) or 1
        shares = ", ".join(f"{name} {count / total:.1%}" for name, count in since.items() if count)
        return (
            f"{len(KINDS)} live sources with {ROWS} rows each, of which one hangs, deadline {DEADLINE_MS} ms; "
            f"{self.questions - before.questions} questions in {self.asking - before.asking} looks that asked: {shares}, "
        )


async def looked(
    report: Report,
    owner: Connection,
    made: Sequence[Request],
    port: int,
    seconds: float,
    bare: float,
    conditions: str,
    name: str,
) -> None:
    """Open the pages for some seconds and report it; a failure of the run when pages and looks in the log differ."""
    before, opened = await Counted.now(owner, port), 0

    def requests() -> Iterator[Request]:
        nonlocal opened
        for one in cycle(made):
            opened += 1
            yield one

    result = await drive(port, requests(), clients=_CLIENTS, seconds=seconds)
    await asyncio.sleep(WORKERS_KNOW_SECONDS)
    after = await Counted.now(owner, port)
    looks = after.looks - before.looks
    report.add(
        name, result.per_second, "1/s",
        f"{_CLIENTS} clients, {len(made):,} pairs of clinician and citizen with {PER_CITIZEN} resources, pages of "
        f"{result.bytes // max(1, result.correct):,} bytes on average, {looks} looks in the log for {opened} pages, {after.told_since(before)}{conditions}",
        ratio=result.per_second / bare, result=result,
    )  # fmt: skip
    if looks != opened:
        report.failures.append(f"{name}: {looks} looks in the log for {opened} pages")


def _answers(port: int) -> Iterator[tuple[str, float]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("helhed_source_answers_total{"):
                name, _, count = line.rpartition(" ")
                yield name.split('"')[1], float(count)


__all__: Sequence[str] = ["asked_live", "looked", "numbered", "pages"]
