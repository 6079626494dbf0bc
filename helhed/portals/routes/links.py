"""The keeper of the directory links two registrations of one citizen, parts them again, and tells the units that acted meanwhile."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Conflict, TooMany, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.links import Pair, acted_rows, link_rows, link_view, pair_view
from helhed.portals.routes.register import keeper
from helhed.registries.directory import CitizenIdentity

PATH = "/register/samme"


async def links(request: Request) -> Response:
    """Which links there are, and the form."""
    visitor = await visit(request)
    keeper(visitor)
    return await _page(visitor, {})


async def _page(
    visitor: Visit, fields: dict[str, str], problem: str = "", pair: Pair | None = None, status: int = 200
) -> Response:
    found = await visitor.ports.keeping.links(visitor.ask(Purpose.DIRECTORY))
    return visitor.page(
        "links.html",
        status=status,
        links=link_rows(found, visitor.words),
        fields={name: fields.get(name, "") for name in ("fra", "til", "hvorfor")},
        pair=pair,
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def _both(visitor: Visit, fields: dict[str, str]) -> tuple[CitizenIdentity | None, CitizenIdentity | None]:
    numbers = [fields.get(name, "").replace("-", "").replace(" ", "").upper() for name in ("fra", "til")]
    for number in numbers:
        if not await visitor.count_lookup(number):
            raise TooMany
    ask = visitor.ask(Purpose.DIRECTORY)
    return await visitor.ports.keeping.find(ask, numbers[0]), await visitor.ports.keeping.find(ask, numbers[1])


async def find(request: Request) -> Response:
    """Both, beside each other, before anything is said of them."""
    visitor = await visit(request)
    keeper(visitor)
    fields = await visitor.form()
    replaced, kept = await _both(visitor, fields)
    if replaced is None or kept is None:
        return await _page(visitor, fields, "links.nobody", status=404)
    if replaced.key == kept.key:
        return await _page(visitor, fields, "links.same", status=422)
    return await _page(visitor, fields, pair=pair_view(replaced, kept, visitor.words, visitor.now))


async def link(request: Request) -> Response:
    """They are one citizen."""
    visitor = await visit(request)
    keeper(visitor)
    fields = await visitor.form()
    await visitor.require_fresh("register")
    pair = id_in(fields, "fra"), id_in(fields, "til")
    try:
        await visitor.ports.keeping.link(visitor.ask(Purpose.DIRECTORY), *pair, fields.get("hvorfor", ""))
    except (Conflict, Unprocessable):
        return await _page(visitor, {}, "links.refused", status=409)
    await visitor.say("links.done")
    return visitor.redirect(PATH)


async def one(request: Request) -> Response:
    """One link: who acted while it stood, and what can be done about it."""
    visitor = await visit(request)
    keeper(visitor)
    ask = visitor.ask(Purpose.DIRECTORY)
    seen = await visitor.ports.keeping.one(ask, request.path_params["link"])
    return visitor.page(
        "link.html",
        link=link_view(seen, visitor.words),
        acted=acted_rows(await visitor.ports.keeping.acted(ask, seen), visitor.words),
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def part(request: Request) -> Response:
    """They are two after all."""
    visitor = await visit(request)
    keeper(visitor)
    fields = await visitor.form()
    await visitor.require_fresh("register")
    ask = visitor.ask(Purpose.DIRECTORY)
    seen = await visitor.ports.keeping.one(ask, request.path_params["link"])
    try:
        await visitor.ports.keeping.part(ask, seen, fields.get("hvorfor", ""))
    except (Conflict, Unprocessable):
        await visitor.say("links.refused")
    else:
        await visitor.say("links.parted")
    return visitor.redirect(f"{PATH}/{seen.id}")


async def tell(request: Request) -> Response:
    """A piece of work for each unit that acted."""
    visitor = await visit(request)
    keeper(visitor)
    await visitor.form()
    ask = visitor.ask(Purpose.DIRECTORY)
    seen = await visitor.ports.keeping.one(ask, request.path_params["link"])
    made = await visitor.ports.keeping.tell(ask, seen) if seen.unlinked_at else 0
    await visitor.say("links.units_told" if made else "links.told_none")
    return visitor.redirect(f"{PATH}/{seen.id}")


ROUTES = [
    Route(PATH, links, methods=["GET"]),
    Route(PATH, link, methods=["POST"]),
    Route(f"{PATH}/find", find, methods=["POST"]),
    Route(f"{PATH}/{{link:uuid}}", one, methods=["GET"]),
    Route(f"{PATH}/{{link:uuid}}/skil", part, methods=["POST"]),
    Route(f"{PATH}/{{link:uuid}}/besked", tell, methods=["POST"]),
]
