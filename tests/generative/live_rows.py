"""What live sources have answered, in a generated world: rows with labels of their own and an end, beside what is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import orjson

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership
from helhed.foundation.ids import key_of
from helhed.trust.reference import Block, Facts, Row
from tests.generative.loading import Loaded, put_facts
from tests.generative.resources import Drawer
from tests.generative.worlds import NOW, World

TYPES = ("Observation", "Condition", "DiagnosticReport")
_DAY, _TICK = timedelta(days=1), timedelta(microseconds=1)
_ENDS = (NOW + 3 * _DAY, NOW + _DAY, NOW + _TICK, NOW)  # asks are made at NOW, a moment before, and a day later
_SOURCE = """
insert into registries.source (id, organisation, name, kind, way, active, types, keeper, terms, changed_at)
values ($1, $2, 'Kilde', $3, 'live', $4, $5, 'Vagten', $6::jsonb, $7)"""
_PUT = """
select fhir.put_live_answer($1, $2, $3::smallint[], $4, $5, 0, $6::uuid[], $7::smallint[], $8::jsonb, $9::timestamptz[],
  $10::timestamptz[], $11::timestamptz[], $12::bytea[])"""
_TERMS = '{"address": "https://kilde.example/r4", "deadline_ms": 1000, "fresh_seconds": 60, "kept_seconds": 86400, "question": "everything"}'
_KINDS = ("hospital", "laboratory", "images")


@dataclass(frozen=True)
class Source:
    """A live source."""

    id: UUID
    organisation: int
    kind: str
    active: bool


@dataclass(frozen=True)
class Live:
    """A row that it answered."""

    row: Row
    source: Source
    ends: datetime
    stopped: bool = False  #: the source has answered once more since, without it

    def is_here(self, at: datetime) -> bool:
        """Whether it may be served at all."""
        return self.source.active and at < self.ends and not self.stopped


@dataclass(frozen=True)
class Answered:
    """Sources, what they answered, and the facts of trust that hold for it too."""

    sources: tuple[Source, ...]
    rows: tuple[Live, ...]
    facts: Facts


def some_answers(drawer: Drawer, world: World) -> Answered:
    """Two or three sources, of which one may be paused, that answered about every citizen; and blocks on documents of theirs."""
    places = list(world.facts.parents)
    sources = tuple(
        Source(uuid4(), drawer.pick(places), kind, not drawer.chance(20)) for kind in _KINDS[: drawer.number(2, 3)]
    )
    rows = tuple(
        one for source in sources for citizen in world.citizens for one in _answer(drawer, world, source, citizen)
    )
    presenting = [one for one in rows if one.row.contents] + list(rows[::7])
    shown = frozenset[UUID]().union(*(one.row.contents for one in rows))
    blocks = tuple(_block(drawer, world, one, shown) for one in presenting if drawer.chance(30))
    known = {one.row.id: one.row for one in rows if one.row.id is not None}
    facts = replace(
        world.facts, blocks=(*world.facts.blocks, *blocks), rows={**world.facts.rows, **known},
    )  # fmt: skip
    return Answered(sources, rows, facts)


def _block(drawer: Drawer, world: World, one: Live, shown: frozenset[UUID]) -> Block:
    """On this row by name, and now and then on an author too: not where its labels may be gone while what presents it is here."""
    assert one.row.citizen is not None
    compared = one.row.id not in shown or (one.ends == _ENDS[0] and not one.stopped)
    author = key_of(drawer.pick(world.professionals)) if compared and drawer.chance(25) else None
    return Block(one.row.citizen, id=uuid4(), author=author, document=one.row.id)


def _answer(drawer: Drawer, world: World, source: Source, citizen: UUID) -> Iterator[Live]:
    """Some rows of each type; reports present some of the observations, and now and then one another. Some are sent no more."""
    ends = {name: drawer.pick(_ENDS) for name in TYPES}
    measured = [_row(drawer, world, source, citizen, "Observation") for _ in range(drawer.number(1, 2))]
    shown = [one for one in measured if drawer.chance(60)]
    report = _presenting(_row(drawer, world, source, citizen, "DiagnosticReport"), shown)
    told = [_row(drawer, world, source, citizen, "Condition"), report]
    if drawer.chance(30):
        told.append(_presenting(_row(drawer, world, source, citizen, "DiagnosticReport"), [report]))
    for row in (*measured, *told):
        yield Live(row, source, ends[row.type_name], drawer.chance(25))


def _presenting(row: Row, parts: Sequence[Row]) -> Row:
    """With the labels of all it presents, as an answer is taken (record.live.taking)."""
    every = [row, *parts]
    spans = [one.took_place for one in every if one.took_place is not None]
    return replace(
        row, contents=frozenset(one.id for one in parts if one.id is not None),
        authors=None if any(one.authors is None for one in every) else frozenset().union(*(one.authors or () for one in every)),
        took_place=(min(first for first, _ in spans), max(last for _, last in spans)),
        concerns=frozenset().union(*(one.concerns for one in every)),
    )  # fmt: skip


def _row(drawer: Drawer, world: World, source: Source, citizen: UUID, type_name: str) -> Row:
    """One whose labels are drawn: an author whom nobody knows, now and then, and another citizen beside its own."""
    first = NOW - drawer.number(0, 400) * _DAY
    others = [key_of(one) for one in world.citizens if one != citizen]
    authors = frozenset(key_of(one) for one in world.professionals if drawer.chance(40))
    return Row(
        type_name, Ownership.CITIZEN, key_of(citizen), source.organisation, id=uuid4(),
        authors=None if drawer.chance(15) else authors,
        took_place=(first, first + drawer.pick((timedelta(0), _DAY, 60 * _DAY))),
        concerns=frozenset({drawer.pick(others)}) if drawer.chance(10) else frozenset(),
    )  # fmt: skip


async def put_answers(loaded: Loaded, answered: Answered) -> None:
    """Into the database, through the function that takes answers."""
    owner = loaded.opened.owner
    await put_facts(owner, answered.facts)
    numbers = sorted(TYPE_NUMBERS[name] for name in TYPES)
    for source in answered.sources:
        await owner.execute(
            _SOURCE, source.id, source.organisation, source.kind, source.active, numbers, _TERMS, NOW
        )  # fmt: skip
    for citizen in map(key_of, loaded.world.citizens):
        for source in answered.sources:
            for name in TYPES:
                here = (source, citizen, name)
                answer = [o for o in answered.rows if (o.source, o.row.citizen, o.row.type_name) == here]
                await _put(loaded, answer, NOW - 2 * _DAY, answer)
                await _put(loaded, answer, NOW - _DAY, [one for one in answer if not one.stopped])


async def _put(loaded: Loaded, answer: Sequence[Live], at: datetime, sent: Sequence[Live]) -> None:
    source, row, ends = answer[0].source, answer[0].row, answer[0].ends
    number, rows = TYPE_NUMBERS[row.type_name], [one.row for one in sent]
    labels = [
        {
            "authors": None if one.authors is None else sorted(one.authors),
            "contents": sorted(map(str, one.contents)),
            "concerns": sorted(one.concerns),
            "addresses": [],
        }
        for one in rows
    ]
    spans = [one.took_place or (NOW, NOW) for one in rows]
    bodies = [orjson.dumps({"resourceType": one.type_name, "id": str(one.id)}) for one in rows]
    begins = [first for first, _ in spans]
    assert await loaded.opened.owner.fetchval(
        _PUT, source.id, row.citizen, [number], at, ends, [one.id for one in rows], [number] * len(rows),
        orjson.dumps(labels).decode(), begins, [last for _, last in spans], begins, bodies,
    )  # fmt: skip
