"""The entries of a transaction or batch Bundle, with the bytes each came as."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import msgspec

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.patching import Patch
from helhed.fhir.query.places import EVERY_TYPE
from helhed.fhir.validation import validate
from helhed.foundation.errors import (
    BadRequest,
    InvalidResource,
    Issue,
    MethodNotAllowed,
    PreconditionFailed,
    Unknown,
)
from helhed.foundation.ids import parse_id

MOST_ENTRIES = 5000
MOST_SEARCHES = 100
#: what is done first in a transaction (FHIR R4 http, section 3.1.0.11.2)
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_NAMING = frozenset({"PUT", "PATCH", "DELETE"})  #: methods that name what they change


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
    condition: str = ""  #: which resource is meant, as a search: of a conditional create, update, patch or delete
    absent: bool = False  #: a conditional delete that found nothing to delete
    if_none_match: str = ""
    if_modified_since: str = ""
    patch: Patch | None = None  #: of a PATCH that came by itself; in a Bundle it is in the resource

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

    @property
    def operation(self) -> str:
        """The name of the operation it asks for, without the dollar sign; "" for none."""
        last = self.target.rpartition("/")[2]
        return last[1:] if last.startswith("$") else ""

    @property
    def looks(self) -> bool:
        """Whether it is a GET of FHIR's own."""
        return ORDER[self.method] == ORDER["GET"] and not self.operation

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return not self.operation and ORDER[self.method] != ORDER["GET"] and self.hit is None and not self.absent


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
    if sum(bool(item.operation) or (item.looks and bool(item.place)) for item in items) > MOST_SEARCHES:
        raise BadRequest(f"A Bundle takes at most {MOST_SEARCHES} searches and operations.")
    return items


def _item(position: int, raw: _RawEntry, entry: dict[str, Any]) -> Item:
    where = f"Bundle.entry[{position}]"
    method = raw.request.method
    if method not in ORDER:
        raise InvalidResource(
            issues=[
                Issue(
                    "value",
                    "An entry's request has the method GET, HEAD, POST, PUT, PATCH or DELETE.",
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
    _check_url(where, method, type_name, target, entry.get("resource"), bool(parts.scheme or parts.netloc))
    body = bytes(raw.resource) or None
    request = raw.request
    item = Item(
        position, method, type_name, target, pairs, raw.full_url, entry.get("resource"), body,
        _version(where, request.if_match), request.if_none_exist,
        if_none_match=request.if_none_match, if_modified_since=request.if_modified_since,
    )  # fmt: skip
    item.condition = request.if_none_exist if method == "POST" else parts.query if method in _NAMING else ""
    return item


def _check_url(where: str, method: str, type_name: str, target: str, resource: Any, absolute: bool) -> None:
    if type_name == "_history" and ORDER[method] == ORDER["GET"] and not absolute:
        return
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
    if target.rpartition("/")[2].startswith("$") and method not in _NAMING:
        return
    if method == "POST" and target:
        issue = Issue("value", "A create names a type and nothing more.", f"{where}.request.url")
        raise InvalidResource(issues=[issue])
    if method in {"POST", "PUT", "PATCH"}:
        if not isinstance(resource, dict):
            raise InvalidResource(issues=[Issue("required", "This entry must have a resource.", f"{where}.resource")])
        if method != "PATCH" and resource.get("resourceType") != type_name:
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
    """The id that an update, patch or delete names, if it names one. Raises BadRequest or InvalidResource."""
    if item.method not in _NAMING:
        return
    if bool(item.target) is bool(item.condition):
        raise BadRequest(f"{item.method} names a resource by its id, or by a search that finds it.")
    if item.condition:
        return
    if item.method == "PUT" and item.resource is not None and item.resource.get("id") != item.target:
        issue = Issue("value", "The id of the resource must be the id of the request.", f"{item.where}.resource.id")
        raise InvalidResource(issues=[issue])
    item.id = parse_id(item.target)


def aim(item: Item, found: UUID | None) -> None:
    """What the condition of ``item`` found, or that it found nothing, becomes what is changed.

    http://hl7.org/fhir/R4/http.html#cond-update and the sections after it. Nothing is created under an id that the client
    chose, so that an id here is one that the server gave.
    """
    if item.method == "POST":
        item.hit = found
    elif item.method == "DELETE":
        item.id, item.absent = found, found is None
    elif item.method == "PATCH":
        if found is None:
            raise Unknown
        item.id = found
    else:
        _aim_update(item, found)


def _aim_update(item: Item, found: UUID | None) -> None:
    own = (item.resource or {}).get("id")
    if found is not None:
        if own is not None and own != str(found):
            issue = Issue("value", "The condition found another resource than this.", f"{item.where}.resource.id")
            raise InvalidResource(issues=[issue])
        item.id = found
        return
    if item.if_match is not None:
        raise PreconditionFailed("Nothing meets the condition, so no version of it does.")
    if own is not None:
        raise MethodNotAllowed("Nothing meets the condition, and nothing is created under an id of the client's.")
    item.method = "POST"


def check_unique(items: list[Item]) -> None:
    """No two entries about the same resource. Raises InvalidResource."""
    seen: set[str] = set()
    for item in items:
        names = [item.full_url] if item.full_url else []
        if item.method in _NAMING and (item.target or item.id is not None):
            names.append(f"{item.type_name}/{item.target or item.id}")
        for name in names:
            if name in seen:
                raise InvalidResource(
                    issues=[Issue("duplicate", "Two entries are about the same resource.", item.where)]
                )
            seen.add(name)


def in_order(items: list[Item]) -> list[Item]:
    """Deletes, creates, updates, reads; each kind in the order given."""
    return sorted(items, key=lambda item: (ORDER[item.method], item.position))
