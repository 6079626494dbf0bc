"""The entries of a transaction or batch Bundle, with the bytes each came as."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import msgspec

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.query.places import EVERY_TYPE
from helhed.fhir.validation import validate
from helhed.foundation.errors import BadRequest, InvalidResource, Issue, MethodNotAllowed, NotSupported
from helhed.foundation.ids import parse_id

MOST_ENTRIES = 5000
MOST_SEARCHES = 100
#: what is done first in a transaction (FHIR R4 http, section 3.1.0.11.2)
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3, "HEAD": 3}


@dataclass(slots=True)
class Item:
    """One entry of a Bundle."""

    position: int
    method: str
    type_name: str
    target: str  #: what follows the type in the URL
    pairs: list[tuple[str, str]]
    full_url: str
    resource: dict[str, Any] | None
    raw: bytes | None
    if_match: int | None
    if_none_exist: str
    id: UUID | None = None
    hit: UUID | None = None  #: what If-None-Exist found

    @property
    def where(self) -> str:
        """FHIRPath to the entry."""
        return f"Bundle.entry[{self.position}]"

    @property
    def place(self) -> str:
        """Where a GET searches (``query.places``); "" when it reads."""
        _, _, rest = self.target.partition("/")
        if rest in TYPE_NUMBERS or rest == EVERY_TYPE:
            return f"{self.type_name}/{self.target}"
        return "" if self.target else self.type_name


_ABSENT = msgspec.Raw(b"")


class _RawRequest(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    method: str = ""
    url: str = ""
    if_none_exist: str = ""
    if_match: str = ""
    if_none_match: str = ""
    if_modified_since: str = ""
    id: str = ""
    extension: msgspec.Raw = _ABSENT


class _RawEntry(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    full_url: str = ""
    resource: msgspec.Raw = _ABSENT
    request: _RawRequest = msgspec.field(default_factory=_RawRequest)
    id: str = ""
    extension: msgspec.Raw = _ABSENT
    link: msgspec.Raw = _ABSENT
    search: msgspec.Raw = _ABSENT
    response: msgspec.Raw = _ABSENT


class _RawBundle(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    resource_type: str
    type: str
    entry: list[_RawEntry] = []
    id: str = ""
    meta: msgspec.Raw = _ABSENT
    implicit_rules: str = ""
    language: str = ""
    identifier: msgspec.Raw = _ABSENT
    timestamp: str = ""
    total: int = 0
    link: msgspec.Raw = _ABSENT
    signature: msgspec.Raw = _ABSENT


def items_of(raw: bytes, bundle: dict[str, Any]) -> list[Item]:
    """The entries of a parsed Bundle with their raw bytes. Raises BadRequest or InvalidResource naming the entry."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise BadRequest(f"A Bundle takes at most {MOST_ENTRIES} entries.")
    try:
        raws = msgspec.json.decode(raw, type=_RawBundle).entry
    except msgspec.ValidationError as error:
        raise InvalidResource(
            issues=[Issue("structure", f"The Bundle is not put together right: {error}", "Bundle.entry")]
        ) from None
    items = [
        _item(position, raw_entry, entry) for position, (raw_entry, entry) in enumerate(zip(raws, entries, strict=True))
    ]
    if sum(ORDER[item.method] == ORDER["GET"] and bool(item.place) for item in items) > MOST_SEARCHES:
        raise BadRequest(f"A Bundle takes at most {MOST_SEARCHES} searches.")
    return items


def _item(position: int, raw: _RawEntry, entry: dict[str, Any]) -> Item:
    where = f"Bundle.entry[{position}]"
    method = raw.request.method
    if method not in ORDER:
        raise InvalidResource(
            issues=[
                Issue(
                    "value",
                    "An entry's request has the method GET, HEAD, POST, PUT or DELETE.",
                    f"{where}.request.method",
                )
            ]
        )
    try:
        parts = urlsplit(raw.request.url)
    except ValueError:
        raise InvalidResource(issues=[Issue("value", "This is no address.", f"{where}.request.url")]) from None
    type_name, _, target = unquote(parts.path).strip("/").partition("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    _check_url(where, method, type_name, entry.get("resource"), bool(parts.scheme or parts.netloc))
    body = bytes(raw.resource) or None
    return Item(
        position, method, type_name, target, pairs, raw.full_url, entry.get("resource"), body,
        _version(where, raw.request.if_match), raw.request.if_none_exist,
    )  # fmt: skip


def _check_url(where: str, method: str, type_name: str, resource: Any, absolute: bool) -> None:
    try:
        if absolute:
            raise KeyError
        type_definition(type_name)
    except KeyError:
        raise InvalidResource(
            issues=[
                Issue(
                    "value",
                    "An entry's request names a resource type, as in Observation or Observation/id.",
                    f"{where}.request.url",
                )
            ]
        ) from None
    if method in {"POST", "PUT"}:
        if not isinstance(resource, dict):
            raise InvalidResource(issues=[Issue("required", "This entry must have a resource.", f"{where}.resource")])
        if resource.get("resourceType") != type_name:
            raise InvalidResource(
                issues=[
                    Issue(
                        "value",
                        "The resource is not of the type that the request names.",
                        f"{where}.resource.resourceType",
                    )
                ]
            )


def _version(where: str, text: str) -> int | None:
    if not text:
        return None
    digits = text.removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise InvalidResource(issues=[Issue("value", 'ifMatch reads W/"3".', f"{where}.request.ifMatch")])
    return int(digits)


def check_storable(type_name: str, resource: dict[str, Any], where: str = "") -> None:
    """A resource that clients may store and that follows the definitions. Raises InvalidResource or MethodNotAllowed."""
    if type_definition(type_name).ownership is Ownership.VIRTUAL:
        raise MethodNotAllowed(f"{type_name} resources are not stored by clients here.")
    issues = validate(resource, where)
    if issues:
        raise InvalidResource(issues=issues)


def take_target(item: Item) -> None:
    """The id that an update or delete names. Raises NotSupported or InvalidResource."""
    if item.method not in {"PUT", "DELETE"}:
        return
    if item.pairs:
        raise NotSupported("Conditional update and delete are not supported yet: name the resource by its id.")
    if item.resource is not None and item.resource.get("id") != item.target:
        issue = Issue("value", "The id of the resource must be the id of the request.", f"{item.where}.resource.id")
        raise InvalidResource(issues=[issue])
    item.id = parse_id(item.target)


def check_unique(items: list[Item]) -> None:
    """No two entries about the same resource. Raises InvalidResource."""
    seen: set[str] = set()
    for item in items:
        names = [item.full_url] if item.full_url else []
        if item.method in {"PUT", "DELETE"}:
            names.append(f"{item.type_name}/{item.target}")
        for name in names:
            if name in seen:
                raise InvalidResource(
                    issues=[Issue("duplicate", "Two entries are about the same resource.", item.where)]
                )
            seen.add(name)


def in_order(items: list[Item]) -> list[Item]:
    """Deletes, creates, updates, reads; each kind in the order given."""
    return sorted(items, key=lambda item: (ORDER[item.method], item.position))
