"""What the pages of blocks and consents speak of: the citizen's record, the places and people in it and in the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.portals.context import Visit
from helhed.portals.ports import Organisation
from helhed.portals.ports.consents import Block, Reader, Shape
from helhed.portals.presenters.blocks import Teller
from helhed.portals.presenters.names import Names
from helhed.portals.presenters.trials import Looked, Trial, documents, trial
from helhed.portals.reading import organisation_key
from helhed.portals.routes.block_forms import Known
from helhed.record.naming import professional_keys
from helhed.record.reading import RECORD_TYPES, Record, RecordReader, reference_key

LOG_WITHIN = timedelta(days=730)
LOG_ROWS = 300
MOST_FOUND = 20
_HOME = "HH"  #: the class of a contact at home
_KEYS = ("person", "forfatter")


@dataclass(frozen=True, slots=True)
class Desk:
    """One visit's material."""

    ask: Ask
    record: Record
    tree: Sequence[Organisation]
    met: frozenset[int]  #: places in the record and in the log
    teller: Teller
    history: Sequence[Block]

    @property
    def known(self) -> Known:
        """What a form may name."""
        held = frozenset(one.id for one in self.history if one.state(self.teller.now) != "ended")
        return Known(
            frozenset(self.teller.names.organisations), frozenset(self.teller.names.professionals),
            frozenset(self.teller.documents), held,
        )  # fmt: skip

    def block(self, which: UUID | None) -> Block | None:
        """One of the citizen's own that has not ended."""
        return next((one for one in self.history if one.id == which and one.state(self.teller.now) != "ended"), None)


async def desk(visitor: Visit, fields: Mapping[str, str]) -> Desk:
    """Everything the page needs; ``fields`` may name, or search for, more professionals."""
    ask = visitor.ask(Purpose.OWN)
    record = await RecordReader(visitor.ports.rows).whole_record(ask, visitor.principal.actor)
    tree = await visitor.ports.registries.organisation_tree()
    history = await visitor.ports.blocks.history(ask)
    log = await visitor.ports.log.entries(
        ask, visitor.now - LOG_WITHIN, visitor.now + timedelta(minutes=1), None, LOG_ROWS
    )
    looked = {one.actor for one in log.entries if one.kind is ActorKind.PROFESSIONAL and one.actor_name}
    met = record.origins() | {one.organisation for one in log.entries if one.organisation is not None}
    people = await _people(visitor, fields, [*looked, *professional_keys(record), *_blocked(history)])
    names = Names({organisation.key: organisation for organisation in tree}, people)
    teller = Teller(visitor.words, names, documents(record, visitor.words, visitor.now), visitor.now)
    return Desk(ask, record, tree, frozenset(met), teller, history)


def _blocked(history: Iterable[Block]) -> Iterable[int]:
    for one in history:
        yield from (key for key in (one.shape.who_professional, one.shape.what_author) if key is not None)


async def _people(visitor: Visit, fields: Mapping[str, str], keys: Iterable[int]) -> Mapping[int, str]:
    """Names of those in the record and the log, of those the form names, and of those it searches for."""
    named = [key for name in _KEYS if (key := organisation_key(fields.get(name, ""))) is not None]
    searched = fields.get("soeg", "").strip()
    found = await visitor.ports.blocks.professionals_called(searched, MOST_FOUND) if len(searched) > 1 else ()
    return await visitor.ports.registries.professional_names(sorted({*keys, *named, *found}))


async def emergency_unit(visitor: Visit) -> int | None:
    """Where an acute patient is likely to land: as configured, else where the demo's first hospital doctor works."""
    if visitor.ports.acute_places:
        return visitor.ports.acute_places[0]
    staff = (one.principal for one in await visitor.ports.personas.all() if one.door == "hospital" and one.principal)
    return next((principal.organisation for principal in staff), None)


def home_nurse(record: Record) -> int | None:
    """Whose nurse comes home: the place of the newest contact at home."""
    for entry in sorted(record.of("Encounter"), key=lambda one: one.updated, reverse=True):
        if entry.content.get("class", {}).get("code") == _HOME:
            return reference_key(entry.content.get("serviceProvider"), "Organization") or entry.origin
    return None


async def trials(
    visitor: Visit,
    at: Desk,
    shape: Shape | None,
    without: UUID | None,
    chosen: Sequence[int],
    places: Sequence[int] = (),
) -> list[Trial]:
    """What the emergency department, the clinic, the home nurse, and those who were chosen would see tonight."""
    looked = [await _look(visitor, at, one, shape, without) for one in await _usual(visitor, at, places)]
    for job in await visitor.ports.blocks.jobs(list(chosen), visitor.now):
        name = at.teller.words("block.person_at", person=job.name, place=at.teller.names.organisation(job.organisation))
        reader = Reader(job.organisation, job.role, job.professional)
        looked.append(await _look(visitor, at, (f"person-{job.organisation}", name, reader), shape, without))
    return [trial(one, at.record, visitor.words, visitor.now) for one in looked]


async def _usual(visitor: Visit, at: Desk, places: Sequence[int]) -> list[tuple[str, str, Reader]]:
    wanted = [
        ("akut", await emergency_unit(visitor), "doctor"),
        ("egen", await visitor.ports.blocks.chosen_clinic(at.ask), "doctor"),
        ("hjem", home_nurse(at.record), "nurse"),
        *((f"sted-{place}", place, "doctor") for place in places),
    ]
    found: dict[int, tuple[str, str, Reader]] = {}
    for key, place, role in wanted:
        if place is not None and place in at.teller.names.organisations and place not in found:
            name = at.teller.names.organisation(place)
            found[place] = (key, name, Reader(place, role, in_contact=True))
    return list(found.values())


async def _look(
    visitor: Visit, at: Desk, who: tuple[str, str, Reader], shape: Shape | None, without: UUID | None
) -> Looked:
    key, name, reader = who
    tried = visitor.ports.blocks.tried
    seen = await tried(at.ask, visitor.principal.actor, reader, RECORD_TYPES, shape, without)
    if reader.in_contact or any(one.today for one in seen.values()):
        return Looked(key, name, seen, supposed=reader.in_contact)
    near = Reader(reader.organisation, reader.role, reader.professional, in_contact=True)
    return Looked(
        key, name, await tried(at.ask, visitor.principal.actor, near, RECORD_TYPES, shape, without), supposed=True
    )
