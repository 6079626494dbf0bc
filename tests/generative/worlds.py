"""Small nasty worlds: organisations, professionals, citizens, what is known about them, resources, and who asks what.

A ``World`` can be loaded into a real store and judged in memory:

1. register the system client of every key in ``organisations``; create ``resources`` in their order, each as the custodian
   of its origin and under its own id; then delete those in ``deleted``;
2. let the facts of trust be exactly ``facts`` (relations, employments, blocks, registered systems). The resources state no
   relation and no employment themselves, so nothing but parents of organisations comes from them;
3. what a search must answer is ``Case.matches()``, whatever the store does inside.

Ids are made from drawn numbers, so that a failure replays and shrinks. ``renewed`` gives a case fresh ids, for stores that
have seen others before.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from helhed.fhir.definitions import Ownership, type_definition
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.ids import BUCKETS, bucket_of, key_of, new_id
from helhed.trust.policy import policy
from helhed.trust.reference import (
    Acting,
    Allowance,
    Assistance,
    Basis,
    Block,
    Consent,
    Employment,
    Facts,
    Mask,
    PastContact,
    Relation,
    Row,
    Ticket,
    Validity,
    reference_search,
    visible,
)
from tests.generative import masking, memory_search, resources as make
from tests.generative.labels import labels_of
from tests.generative.resources import Drawer, Resource

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_DAY, _TICK = timedelta(days=1), timedelta(microseconds=1)
STANDING = (Validity(), Validity(NOW - _DAY, NOW + _DAY), Validity(NOW, None), Validity(None, NOW + _TICK))
OVER = (Validity(None, NOW), Validity(NOW - _DAY, NOW - _TICK), Validity(NOW + _TICK, None), Validity(NOW + _DAY, None))
_ROLES = ("doctor", "nurse", "social-care-assistant", "secretary", "operator")
_NO_JOB = UUID(int=0)
_PROXIES = (Basis.CUSTODY, Basis.MANDATE, Basis.GUARDIAN, Basis.PROXY, Basis.DECISION_FOR_YOUTH)


@dataclass(frozen=True)
class Kept:
    """One resource and what decides over it."""

    row: Row
    resource: Resource


def kept_of(row: Row, resource: Resource) -> Kept:
    """A resource, and its row with the labels that the resource gives it."""
    return Kept(replace(row, **labels_of(resource, row.citizen, NOW)), resource)


def left_of(kept: Kept, elements: frozenset[str]) -> Kept:
    """What is left of a resource without these elements. Its labels stay."""
    return replace(kept, resource=masking.left_of(kept.resource, elements))


@dataclass(frozen=True, repr=False)
class World:
    """Everything there is."""

    organisations: tuple[UUID, ...]
    professionals: tuple[UUID, ...]
    citizens: tuple[UUID, ...]
    kept: tuple[Kept, ...]
    facts: Facts
    now: datetime = NOW

    def __repr__(self) -> str:
        """Short: a world that failed is made again by its seed."""
        return f"World({len(self.citizens)} citizens, {len(self.professionals)} professionals, {len(self.kept)} rows)"

    @property
    def rows(self) -> list[Row]:
        """What the reference decides on."""
        return [one.row for one in self.kept]

    @property
    def resources(self) -> list[tuple[int, Resource]]:
        """Key of the origin organisation, and the resource: in an order in which references point backwards."""
        return [(one.row.origin, one.resource) for one in self.kept]

    @property
    def names(self) -> dict[str, frozenset[str]]:
        """``Patient/id`` → all of those by which that citizen is known."""
        known = {key_of(one): f"Patient/{one}" for one in self.citizens}
        return {name: frozenset(known[one] for one in self.facts.keys(key)) for key, name in known.items()}

    @property
    def deleted(self) -> list[Kept]:
        """What is to be deleted after everything was created."""
        return [one for one in self.kept if one.row.deleted]


@dataclass(frozen=True)
class Case:
    """A world, who asks, and a search."""

    world: World
    ask: Ask
    url: str

    def matches(self) -> list[Resource]:
        """What the search law says must be found, in no order; its length is the total."""
        with memory_search.known_as(self.world.names):
            return reference_search(
                self.ask, self.world.kept, self.world.facts, lambda kept: _search(self.url, kept), left_of
            )

    def included(self, matches: Sequence[Resource]) -> set[str]:
        """``Type/id`` of what the includes of a page with these matches must add."""
        return memory_search.included(self.url, matches, [one.resource for one in self.visible()])

    def goes_on(self, matches: Sequence[Resource]) -> bool:
        """Whether the includes of that page would have brought more."""
        return memory_search.goes_on(self.url, matches, [one.resource for one in self.visible()])

    def is_sorted(self, matches: Sequence[Resource]) -> bool:
        """Whether the order of an answer is one that ``_sort`` allows."""
        return memory_search.is_sorted(self.url, matches)

    def visible(self) -> list[Kept]:
        """What exists, as far as the asker is concerned: of what is masked in part, what is left."""
        return visible(self.ask, self.world.kept, self.world.facts, left_of)

    def hidden(self) -> list[Kept]:
        """What exists and is hidden."""
        shown = {one.resource["id"] for one in self.visible()}
        return [one for one in self.world.kept if not one.row.deleted and one.resource["id"] not in shown]

    def hidden_matches(self) -> list[Resource]:
        """Hidden resources that would match if everything could be seen (invariant 27 counts cases that have some)."""
        with memory_search.known_as(self.world.names):
            everything = _search(self.url, [one for one in self.world.kept if not one.row.deleted])
        hidden = {one.resource["id"] for one in self.hidden()}
        return [one for one in everything if one["id"] in hidden]


def _search(url: str, kept: Sequence[Kept]) -> list[Resource]:
    return memory_search.search(url, [one.resource for one in kept])


# --- worlds -----------------------------------------------------------------------------------------------------------


@dataclass
class _Builder:
    """A world in the making. ``here`` is where the main professional works: facts and rows crowd around it."""

    drawer: Drawer
    seed: int
    issued: int = 0
    job: UUID = _NO_JOB  #: the PractitionerRole of the first professional
    organisations: list[UUID] = field(default_factory=list)
    parents: dict[int, int | None] = field(default_factory=dict)
    professionals: list[UUID] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    citizens: list[UUID] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)

    def identifier(self, bucket: int) -> UUID:
        """The next id: as ``new_id`` makes them, of drawn numbers."""
        self.issued += 1
        noise = int.from_bytes(blake2b(f"{self.seed}/{self.issued}".encode(), digest_size=8).digest(), "big")
        milliseconds = 1_700_000_000_000 + self.issued
        bare = (milliseconds << 80) | (7 << 76) | (bucket << 66) | ((noise & 0b11) << 64) | (0b10 << 62)
        return UUID(int=bare | (noise >> 2))

    def has_died(self, citizen: UUID) -> bool:
        """Some 8 in 100 have."""
        return blake2b(f"{self.seed}/{citizen}".encode(), digest_size=1).digest()[0] < 20

    def keep(self, identifier: UUID, resource: Resource, origin: int, citizen: int | None = None) -> str:
        """Add a resource; what is about citizens is sometimes deleted again, but never a citizen."""
        type_name = resource["resourceType"]
        ownership = type_definition(type_name).ownership if citizen is None else Ownership.CITIZEN
        deleted = ownership is not Ownership.PUBLIC and type_name != "Patient" and self.drawer.chance(8)
        whole = {"resourceType": type_name, "id": str(identifier), **resource}
        self.kept.append(kept_of(Row(type_name, ownership, citizen, origin, deleted), whole))
        return f"{type_name}/{identifier}"

    def some_organisation(self, towards: Sequence[int]) -> int:
        """One of ``towards``, or any organisation."""
        return self.drawer.pick(towards) if self.drawer.chance(60) else key_of(self.drawer.pick(self.organisations))


@st.composite
def worlds(draw: Callable[[st.SearchStrategy[Any]], Any]) -> World:
    """Worlds, drawn by hypothesis."""
    return a_world(Drawer.of(draw))


def a_world(drawer: Drawer) -> World:
    """A world of 4 to 7 organisations, 2 or 3 professionals, 2 to 5 citizens and some 10 to 40 clinical resources."""
    builder = _Builder(drawer, drawer.number(0, 2**32 - 1))
    _organisations(builder)
    here = key_of(drawer.pick(builder.organisations))
    _people(builder)
    for citizen in builder.citizens:
        _record(builder, citizen, here)
    _lists(builder, here)
    facts = replace(
        _facts(builder, here), rows=_rows(builder.kept), links=tuple(_links(builder)), dead=_dead(builder.kept)
    )
    facts = replace(facts, contacts=tuple(_past_contacts(builder, here)), deadlines=policy().deadlines)
    facts = replace(facts, masks=(*facts.masks, *_masks_of_parts(builder)), allowances=tuple(_allowances(builder)))
    facts = _with_protection(builder, facts)
    return World(
        tuple(builder.organisations), tuple(builder.professionals), tuple(builder.citizens), tuple(builder.kept), facts
    )


def _rows(kept: Sequence[Kept]) -> dict[UUID, Row]:
    return {one.row.id: one.row for one in kept if one.row.id is not None}


def _organisations(builder: _Builder) -> None:
    """A forest at most four deep."""
    depth: dict[UUID, int] = {}
    for _ in range(builder.drawer.number(4, 7)):
        identifier = builder.identifier(builder.drawer.number(0, BUCKETS - 1))
        above = [one for one in builder.organisations if depth[one] < 4]
        parent = builder.drawer.pick(above) if above and builder.drawer.chance(75) else None
        depth[identifier] = 1 if parent is None else depth[parent] + 1
        builder.organisations.append(identifier)
        builder.parents[key_of(identifier)] = None if parent is None else key_of(parent)
        text = None if parent is None else f"Organization/{parent}"
        recorded_by = key_of(identifier if parent is None else parent)  # a unit is placed by what it is part of
        builder.keep(identifier, make.organization(builder.drawer, text), recorded_by)


def _people(builder: _Builder) -> None:
    drawer = builder.drawer
    for _ in range(drawer.number(2, 3)):
        identifier = builder.identifier(drawer.number(0, BUCKETS - 1))
        builder.professionals.append(identifier)
        origin = key_of(drawer.pick(builder.organisations))
        builder.keep(identifier, make.practitioner(drawer), origin)
    for _ in range(2):
        identifier = builder.identifier(drawer.number(0, BUCKETS - 1))
        builder.places.append(
            builder.keep(identifier, make.location(drawer), key_of(drawer.pick(builder.organisations)))
        )
    builder.job = builder.identifier(drawer.number(0, BUCKETS - 1))
    for _ in range(drawer.number(2, 5)):
        builder.citizens.append(builder.identifier(drawer.number(0, BUCKETS - 1)))


def _record(builder: _Builder, citizen: UUID, here: int) -> None:
    """One citizen's resources, recorded here and there, referring to each other across organisations."""
    drawer = builder.drawer
    subject = {"reference": f"Patient/{citizen}"}
    staff = [f"Practitioner/{one}" for one in builder.professionals] + [f"PractitionerRole/{builder.job}"]
    others = [f"Patient/{one}" for one in builder.citizens if one != citizen]
    encounters: list[str] = []
    observations: list[str] = []

    def add(resource: Resource) -> str:
        if resource["resourceType"] != "Patient":
            resource["subject"] = subject
            if encounters and resource["resourceType"] != "Encounter" and drawer.chance(60):
                resource["encounter"] = {"reference": drawer.pick(encounters)}
        identifier = citizen if resource["resourceType"] == "Patient" else builder.identifier(bucket_of(citizen))
        return builder.keep(identifier, resource, builder.some_organisation([here]), key_of(citizen))

    add({**make.patient(drawer), **({"deceasedBoolean": True} if builder.has_died(citizen) else {})})
    for _ in range(drawer.number(1, 2)):
        encounters.append(add(make.encounter(drawer, encounters, builder.places)))
    for _ in range(drawer.number(1, 3)):
        observations.append(add(make.observation(drawer, observations, staff, others)))
    for _ in range(drawer.number(0, 2)):
        add(drawer.pick((make.condition, _order_by(staff)))(drawer))
    if drawer.chance(60):
        add(make.diagnostic_report(drawer, observations))


def _order_by(staff: Sequence[str]) -> Callable[[Drawer], Resource]:
    return lambda drawer: make.medication_request(drawer, staff)


def _lists(builder: _Builder, here: int) -> None:
    """Lists of organisations, whose members are several citizens'; half of them about one citizen, and so that citizen's."""
    drawer = builder.drawer
    items = [f"{one.row.type_name}/{one.resource['id']}" for one in builder.kept if one.row.citizen is not None]
    for _ in range(drawer.number(0, 3)):
        about = drawer.pick(builder.citizens) if drawer.chance(50) else None
        identifier = builder.identifier(drawer.number(0, BUCKETS - 1) if about is None else bucket_of(about))
        listed = make.ward_list(drawer, items, about)
        builder.keep(identifier, listed, builder.some_organisation([here]), None if about is None else key_of(about))


# --- facts ------------------------------------------------------------------------------------------------------------


def _facts(builder: _Builder, here: int) -> Facts:
    """The first professional works here, mostly; citizens are treated and blocked around here, mostly."""
    drawer = builder.drawer
    line = _line(builder.parents, here)
    main_role = drawer.pick(_ROLES[:2]) if drawer.chance(70) else drawer.pick(_ROLES)
    employments = [
        Employment(key_of(builder.professionals[0]), here, main_role, _validity(drawer, 90), key_of(builder.job))
    ]
    recorders = set[tuple[int, int]]()
    if drawer.chance(40):  # the job that rows name is somebody else's by now, or nobody's
        recorders.add((key_of(builder.job), key_of(builder.professionals[0])))
        employments = [replace(one, key=None) for one in employments]
    for professional in builder.professionals:
        for _ in range(drawer.number(0, 2)):
            place, role = builder.some_organisation(line), drawer.pick(_ROLES)
            employments.append(Employment(key_of(professional), place, role, _validity(drawer, 60)))
    if drawer.chance(50):
        helper = Employment(key_of(builder.professionals[-1]), here, drawer.pick(_ROLES[2:]), drawer.pick(STANDING))
        employments.append(helper)
    relations = [_relation(builder, key_of(citizen), line) for citizen in builder.citizens for _ in range(drawer.pick((1, 2, 3, 3, 0)))]  # fmt: skip
    if drawer.chance(50):  # somebody whom one professional alone treats
        alone, treating = key_of(builder.citizens[-1]), key_of(drawer.pick(builder.professionals))
        relations = [one for one in relations if one.citizen != alone]
        relations.append(Relation(alone, drawer.pick(line), "D", treating, Validity(NOW - _DAY, NOW + _TICK)))
    blocks = [_block(builder, citizen, line) for citizen in builder.citizens for _ in range(drawer.number(0, 2))]
    assistances = list(_assistances(builder, employments, here))
    systems = frozenset(key_of(one) for one in builder.organisations if drawer.chance(70))
    return Facts(
        policy().roles,
        builder.parents,
        tuple(dict.fromkeys(employments)),
        tuple(relations),
        tuple(blocks),
        systems,
        tuple(assistances),
        tuple(_consents(builder, blocks, line)),
        tuple(_tickets(builder, here)),
        tuple(_acting(builder)),
        tuple(_masks(builder)),
        _births(builder.kept),
        policy().ends_at_age,
        frozenset(recorders),
    )


def _line(parents: dict[int, int | None], organisation: int) -> list[int]:
    line = [organisation]
    while (above := parents[line[-1]]) is not None:
        line.append(above)
    return line


def _validity(drawer: Drawer, standing_percent: int) -> Validity:
    return drawer.pick(STANDING if drawer.chance(standing_percent) else OVER)


def _relation(builder: _Builder, citizen: int, line: Sequence[int]) -> Relation:
    drawer = builder.drawer
    letter, place = drawer.pick("ABD"), builder.some_organisation(line)
    if letter != "D":
        return Relation(citizen, place, letter, None, _validity(drawer, 75))
    ends = drawer.pick((NOW + _DAY, NOW + _TICK, NOW, NOW - _TICK))
    return Relation(citizen, place, "D", key_of(drawer.pick(builder.professionals)), Validity(NOW - 2 * _DAY, ends))


def _block(builder: _Builder, of: UUID, line: Sequence[int]) -> Block:
    """On an organisation, mostly; sometimes on a part of the record, or to a person."""
    drawer, citizen = builder.drawer, key_of(of)
    what = key_of(drawer.pick(builder.organisations)) if drawer.chance(80) else None
    who = builder.some_organisation(line) if what is None or drawer.chance(50) else None
    if drawer.chance(5):
        who = what = None
    block = Block(citizen, who, what, _validity(drawer, 70), id=builder.identifier(bucket_of(of)))
    return _narrowed(builder, block) if drawer.chance(45) else block


def _narrowed(builder: _Builder, block: Block) -> Block:
    """The block in another shape: without units beneath, to a person, on an author, a period, a document."""
    drawer = builder.drawer
    if drawer.chance(25):
        block = replace(block, who=None, person=key_of(drawer.pick(builder.professionals)))
    if drawer.chance(20):
        block = replace(block, who_alone=block.who is not None, what_alone=block.what is not None)
    if drawer.chance(60):
        block = replace(block, what=None)
    if drawer.chance(35):
        block = replace(block, author=key_of(drawer.pick(builder.professionals)))
    if drawer.chance(35):
        block = replace(block, period=drawer.pick(_PERIODS))
    if drawer.chance(35):
        own = [one for one in builder.kept if one.row.citizen == block.citizen]
        block = replace(block, document=drawer.pick(own).row.id)
    return block


_PERIODS = (
    Validity(NOW - 30 * _DAY, NOW),
    Validity(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    Validity(None, datetime(2026, 1, 1, tzinfo=UTC)),
    Validity(datetime(2026, 11, 22, 23, 0, tzinfo=UTC), None),
)


def _assistances(builder: _Builder, employments: list[Employment], here: int) -> Iterator[Assistance]:
    """The last professional is sometimes an assistant here; the first, or somebody else, is responsible."""
    drawer = builder.drawer
    if not drawer.chance(60):
        return
    assistant = key_of(builder.professionals[-1])
    employments.insert(1, Employment(assistant, here, "assistant", _validity(drawer, 90)))
    for order in range(drawer.pick((1, 1, 2, 0))):
        principal = builder.professionals[0] if drawer.chance(80) else drawer.pick(builder.professionals[:-1])
        role = employments[0].role if drawer.chance(85) else drawer.pick(("nurse", "assistant", "wizard"))
        writes = frozenset({"Observation", "MedicationRequest"}) if drawer.chance(50) else frozenset()
        validity = drawer.pick((Validity(NOW - _DAY, NOW + _DAY), Validity(NOW, NOW + _TICK), Validity(None, NOW), Validity(NOW - _DAY, NOW + _TICK)))  # fmt: skip
        yield Assistance(assistant, key_of(principal), role, here, writes, validity, order)


def _consents(builder: _Builder, blocks: Sequence[Block], line: Sequence[int]) -> Iterator[Consent]:
    drawer = builder.drawer
    for citizen in map(key_of, builder.citizens):
        for _ in range(drawer.number(0, 1)):
            person = key_of(drawer.pick(builder.professionals)) if drawer.chance(60) else None
            place = builder.some_organisation(line) if person is None or drawer.chance(20) else None
            mine = [block.id for block in blocks if block.citizen == citizen]
            lifted = drawer.pick(mine) if mine and drawer.chance(60) else None
            yield Consent(citizen, person, place, lifted, _validity(drawer, 75))


def _tickets(builder: _Builder, here: int) -> Iterator[Ticket]:
    drawer = builder.drawer
    for citizen in map(key_of, builder.citizens):
        if drawer.chance(15):
            who = drawer.pick((builder.professionals[0], builder.professionals[0], builder.professionals[-1]))
            begins = NOW - timedelta(minutes=drawer.pick((0, 59, 60)))
            role = drawer.pick((None, "doctor", "doctor", "nurse"))
            yield Ticket(citizen, key_of(who), builder.some_organisation([here]), Validity(begins, begins + timedelta(minutes=60)), role)  # fmt: skip


def _acting(builder: _Builder) -> Iterator[Acting]:
    """Citizens for each other: pairs in a ring, so that somebody acts for somebody mostly."""
    drawer = builder.drawer
    for place, citizen in enumerate(builder.citizens):
        actor = builder.citizens[place - 1] if drawer.chance(60) else builder.citizens[0]
        if actor != citizen and drawer.chance(85):
            types = frozenset({"Patient", "Observation"}) if drawer.chance(30) else None
            child = key_of(citizen) in _births(builder.kept) and drawer.chance(50)
            basis = drawer.pick((Basis.CUSTODY, Basis.DECISION_FOR_YOUTH)) if child else drawer.pick(_PROXIES)
            yield Acting(key_of(actor), key_of(citizen), basis, types, drawer.chance(40), _validity(drawer, 80))  # fmt: skip


def _masks(builder: _Builder) -> Iterator[Mask]:
    drawer = builder.drawer
    for one in builder.kept:
        if one.row.citizen is not None and one.row.id is not None and drawer.chance(6):
            yield Mask(one.row.citizen, one.row.id, drawer.chance(50), _validity(drawer, 75))


def _masks_of_parts(builder: _Builder) -> Iterator[Mask]:
    """At most one of a row that stands, sometimes beside one of the whole row. Drawn by themselves: the rest of a world stays what it was."""
    drawer = Drawer.seeded(builder.seed)
    for one in builder.kept:
        known = [each for each in masking.ELEMENTS.get(one.row.type_name, ()) if masking.stands_in(one.resource, each)]
        if (
            known
            and one.row.citizen is not None
            and one.row.id is not None
            and not one.row.deleted
            and drawer.chance(30)
        ):
            elements = frozenset(drawer.pick(known) for _ in range(drawer.number(1, 2)))
            inner = {each for each in elements if any(each.startswith(f"{other}.") for other in elements)}
            yield Mask(one.row.citizen, one.row.id, drawer.chance(50), _validity(drawer, 85), elements - inner)


def _past_contacts(builder: _Builder, here: int) -> Iterator[PastContact]:
    """Contacts that ended around the moments that count."""
    staff = [*map(key_of, builder.professionals), key_of(builder.job)]
    ends = (NOW, NOW + _TICK, NOW - 30 * _DAY, NOW - 30 * _DAY + _TICK, NOW - 60 * _DAY, datetime(2026, 5, 23, 8, 0, tzinfo=UTC),
            datetime(2026, 5, 23, 8, 0, 0, 1, tzinfo=UTC))  # fmt: skip
    for citizen in map(key_of, builder.citizens):
        if builder.drawer.chance(50):
            people = frozenset(builder.drawer.pick(staff) for _ in range(2))
            yield PastContact(citizen, builder.some_organisation([here]), builder.drawer.pick(ends), people)


def _allowances(builder: _Builder) -> Iterator[Allowance]:
    """Every professional has opened an app for every citizen, and one for nobody. Nothing is drawn: the rest of a world stays what it was."""
    for professional in map(key_of, builder.professionals):
        for citizen in (*map(key_of, builder.citizens), None):
            name = blake2b(f"{builder.seed}/{professional}/{citizen}".encode(), digest_size=16).digest()
            yield Allowance(UUID(bytes=name), ActorKind.PROFESSIONAL, professional, citizen)


def _links(builder: _Builder) -> Iterator[frozenset[int]]:
    """Half of the worlds have somebody who was registered twice; some, three times."""
    if builder.drawer.chance(50):
        for one, other in pairwise(builder.citizens[: builder.drawer.pick((2, 2, 3))]):
            yield frozenset((key_of(one), key_of(other)))


def _dead(kept: Sequence[Kept]) -> frozenset[int]:
    """Those who are registered as dead."""
    people = (one for one in kept if one.row.type_name == "Patient" and one.row.citizen is not None)
    return frozenset(one.row.citizen for one in people if one.resource.get("deceasedBoolean"))  # type: ignore[misc]


def _with_protection(builder: _Builder, facts: Facts) -> Facts:
    """Some whose address CPR protects, and parents with whom they live. Drawn by themselves: the rest of a world stays what it was."""
    drawer = Drawer.seeded(builder.seed + 1)
    acting = tuple(replace(one, shares_home=drawer.chance(70)) for one in facts.acting)
    return replace(
        facts, acting=acting, protected=frozenset(key_of(one) for one in builder.citizens if drawer.chance(15))
    )


def _births(kept: Sequence[Kept]) -> dict[int, date]:
    """Full dates of birth."""
    found = {one.row.citizen: one.resource.get("birthDate", "") for one in kept if one.row.type_name == "Patient"}
    return {citizen: date.fromisoformat(text) for citizen, text in found.items() if citizen and len(text) == 10}


# --- asks -------------------------------------------------------------------------------------------------------------


def an_ask(drawer: Drawer, world: World, kind: ActorKind | None = None) -> Ask:
    """A professional (mostly as employed, sometimes as not), a citizen or a system; sometimes with a narrow token."""
    makers = {ActorKind.PROFESSIONAL: _staff, ActorKind.CITIZEN: _citizen, ActorKind.SYSTEM: _system}
    several = [ActorKind.PROFESSIONAL] * 8 + [ActorKind.CITIZEN, ActorKind.SYSTEM]
    ask = makers[kind or drawer.pick(several)](drawer, world)
    if drawer.chance(12):
        read = frozenset({"Patient", "Observation", drawer.pick(("Encounter", "List", "Organization"))})
        ask = replace(ask, read_types=read, write_types=frozenset({"Observation"}))
        if drawer.chance(30):  # a token that writes what it may not read
            ask = replace(ask, read_types=frozenset({"Patient"}), write_types=frozenset({"Observation", "List"}))
    if ask.kind is ActorKind.PROFESSIONAL and drawer.chance(25):
        ask = replace(ask, purpose=Purpose.FOLLOW_UP)
    return ask


def for_one(ask: Ask, world: World, number: int) -> Ask:
    """The ask of an app that a professional opened for one patient; now and then for none, or by what somebody else allowed."""
    if ask.kind is not ActorKind.PROFESSIONAL:
        return ask
    own = [one for one in world.facts.allowances if one.actor == ask.actor]
    others = [one for one in world.facts.allowances if one.actor != ask.actor]
    known = others if number % 7 == 0 and others else own
    return replace(ask, allowance=known[number // 7 % len(known)].id, for_one=True) if known else ask


def _staff(drawer: Drawer, world: World) -> Ask:
    """Mostly the main professional at their main work."""
    first = world.facts.employments[: drawer.pick((1, 1, 1, 1, 2))][-1]
    job = first if drawer.chance(80) else drawer.pick(world.facts.employments)
    actor, place, role = job.professional, job.organisation, job.role
    if drawer.chance(6):
        actor = key_of(drawer.pick(world.professionals))
    if drawer.chance(6):
        place = key_of(drawer.pick(world.organisations))
    if drawer.chance(6):
        role = drawer.pick((*_ROLES, ""))
    return Ask(ActorKind.PROFESSIONAL, actor, place, role, Purpose.TREATMENT, "generated", None, None, NOW, UUID(int=1))


def _citizen(drawer: Drawer, world: World) -> Ask:
    actor = key_of(drawer.pick(world.citizens))
    if world.facts.acting and drawer.chance(40):
        actor = drawer.pick(world.facts.acting).actor
    return Ask(ActorKind.CITIZEN, actor, None, "", Purpose.OWN, "generated", None, frozenset(), NOW, UUID(int=1))


def _system(drawer: Drawer, world: World) -> Ask:
    key = key_of(drawer.pick(world.organisations))
    actor = key_of(drawer.pick(world.organisations)) if drawer.chance(25) else key
    return Ask(ActorKind.SYSTEM, actor, key, "system", Purpose.OPERATIONS, "generated", None, None, NOW, UUID(int=1))


def some_asks(drawer: Drawer, world: World, several: int) -> list[Ask]:
    """At least one of each kind of actor, one before and one after most validities, and some from every job."""
    asks = [an_ask(drawer, world, kind) for kind in ActorKind]
    asks += [replace(an_ask(drawer, world, ActorKind.PROFESSIONAL), at=at) for at in (NOW - _TICK, NOW + _DAY)]
    jobs = [_from(job) for job in world.facts.employments if job.validity in STANDING]
    asks += jobs[: max(0, several - len(asks)) // 2]
    asks += [an_ask(drawer, world) for _ in range(several - len(asks))]
    own = [place for place, one in enumerate(asks) if one.kind is ActorKind.PROFESSIONAL]
    for number, place in enumerate(
        own[1::3]
    ):  # a third of the professionals ask through an app that was opened for one patient
        asks[place] = for_one(asks[place], world, 13 * number + 1)
    return asks


def _from(job: Employment) -> Ask:
    who = (ActorKind.PROFESSIONAL, job.professional, job.organisation, job.role)
    return Ask(*who, Purpose.TREATMENT, "generated", None, None, NOW, UUID(int=1))


# --- fresh ids --------------------------------------------------------------------------------------------------------

_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def renewed(case: Case) -> Case:
    """The same case under ids that no store has seen, each in the bucket of the one it replaces."""
    world = case.world
    old = dict.fromkeys([*world.organisations, *world.professionals, *world.citizens])
    old |= dict.fromkeys(UUID(one.resource["id"]) for one in world.kept)
    fresh = {one: new_id(bucket_of(one)) for one in old}
    names = {str(before): str(after) for before, after in fresh.items()}
    keys: dict[int | None, Any] = {key_of(before): key_of(after) for before, after in fresh.items()} | {None: None}

    def text(written: str) -> str:
        return _ID.sub(lambda found: names.get(found[0], found[0]), written)

    kept = tuple(
        kept_of(replace(one.row, citizen=keys[one.row.citizen], origin=keys[one.row.origin]), json.loads(text(json.dumps(one.resource))))
        for one in world.kept
    )  # fmt: skip
    people = [tuple(fresh[one] for one in some) for some in (world.organisations, world.professionals, world.citizens)]
    ask = replace(case.ask, actor=keys[case.ask.actor], organisation=keys[case.ask.organisation])
    facts = replace(_renewed_facts(world.facts, keys, fresh), rows=_rows(kept))
    return Case(World(people[0], people[1], people[2], kept, facts), ask, text(case.url))


def _renewed_facts(facts: Facts, keys: dict[int | None, Any], ids: dict[UUID, UUID]) -> Facts:
    return Facts(
        facts.roles,
        {keys[one]: keys[above] for one, above in facts.parents.items()},
        tuple(replace(one, professional=keys[one.professional], organisation=keys[one.organisation]) for one in facts.employments),
        tuple(
            replace(one, citizen=keys[one.citizen], organisation=keys[one.organisation], professional=keys[one.professional])
            for one in facts.relations
        ),
        tuple(
            replace(
                one, citizen=keys[one.citizen], who=keys[one.who], what=keys[one.what], person=keys[one.person], author=keys[one.author],
                document=None if one.document is None else ids[one.document],
            )
            for one in facts.blocks
        ),
        frozenset(keys[one] for one in facts.systems),
        tuple(
            replace(one, assistant=keys[one.assistant], principal=keys[one.principal], organisation=keys[one.organisation])
            for one in facts.assistances
        ),
        tuple(
            replace(one, citizen=keys[one.citizen], professional=keys[one.professional], organisation=keys[one.organisation])
            for one in facts.consents
        ),
        tuple(
            replace(one, citizen=keys[one.citizen], professional=keys[one.professional], organisation=keys[one.organisation])
            for one in facts.tickets
        ),
        tuple(replace(one, actor=keys[one.actor], citizen=keys[one.citizen]) for one in facts.acting),
        tuple(replace(one, citizen=keys[one.citizen], resource=ids[one.resource]) for one in facts.masks),
        {keys[one]: born for one, born in facts.births.items()},
        facts.ends_at_age,
        contacts=tuple(
            replace(one, citizen=keys[one.citizen], organisation=keys[one.organisation], people=frozenset(keys.get(each, each) for each in one.people))
            for one in facts.contacts
        ),
        deadlines=facts.deadlines,
        links=tuple(frozenset(keys[one] for one in pair) for pair in facts.links),
        dead=frozenset(keys[one] for one in facts.dead),
        protected=frozenset(keys[one] for one in facts.protected),
        recorders=frozenset((job, keys[holder]) for job, holder in facts.recorders),
        allowances=tuple(replace(one, actor=keys[one.actor], citizen=keys[one.citizen]) for one in facts.allowances),
    )  # fmt: skip
