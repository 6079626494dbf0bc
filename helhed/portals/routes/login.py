"""Logging in as somebody from the demo, and logging out."""

from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import ActorKind
from helhed.foundation.errors import TooMany, Unknown
from helhed.portals.context import Visit, front_page_of, visit
from helhed.portals.language import number_with_hyphen
from helhed.portals.ports import CitizenIdentity, Persona
from helhed.portals.sessions import Principal

MOST_FOUND = 20
SHORTEST_SEARCH = 2
DOORS = ("hospital", "praksis", "kommune", "drift")


async def front_page(request: Request) -> Response:
    """Who do you want to be?"""
    return await _front_page(await visit(request))


async def search(request: Request) -> Response:
    """The citizens of the demo with a name or number like this. By POST, so that no number stands in an address."""
    visitor = await visit(request)
    words = (await visitor.form()).get("soeg", "")
    if len(words) < SHORTEST_SEARCH:
        return await _front_page(visitor, words, (), "login.search_short", status=422)
    cleaned = words.replace("-", "") if words.replace("-", "").isalnum() and any(c.isdigit() for c in words) else words
    if not await visitor.count_lookup(cleaned.casefold(), by_address=True):
        raise TooMany
    found = await visitor.ports.registries.search_citizens(cleaned, MOST_FOUND)
    return await _front_page(visitor, words, found)


async def _front_page(
    visitor: Visit,
    words: str = "",
    found: Sequence[CitizenIdentity] | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    everybody = await visitor.ports.personas.all()
    return visitor.page(
        "login.html",
        status=status,
        citizens=[one for one in everybody if one.principal and one.principal.kind is ActorKind.CITIZEN],
        doors=[(door, staff) for door in DOORS if (staff := _staff(everybody, door))],
        elsewhere=[one for one in everybody if one.principal is None],
        searched=words,
        found=found,
        problem=problem,
        number=number_with_hyphen,
        most=MOST_FOUND,
        home=front_page_of(visitor.session.principal) if visitor.session else "",
    )


def _staff(everybody: Sequence[Persona], door: str) -> list[Persona]:
    return [
        one for one in everybody if one.door == door and one.principal and one.principal.kind is ActorKind.PROFESSIONAL
    ]


async def log_in(request: Request) -> Response:
    """Become a persona, or any citizen."""
    visitor = await visit(request)
    principal = await _principal(visitor, await visitor.form())
    await visitor.log_in(principal)
    return visitor.redirect(front_page_of(principal))


async def _principal(visitor: Visit, fields: dict[str, str]) -> Principal:
    """Whoever the form names. Unknown when nobody does."""
    if fields.get("borger"):
        try:
            found = await visitor.ports.personas.citizen(UUID(fields["borger"]))
        except ValueError as error:
            raise Unknown from error
    else:
        named = {one.key: one.principal for one in await visitor.ports.personas.all()}
        found = named.get(fields.get("person", ""))
    if found is None:
        raise Unknown
    return found


async def log_out(request: Request) -> Response:
    """End the session."""
    visitor = await visit(request)
    if visitor.session is not None:
        await visitor.form()
        await visitor.log_out()
    return visitor.redirect("/")


ROUTES = [
    Route("/", front_page, methods=["GET"]),
    Route("/soeg", search, methods=["POST"]),
    Route("/log-ind", log_in, methods=["POST"]),
    Route("/log-ud", log_out, methods=["POST"]),
]
