"""Conditions of a transaction: If-None-Exist, and references by search. They find only what the writer may know of."""

import hashlib
from urllib.parse import parse_qsl
from uuid import UUID

from helhed.fhir.definitions import type_definition
from helhed.fhir.query import parse_search
from helhed.fhir.references import references_in
from helhed.fhir.store import WriteSession
from helhed.fhir.transaction.entries import Item
from helhed.foundation.errors import BadRequest, InvalidResource, Issue, PreconditionFailed

_MOST_CONDITIONS = 500


async def find_existing(session: WriteSession, items: list[Item], base_url: str) -> None:
    """If-None-Exist: one match is taken instead of creating; several are a refusal (FHIR R4 http, section 3.1.0.8.1)."""
    conditional = [item for item in items if item.method == "POST" and item.if_none_exist]
    if len(conditional) > _MOST_CONDITIONS:
        raise BadRequest(f"A Bundle takes at most {_MOST_CONDITIONS} conditions.")
    await session.lock(lock_key(item.type_name, item.if_none_exist) for item in conditional)
    for item in conditional:
        item.hit = await existing(session, item.type_name, item.if_none_exist, base_url)


def lock_key(type_name: str, condition: str) -> int:
    """What conditional creates of the same thing take turns on."""
    digest = hashlib.sha256(f"{type_name}?{condition}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def existing(session: WriteSession, type_name: str, condition: str, base_url: str) -> UUID | None:
    """The one visible resource that meets the condition. PreconditionFailed for several."""
    pairs = parse_qsl(condition.lstrip("?"), keep_blank_values=True)
    if not pairs or any(name.startswith("_") and name not in {"_id", "_lastUpdated"} for name, _ in pairs):
        raise BadRequest("A condition is made of search parameters of the resource, and of nothing else.")
    query = parse_search(type_name, pairs, strict=True, base_url=base_url)
    found = (await session.matching(query)).matches
    if len(found) > 1:
        raise PreconditionFailed("More than one resource meets the condition.")
    return found[0].id if found else None


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
