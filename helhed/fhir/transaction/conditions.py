"""Conditions: of a create, update, patch or delete, and references by search. They find only what the writer may know of."""

import hashlib
import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from helhed.fhir.definitions import type_definition
from helhed.fhir.query import parse_search
from helhed.fhir.references import references_in
from helhed.fhir.store import WriteSession
from helhed.fhir.transaction.entries import Item, aim, check_unique
from helhed.foundation.errors import BadRequest, InvalidResource, Issue, PreconditionFailed

_MOST_CONDITIONS = 500
#: a parameter that asks for a number: of the resource, behind a chain, or of a logical reference
_IDENTIFIER = re.compile(r"(^|[.:])identifier(:|$)")
_PEOPLE = frozenset({"Patient", "Person", "RelatedPerson"})
_SHARED = (
    "A number that one region gave by itself may be several people's, so it names nobody. Name the person by CPR number or national "
    "replacement number as well; or look them up, and let somebody choose."
)


async def find_targets(session: WriteSession, items: list[Item], base_url: str) -> None:
    """What the conditions of creates, updates, patches and deletes mean; several matches are a refusal.

    http://hl7.org/fhir/R4/http.html#ccreate, #cond-update, #patch (conditional) and #3.1.0.7.1 (conditional delete).
    Who ask for the same thing take turns, so that two at once never make two of it.
    """
    conditional = [item for item in items if item.condition]
    if len(conditional) > _MOST_CONDITIONS:
        raise BadRequest(f"A Bundle takes at most {_MOST_CONDITIONS} conditions.")
    await session.lock(lock_key(item.type_name, item.condition) for item in conditional)
    for item in conditional:
        aim(item, await existing(session, item.type_name, item.condition, base_url))
    if conditional:
        check_unique(items)


def lock_key(type_name: str, condition: str) -> int:
    """What conditional requests for the same thing take turns on, in whatever order and escapes it is written."""
    pairs = sorted(parse_qsl(condition.lstrip("?"), keep_blank_values=True))
    digest = hashlib.sha256(f"{type_name}?{urlencode(pairs)}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def existing(session: WriteSession, type_name: str, condition: str, base_url: str) -> UUID | None:
    """The one visible resource that meets the condition. PreconditionFailed for several."""
    pairs = parse_qsl(condition.lstrip("?"), keep_blank_values=True)
    pairs = [pair for pair in pairs if pair[0] not in {"_format", "_pretty"}]
    if not pairs or any(name.startswith("_") and name not in {"_id", "_lastUpdated"} for name, _ in pairs):
        raise BadRequest("A condition is made of search parameters of the resource, and of nothing else.")
    query = parse_search(type_name, pairs, strict=True, base_url=base_url)
    _check_names_somebody(session, type_name, pairs)
    found = (await session.matching(replace(query, count=2))).matches
    if len(found) > 1:
        raise PreconditionFailed("More than one resource meets the condition.")
    return found[0].id if found else None


def _check_names_somebody(session: WriteSession, type_name: str, pairs: list[tuple[str, str]]) -> None:
    """A number that several people may share names nobody, with or without a name beside it: a condition may ask for it only together
    with another number. Refused whether or not anybody has it. PreconditionFailed.
    """
    named = [(name, _alternatives(value)) for name, value in pairs if _IDENTIFIER.search(name)]
    shared = {_bare(name) for name, values in named if any(_is_shared(session, type_name, name, one) for one in values)}
    sure = {name for name, values in named if _names_one(session, type_name, name, values)}
    if any(sure.isdisjoint({name, "identifier"}) for name in shared):
        raise PreconditionFailed(_SHARED)


def _bare(name: str) -> str:
    """A parameter without its modifier; what is behind a reference stays."""
    return re.sub(r"identifier:.*", "identifier", name)


def _names_one(session: WriteSession, type_name: str, name: str, values: list[str]) -> bool:
    """Whether it asks for numbers, whole ones: not for having any, or any of a system."""
    whole = name == _bare(name) and all(value.rpartition("|")[2] for value in values)
    return whole and not any(_is_shared(session, type_name, name, value) for value in values)


def _is_shared(session: WriteSession, type_name: str, name: str, value: str) -> bool:
    """By its system; where none is said, by its form, when it is a person's."""
    parts = value.split("|")
    if len(parts) > 1 and parts[0] and not name.endswith(":of-type"):  # of which the system is the type's
        return session.is_alias(parts[0], parts[-1])
    return (_bare(name) != "identifier" or type_name in _PEOPLE) and session.is_alias(None, parts[-1])


def _alternatives(value: str) -> list[str]:
    return [one for one in re.split(r"(?<!\\),", value) if one]


async def conditional_references(session: WriteSession, items: list[Item], base_url: str) -> dict[str, str]:
    """``Patient?identifier=…`` in references: exactly one visible match each."""
    mapping: dict[str, str] = {}
    for item in items:
        for reference in references_in(item.resource) if item.resource else ():
            type_name, mark, condition = reference.partition("?")
            if mark and reference not in mapping and not reference.startswith(("urn:", "http:", "https:", "#")):
                found = await _referenced(session, item, type_name, condition, base_url)
                mapping[reference] = f"{type_name}/{found}"
                if len(mapping) > _MOST_CONDITIONS:
                    raise BadRequest(f"A Bundle takes at most {_MOST_CONDITIONS} conditions.")
    return mapping


async def _referenced(session: WriteSession, item: Item, type_name: str, condition: str, base_url: str) -> UUID:
    try:
        type_definition(type_name)
    except KeyError:
        raise InvalidResource(
            issues=[Issue("value", "A conditional reference names a resource type.", f"{item.where}.resource")]
        ) from None
    found = await existing(session, type_name, condition, base_url)
    if found is None:
        raise PreconditionFailed(
            issues=[Issue("not-found", "A conditional reference matches nothing here.", f"{item.where}.resource")]
        )
    return found
