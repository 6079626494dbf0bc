"""Invariant 26: a copy holds what its holder could read then and nothing else; who may no longer be seen comes out; and every opening
stands in the citizen's log exactly once, however its telling is cut short, doubled, put out of order or forged.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import Forbidden, Unknown
from helhed.foundation.ids import key_of
from helhed.portals.rooms.rows import PortalRows
from helhed.record.reading import RecordReader
from helhed.trust.emergency.copies import Copied, EmergencyCopies
from helhed.trust.emergency.entries import Claim, Entry, sealed
from helhed.trust.emergency.rules import emergency_rules
from helhed.trust.reference.emergency import Book, Line, held, is_there, may_hold, stays
from tests.generative.loading import Loaded, load, put_facts
from tests.generative.mutants import EMERGENCY, Mutant, mutate
from tests.generative.resources import Drawer
from tests.generative.tally import Tally, counted
from tests.generative.worlds import a_world, some_asks
from tests.support.emergency_device import Device
from tests.support.world import NOW, World

SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 40))]
TELLINGS = [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 60))]
#: these are tried in every run, all of them in long ones
_ALWAYS = {"a later block is not heard of", "an opening comes twice", "openings do not hang together", "anybody tells"}
_TRIES = 12
_MINUTE = timedelta(minutes=1)
_IN_COPY = "select citizen, patient, resources from trust.emergency_patient where copy = $1"
_LOGGED = "select citizen, resources from foundation.access_log where action = 130 and trace = $1"
_OPENINGS = "select citizen, trace from foundation.access_log where action = 131 and local->>'copy' = $1 order by (local->>'n')::int"


@pytest.fixture(scope="module")
def tally() -> Any:
    with counted() as cases:
        yield cases


# --- what a copy holds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_copy_holds_what_its_holder_could_read_then(world: World, seed: int, tally: Tally) -> None:
    await copies_keep_the_law(await load(world, a_world(Drawer.seeded(seed))), seed, tally)


async def copies_keep_the_law(loaded: Loaded, seed: int, tally: Tally) -> None:
    """Raises AssertionError when a copy holds something else, or keeps somebody whom its holder may no longer see."""
    facts = loaded.world.facts
    made = [
        (ask, device) for ask in _asks(loaded, seed) if (device := await _hands_out(loaded, ask, tally)) is not None
    ]
    later = _later(loaded, seed)
    await put_facts(loaded.opened.owner, later)
    for ask, device in made:
        rows = await loaded.opened.owner.fetch(_IN_COPY, device.copy)
        works = may_hold(ask, emergency_rules().roles, later)
        gone = {
            str(one["patient"])
            for one in rows
            if not (works and stays(ask, one["resources"], loaded.world.kept, later))
        }
        told = await _copies(loaded).tell(device.copy, device.token, [], device.claims(), ask.at)
        assert set(told.take_out) == gone, ask
    await put_facts(loaded.opened.owner, facts)


async def _hands_out(loaded: Loaded, ask: Ask, tally: Tally) -> Device | None:
    """As the page does it; None when the asker may hold none or nobody is there."""
    rules, facts, copies = emergency_rules(), loaded.world.facts, _copies(loaded)
    keys = await copies.patients(ask)
    letters = {"A", "B", "D"}
    heads = {row["key"]: row["head"] for row in await loaded.opened.owner.fetch("select key, head from fhir.key_set")}
    seen = {
        frozenset(facts.keys(key)) for one in loaded.world.citizens
        if may_hold(ask, rules.roles, facts) and is_there(ask, key := key_of(one), letters, facts)
        and _sees_who_it_is(loaded, ask, heads.get(key, key))
    }  # fmt: skip
    assert {frozenset(facts.keys(key)) for key in keys} == seen, ask
    reader = RecordReader(PortalRows(loaded.opened.store), rules.most_rows)
    records = {key: await reader.whole_record(ask, key, rules.types) for key in keys}
    await _nobody_smuggles(loaded, ask, records)
    device, trace = Device(), uuid4()
    wanted = [Copied(key, [row.id for row in record.entries], (), b"") for key, record in records.items()]
    try:
        issued = await copies.issue(replace(ask, trace=trace), device.copy, device.seal_key, device.token_hash, wanted)
    except (Forbidden, Unknown):
        assert not keys, ask
        return None
    assert set(issued.people) == set(keys)
    rows = {row["citizen"]: set(row["resources"]) for row in await loaded.opened.owner.fetch(_IN_COPY, device.copy)}
    assert rows == {key: held(ask, key, rules.types, loaded.world.kept, facts) for key in keys}, ask
    assert {row["citizen"]: set(row["resources"]) for row in await loaded.opened.owner.fetch(_LOGGED, trace)} == rows
    notices = await loaded.opened.owner.fetch(
        "select citizen from trust.notice where kind = 'emergency-copied' and about = $1", device.copy
    )
    assert {row["citizen"] for row in notices} == set(keys)
    everything = {one.row.id for one in loaded.world.kept if one.row.type_name in rules.types and not one.row.deleted}
    tally.met(hidden=bool(everything - {row for kept in rows.values() for row in kept}))
    return device


async def _nobody_smuggles(loaded: Loaded, ask: Ask, records: Any) -> None:
    """A page gone wrong names a row that its asker does not see, and another's patient: neither gets out."""
    seen = {row.id for record in records.values() for row in record.entries}
    about = [one.row.id for one in loaded.world.kept if one.row.citizen is not None]
    unseen = [row for row in about if row is not None and not _sees(loaded, ask, row)][:1]
    strangers = [key_of(one) for one in loaded.world.citizens if key_of(one) not in records]
    wrong = [Copied(key, [*seen, row], (), b"") for key in records for row in unseen]
    for wanted in [*wrong, *(Copied(key, [], (), b"") for key in strangers)]:
        device = Device()
        with suppress(Forbidden, Unknown):
            issued = await _copies(loaded).issue(ask, device.copy, device.seal_key, device.token_hash, [wanted])
            assert not issued.people, (ask, wanted)


def _sees(loaded: Loaded, ask: Ask, row: UUID | None) -> bool:
    return row is not None and stays(ask, [row], loaded.world.kept, loaded.world.facts)


def _sees_who_it_is(loaded: Loaded, ask: Ask, key: int) -> bool:
    """Whether the asker sees the Patient under which a citizen goes: of several, the one that all others are linked to."""
    row = next(one.row for one in loaded.world.kept if one.row.type_name == "Patient" and one.row.citizen == key)
    return _sees(loaded, ask, row.id)


def _asks(loaded: Loaded, seed: int) -> list[Ask]:
    """Asks of every kind, and one of each job there is."""
    asks = some_asks(Drawer.seeded(seed + 1_000_000), loaded.world, 6)
    usual = next(one for one in some_asks(Drawer.seeded(seed), loaded.world, 40) if one.kind is ActorKind.PROFESSIONAL)
    jobs = loaded.world.facts.employments
    at_work = [replace(usual, actor=job.professional, organisation=job.organisation, role=job.role) for job in jobs]
    return [replace(one, read_types=None, write_types=None) for one in (*asks, *at_work)]


def _later(loaded: Loaded, seed: int) -> Any:
    """What holds a while later: some relations and jobs are over, some blocks are new."""
    drawer, facts = Drawer.seeded(seed + 77), loaded.world.facts
    other = a_world(Drawer.seeded(seed + 500)).facts.blocks
    citizens = [key_of(one) for one in loaded.world.citizens]
    blocks = [
        replace(block, citizen=drawer.pick(citizens), who=None, person=None, what=None, author=None, document=None)
        for block in other if drawer.chance(60)
    ]  # fmt: skip
    own = [
        replace(block, citizen=drawer.pick(citizens), who=None, person=None)
        for block in facts.blocks
        if drawer.chance(40)
    ]
    return replace(
        facts,
        blocks=(*facts.blocks, *(replace(block, id=uuid4()) for block in (*blocks, *own))),
        relations=tuple(one for one in facts.relations if drawer.chance(80)),
        employments=tuple(one for one in facts.employments if drawer.chance(85)),
    )


def _copies(loaded: Loaded) -> EmergencyCopies:
    return EmergencyCopies(loaded.opened.store.pool)


# --- what is told of it -------------------------------------------------------------------------------------------------------


class Bench:
    """A copy of two of three patients, its device, and the book of the reference."""

    doctor: Ask
    patients: list[UUID]
    device: Device
    book: Book

    def __init__(self, world: World) -> None:
        self.world, self.copies = world, EmergencyCopies(world.store.pool)

    @classmethod
    async def built(cls, world: World) -> "Bench":
        bench = cls(world)
        place = await world.organisation("Afdeling")
        bench.doctor = world.professional(await world.employee(place), place)
        bench.patients = [await world.patient(place, name) for name in "ABC"]
        for one in bench.patients:
            await world.contact(one, place)
        return bench

    async def begins(self) -> None:
        """A new copy of two of them."""
        self.device = Device()
        wanted = [Copied(key_of(one), [one], (), b"") for one in self.patients[:2]]
        await self.copies.issue(self.doctor, self.device.copy, self.device.seal_key, self.device.token_hash, wanted)
        names = [str(one) for one in self.patients[:2]]
        self.book = Book(str(self.device.copy), names, list(emergency_rules().reasons))

    def line(self, one: Entry) -> Line:
        holds = bool(sealed(self.device.copy, [one], self.device.seal_key))
        return Line(one.n, (one.prev, one.opened, one.patient, one.reason), holds)

    async def tells(self, entries: list[Entry], claim: Claim, at: datetime) -> None:
        """Tells, and holds the answer and the log against the book."""
        told = await self.copies.tell(self.device.copy, self.device.token, entries, claim, at)
        became = self.book.is_told([self.line(one) for one in entries], claim.n, claim.hash, gone=claim.gone)
        assert {one["n"]: one["outcome"] for one in told.outcomes} == became
        assert told.told == len(self.book.lines)
        assert (told.state == "closed") is self.book.closed
        odd = await self.world.owner.fetchval(
            "select odd_at is not null from trust.emergency_copy where id = $1", self.device.copy
        )
        assert odd is self.book.odd
        await self.log_is_whole()

    async def log_is_whole(self) -> None:
        """Each opening in the book is one row of its citizen's log, and no other row is."""
        rows = await self.world.owner.fetch(_OPENINGS, str(self.device.copy))
        wanted = [(key_of(UUID(line.words[2])), UUID(self.book.hash_of(line)[:32])) for line in self.book.lines]
        assert [(row["citizen"], row["trace"]) for row in rows] == wanted

    async def is_killed_while_telling(self, entries: list[Entry], at: datetime) -> None:
        """The server dies before it commits: nothing of it stays."""
        with suppress(ZeroDivisionError):
            async with self.world.owner.transaction():
                good = sealed(self.device.copy, entries, self.device.seal_key)
                claim = self.device.claims()
                await self.world.owner.fetchval(
                    "select trust.tell_emergency($1, $2, $3::jsonb, $4::jsonb, 0, $5)", self.device.copy, self.device.token,
                    orjson.dumps([one.row() for one in good]).decode(), orjson.dumps({"n": claim.n, "hash": claim.hash, "gone": False}).decode(), at,
                )  # fmt: skip
                raise ZeroDivisionError
        await self.log_is_whole()

    def forged(self, drawer: Drawer, at: datetime) -> Entry:
        """An opening that never was, in one of the ways there are to make one up: all but one with the copy's own seal."""
        device, n, head = self.device, len(self.book.lines) + 1, self.book.head
        patient, moment = str(self.patients[0]), at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        ways = [
            Device(copy=device.copy).sealed(n, head, moment, patient, "acute"),
            device.sealed(n, sha256(b"else").hexdigest(), moment, patient, "acute"),
            device.sealed(n, head, moment, str(drawer.pick((self.patients[2], uuid4()))), "acute"),
            device.sealed(n, head, moment, patient, "curious"),
        ]
        again = [device.sealed(n - 1, head, moment, patient, "acute")] if n > 1 else []
        return drawer.pick(ways + again)


async def tellings_keep_the_law(bench: Bench, seed: int, steps: int = 14) -> None:
    """Raises AssertionError when an opening is lost, doubled or made up, or when a stranger tells."""
    drawer, at = Drawer.seeded(seed), NOW
    await bench.begins()
    for _ in range(steps):
        at += _MINUTE
        device = bench.device
        if drawer.chance(60):
            device.opens(drawer.pick(bench.patients[:2]), at, drawer.pick(("acute", "medication")))
        some = [one for one in device.entries if drawer.chance(70)] or device.entries[:1]
        some = some[::-1] if drawer.chance(40) else some
        kind = drawer.number(0, 9)
        if kind == 0:
            await bench.is_killed_while_telling(some, at)
        elif kind == 1:
            with pytest.raises(Unknown):
                await bench.copies.tell(device.copy, Device().token, some, device.claims(), at)
            statement = 'select trust.tell_emergency($1, $2, \'[]\', \'{"n": 0, "hash": "", "gone": false}\', 0, $3)'
            assert await bench.world.owner.fetchval(statement, device.copy, Device().token, at) is None
        elif kind in (2, 3):
            await bench.tells([bench.forged(drawer, at)], device.claims(), at)
        elif kind == 4 and device.entries:
            await bench.tells(some, Claim(len(device.entries) - 1, device.entries[-1].prev, drawer.chance(50)), at)
        else:
            await bench.tells(some, device.claims(gone=drawer.chance(20)), at)
    await bench.tells(bench.device.entries, bench.device.claims(gone=True), at)
    assert [line.words for line in bench.book.lines] == [bench.line(one).words for one in bench.device.entries]
    assert bench.book.closed


@pytest.fixture
async def bench(world: World) -> Bench:
    return await Bench.built(world)


@pytest.mark.parametrize("seed", TELLINGS)
async def test_every_opening_comes_into_the_log_once_whatever_happens_to_its_telling(bench: Bench, seed: int) -> None:
    for turn in range(4):
        await tellings_keep_the_law(bench, seed * 1000 + turn)


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(one, id=one.sin, marks=() if one.sin in _ALWAYS else (pytest.mark.long,)) for one in EMERGENCY],
)
async def test_a_guard_of_copies_that_is_taken_away_is_missed(world: World, mutant: Mutant) -> None:
    await mutate(world.owner, mutant)
    try:
        if mutant.function in {"trust.emergency_misfit", "trust.take_opening", "trust.tell_emergency"}:
            bench = await Bench.built(world)
            for seed in range(40):
                await tellings_keep_the_law(bench, seed)
        else:
            await _a_world_is_kept(world)
    except (AssertionError, pytest.fail.Exception, asyncpg.IntegrityConstraintViolationError):
        return
    pytest.fail("nobody missed it")


async def _a_world_is_kept(world: World) -> None:
    for seed in range(_TRIES):
        await copies_keep_the_law(await load(world, a_world(Drawer.seeded(seed))), seed, Tally())
