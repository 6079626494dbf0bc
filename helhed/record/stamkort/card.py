"""A stamkort as it is read: what CPR owns, what the citizen says of themselves, and relatives; each with source and age."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from helhed.foundation.ids import key_of
from helhed.record.paths import Json, objects, text, walk
from helhed.record.people import human_name, is_oneself
from helhed.record.reading import Entry, Record
from helhed.registries.projections import birth_date
from helhed.registries.protection import is_protected

ROLE_CODES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ONESELF = "ONESELF"
_OURS = "urn:helhed:extension/"
STATED, WISH, WISH_SAID, MAY_CALL = (
    f"{_OURS}{name}" for name in ("stated", "may-be-called-when", "may-be-called-note", "may-be-called")
)
INTERPRETER, NEED, NEEDS_SAID, DENTIST, WORDS = (
    f"{_OURS}{name}"
    for name in ("interpreter-required", "special-need", "special-needs-said", "dentist", "words-to-staff")
)
USES = ("mobile", "home", "work")


@dataclass(frozen=True, slots=True)
class Stated:
    """When a field was last changed, and by whom: self, acting (for the citizen), or help (staff, at the counter)."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class TemporaryAddress:
    """Where somebody is for a time."""

    line: str
    post_code: str
    city: str
    since: date
    until: date


class _Fields:
    __slots__ = ()

    def fields(self) -> dict[str, Any]:
        """By name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class OwnCard(_Fields):
    """What a citizen says of themselves. Empty strings and tuples are nothing said."""

    phones: tuple[tuple[str, str], ...] = ()  #: use (mobile, home, work) and number
    email: str = ""
    address: TemporaryAddress | None = None
    language: str = ""  #: BCP 47
    interpreter: bool = False
    needs: tuple[str, ...] = ()
    needs_said: str = ""
    dentist: str = ""
    words: str = ""  #: own words to staff


@dataclass(frozen=True, slots=True)
class RelativeCard(_Fields):
    """Somebody close. Being one gives no access."""

    name: str
    relation: str  #: v3-RoleCode
    phones: tuple[tuple[str, str], ...]
    wish: str  #: admission, dying, never; "" where a source did not say
    wish_said: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The row behind a card."""

    id: UUID
    version: int
    origin: int  #: key of the organisation whose it is
    updated: datetime
    stated: Mapping[str, Stated]  #: by field


@dataclass(frozen=True, slots=True)
class FromCpr:
    """What the register owns: read-only here."""

    patient: UUID
    name: str
    born: date | None
    address: str  #: "" when it is protected or none is registered
    protected: bool
    dead: bool
    updated: datetime
    clinic: str  #: reference of the chosen clinic, "" when none


@dataclass(frozen=True, slots=True)
class Stamkort:
    """The whole card."""

    cpr: FromCpr
    own: OwnCard
    kept: Kept | None  #: None while nothing was said
    relatives: tuple[tuple[RelativeCard, Kept], ...]  #: whom the citizen named
    others: tuple[tuple[str, str, int], ...] = field(default=())  #: whom a source named: name, relation, origin


def stamkort_of(record: Record, citizen: int) -> Stamkort | None:
    """The card in a record; None without the citizen's Patient. A card of ours is told by its ``stated``."""
    patient = next((one for one in record.of("Patient") if key_of(one.id) == citizen), None)
    if patient is None:
        return None
    rows = [one for one in record.of("RelatedPerson") if one.content.get("active") is not False]
    own = next((one for one in rows if is_oneself(one.content)), None)
    ours = [one for one in rows if not is_oneself(one.content) and _stated(one.content)]
    theirs = [one for one in rows if not is_oneself(one.content) and not _stated(one.content)]
    return Stamkort(
        _from_cpr(patient),
        OwnCard() if own is None else own_card(own.content),
        None if own is None else _kept(own),
        tuple(sorted(((relative_card(one.content), _kept(one)) for one in ours), key=lambda one: one[0].name)),
        tuple(
            (human_name(one.content.get("name")), text(one.content, "relationship.text"), one.origin) for one in theirs
        ),
    )


def _from_cpr(entry: Entry) -> FromCpr:
    content = entry.content
    protected = is_protected(content)
    homes = [one for one in objects(content.get("address")) if one.get("use") not in {"old", "temp"}]
    clinic = next((one for one in walk(content, "generalPractitioner.reference") if isinstance(one, str)), "")
    return FromCpr(
        entry.id, human_name(content.get("name")), birth_date(content), "" if protected or not homes else _address_line(homes[0]),
        protected, bool(content.get("deceasedBoolean") or content.get("deceasedDateTime")), entry.updated, clinic,
    )  # fmt: skip


def _address_line(address: Json) -> str:
    lines = [one for one in address.get("line", ()) if isinstance(one, str)]
    return text(address, "text") or ", ".join(
        [*lines, f"{text(address, 'postalCode')} {text(address, 'city')}".strip()]
    )


def own_said(record: Record) -> tuple[OwnCard, Kept] | None:
    """What the citizen says of themselves, in a whole record; None when nothing is seen of it."""
    found = next((one for one in record.of("RelatedPerson") if is_oneself(one.content)), None)
    return None if found is None else (own_card(found.content), _kept(found))


def own_card(content: Json) -> OwnCard:
    """The citizen's own card, as its row says it."""
    said = next(iter(objects(content.get("communication"))), {})
    return OwnCard(
        phones_in(content),
        next((text(one, "value") for one in objects(content.get("telecom")) if one.get("system") == "email"), ""),
        _temporary(content),
        text(said, "language.coding.code"),
        value_of(content, INTERPRETER) is True,
        tuple(str(one.get("valueCode")) for one in objects(content.get("extension")) if one.get("url") == NEED),
        str(value_of(content, NEEDS_SAID) or ""),
        str(value_of(content, DENTIST) or ""),
        str(value_of(content, WORDS) or ""),
    )


def relative_card(content: Json) -> RelativeCard:
    """A relative, as the row says it."""
    return RelativeCard(
        human_name(content.get("name")),
        text(content, "relationship.coding.code"),
        phones_in(content),
        str(value_of(content, WISH) or ""),
        str(value_of(content, WISH_SAID) or ""),
    )


def phones_in(content: Json) -> tuple[tuple[str, str], ...]:
    """Use and number of each phone."""
    return tuple(
        (text(one, "use"), text(one, "value"))
        for one in objects(content.get("telecom"))
        if one.get("system") == "phone"
    )


def _temporary(content: Json) -> TemporaryAddress | None:
    found = next((one for one in objects(content.get("address")) if one.get("use") == "temp"), None)
    if found is None:
        return None
    try:
        since, until = (date.fromisoformat(text(found, f"period.{end}")) for end in ("start", "end"))
    except ValueError:
        return None
    return TemporaryAddress(text(found, "line"), text(found, "postalCode"), text(found, "city"), since, until)


def value_of(content: Json, url: str) -> object:
    """The value of the extension with this address; None without one."""
    for one in objects(content.get("extension")):
        if one.get("url") == url:
            return next((value for name, value in one.items() if name.startswith("value")), None)
    return None


def _stated(content: Json) -> dict[str, Stated]:
    found = {}
    for one in objects(content.get("extension")):
        if one.get("url") == STATED:
            parts = {
                part.get("url"): next((v for k, v in part.items() if k.startswith("value")), "")
                for part in objects(one.get("extension"))
            }
            try:
                found[str(parts["field"])] = Stated(datetime.fromisoformat(str(parts["at"])), str(parts["by"]))
            except (KeyError, ValueError):
                continue
    return found


def _kept(entry: Entry) -> Kept:
    version = text(entry.content, "meta.versionId")
    return Kept(entry.id, int(version or 0), entry.origin, entry.updated, _stated(entry.content))
