"""The forms of blocks and consents, read: what somebody wrote is a shape, or what is wrong with it by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

from helhed.foundation.clock import DANISH_TIME
from helhed.portals.ports.consents import Block, Shape
from helhed.portals.reading import organisation_key

EVERYBODY, PLACE, PERSON = WHO = ("alle", "sted", "person")
EVERYTHING, SOME = WHAT = ("alt", "noget")
READ, LIFT = GIVES = ("laes", "loeft")
NARROW = ("kilde", "forfatter", "periode_fra", "periode_til", "dokument")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What may be named: places, professionals and the citizen's own rows and blocks."""

    places: frozenset[int]
    people: frozenset[int]
    rows: frozenset[UUID] = frozenset()
    blocks: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Form:
    """What a form holds, and what it says or what is wrong with it."""

    fields: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    shape: Shape | None = None

    def __call__(self, name: str) -> str:
        """What was written in a field."""
        return self.fields.get(name, "")

    @property
    def key(self) -> str:
        """By which a form that is sent twice is known."""
        return self("noegle") or str(uuid4())


class _Reading:
    """A form while it is read: what is wrong is kept by field."""

    def __init__(self, fields: Mapping[str, str], known: Known) -> None:
        self.fields, self.known = fields, known
        self.problems: dict[str, str] = {}

    def one_of(self, name: str, choices: tuple[str, ...], message: str) -> str:
        value = self.fields.get(name, "")
        if value not in choices:
            self.problems[name] = message
        return value

    def place(self, name: str) -> int | None:
        return self._key(name, self.known.places, "block.choose_place")

    def person(self, name: str) -> int | None:
        return self._key(name, self.known.people, "block.choose_person")

    def row(self, name: str, known: frozenset[UUID], message: str) -> UUID | None:
        found = identifier(self.fields.get(name, ""))
        if found in known:
            return found
        self.problems[name] = message
        return None

    def _key(self, name: str, known: frozenset[int], message: str) -> int | None:
        found = organisation_key(self.fields.get(name, ""))
        if found in known:
            return found
        self.problems[name] = message
        return None

    def day(self, name: str, *, after: bool = False) -> datetime | None:
        """The first moment of a day in Denmark, or of the day after; None for an empty field."""
        written = self.fields.get(name, "")
        try:
            return midnight(date.fromisoformat(written), after=after) if written else None
        except (ValueError, OverflowError):
            self.problems[name] = "block.no_date"
            return None

    def flag(self, name: str) -> bool:
        return self.fields.get(name) == "1"

    def in_order(self, first: datetime | None, last: datetime | None, name: str) -> None:
        if first is not None and last is not None and first >= last:
            self.problems.setdefault(name, "block.ends_before")


def block_form(fields: Mapping[str, str], known: Known, now: datetime) -> Form:
    """A block as it was written."""
    read = _Reading(fields, known)
    who, what = (
        read.one_of("hvem", WHO, "block.choose_who"),
        read.one_of("hvad", WHAT, "block.choose_what"),
    )
    place = read.place("sted") if who == PLACE else None
    person = read.person("person") if who == PERSON else None
    begins, ends = read.day("fra"), read.day("til", after=True)
    read.in_order(max(begins or now, now), ends, "til")
    about = _about(read) if what == SOME else Shape()
    if read.problems:
        return Form(fields, read.problems)
    shape = Shape(
        place, person, place is not None and read.flag("sted_alene"), about.what_organisation, about.what_alone,
        about.what_author, about.what_from, about.what_to, about.what_document, read.flag("vises"),
        begins if begins and begins > now else None, ends,
    )  # fmt: skip
    return Form(fields, {}, shape)


def _about(read: _Reading) -> Shape:
    """What a block is about, when it is not everything."""
    written = {name for name in NARROW if read.fields.get(name)}
    if not written:
        read.problems["kilde"] = "block.choose_some"
    source = read.place("kilde") if "kilde" in written else None
    author = read.person("forfatter") if "forfatter" in written else None
    document = read.row("dokument", read.known.rows, "block.choose_document") if "dokument" in written else None
    first, last = read.day("periode_fra"), read.day("periode_til", after=True)
    read.in_order(first, last, "periode_til")
    return Shape(
        what_organisation=source, what_alone=source is not None and read.flag("kilde_alene"), what_author=author,
        what_from=first, what_to=last, what_document=document,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsentForm(Form):
    """A consent as it was written."""

    professional: int | None = None
    organisation: int | None = None
    block: UUID | None = None
    until: datetime | None = None


def consent_form(fields: Mapping[str, str], known: Known, now: datetime) -> ConsentForm:
    """To whom, to what, until when."""
    read = _Reading(fields, known)
    who = read.one_of("hvem", (PLACE, PERSON), "consent.choose_who")
    place = read.place("sted") if who == PLACE else None
    person = read.person("person") if who == PERSON else None
    gives = read.one_of("giver", GIVES, "consent.choose_what")
    block = read.row("spaerring", known.blocks, "consent.choose_block") if gives == LIFT else None
    until = read.day("til", after=True)
    if until is None:
        read.problems.setdefault("til", "consent.choose_until")
    read.in_order(now, until, "til")
    return ConsentForm(fields, read.problems, None, person, place, block, until)


def midnight(day: date, *, after: bool = False) -> datetime:
    """The first moment of a day in Denmark, or of the day after."""
    return datetime.combine(day + _DAY if after else day, time(0), DANISH_TIME)


def identifier(written: str) -> UUID | None:
    """An id as it stands in a field; None when it is none."""
    try:
        return UUID(written)
    except ValueError:
        return None


def fields_of(block: Block) -> dict[str, str]:
    """A block as the form would have it written: the other way round."""
    shape = block.shape
    who = PERSON if shape.who_professional is not None else PLACE if shape.who_organisation is not None else EVERYBODY
    keys = {
        "sted": shape.who_organisation, "person": shape.who_professional, "kilde": shape.what_organisation,
        "forfatter": shape.what_author, "dokument": shape.what_document,
    }  # fmt: skip
    days = {
        "periode_fra": _day(shape.what_from), "periode_til": _day(shape.what_to, after=True),
        "fra": _day(shape.valid_from), "til": _day(shape.valid_to, after=True),
    }  # fmt: skip
    flags = {"sted_alene": shape.who_alone, "kilde_alene": shape.what_alone, "vises": shape.shown}
    written = {name: str(key) for name, key in keys.items() if key is not None}
    written |= {name: day for name, day in days.items() if day} | {name: "1" for name, on in flags.items() if on}
    return written | {"hvem": who, "hvad": SOME if any(name in written for name in NARROW) else EVERYTHING}


def _day(moment: datetime | None, *, after: bool = False) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(DANISH_TIME)
    return (local.date() - _DAY if after and local.time() == time(0) else local.date()).isoformat()
