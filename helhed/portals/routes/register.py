"""The keeper of the directory registers custody, guardians and proxies from an authority's decision."""

from datetime import UTC, date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import TooMany
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.acting import danish_midnight
from helhed.portals.presenters.help import registered_rows
from helhed.portals.routes.help import named
from helhed.trust.acting.policy import acting_policy

PATH = "/register"
BASES = {"9": "custody", "11": "guardian", "12": "proxy"}
_KEEPERS = frozenset(role for role, duty in acting_policy().duties if duty == "register")
_EVER = datetime.max.replace(tzinfo=UTC)


def keeper(visitor: Visit) -> None:
    """Whoever registers. WrongDoor for everybody else."""
    if visitor.professional().role not in _KEEPERS:
        raise WrongDoor


async def register_page(request: Request) -> Response:
    """What is registered from here, and the form."""
    visitor = await visit(request)
    keeper(visitor)
    return await _page(visitor, {})


async def _page(visitor: Visit, fields: dict[str, str], problem: str = "", status: int = 200) -> Response:
    found = await visitor.ports.help.registered(visitor.ask(Purpose.DIRECTORY))
    return visitor.page(
        "register.html",
        status=status,
        registered=registered_rows(found, visitor.words),
        bases=tuple(BASES),
        fields=fields,
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def register(request: Request) -> Response:
    """One more."""
    visitor = await visit(request)
    keeper(visitor)
    fields = await visitor.form()
    try:
        since = danish_midnight(date.fromisoformat(fields.get("fra", "")))
        last = fields.get("til", "")
        until = danish_midnight(date.fromisoformat(last) + timedelta(days=1)) if last else _EVER
        basis = BASES[fields.get("grundlag", "")]
    except (ValueError, KeyError, OverflowError):
        return await _page(visitor, fields, "register.problem.form", status=422)
    who, by = named(fields), named(fields, "2")
    if not fields.get("afgoerelse") or not who.number or not by.number:
        return await _page(visitor, fields, "register.problem.form", status=422)
    if not (await visitor.count_lookup(who.number) and await visitor.count_lookup(by.number)):
        raise TooMany
    said = await visitor.ports.help.register(
        visitor.ask(Purpose.DIRECTORY),
        who,
        by,
        basis,
        since=since,
        until=until,
        decision=fields["afgoerelse"],
        shares_home=fields.get("hjemme") == "ja",
    )
    if said != "registered":
        return await _page(visitor, fields, f"register.problem.{said}", status=422)
    await visitor.say("register.saved")
    return visitor.redirect(PATH)


async def end(request: Request) -> Response:
    """It holds no longer."""
    visitor = await visit(request)
    keeper(visitor)
    fields = await visitor.form()
    await visitor.ports.help.end_registered(visitor.ask(Purpose.DIRECTORY), id_in(fields, "handler"))
    await visitor.say("register.ended")
    return visitor.redirect(PATH)


ROUTES = [
    Route(PATH, register_page, methods=["GET"]),
    Route(PATH, register, methods=["POST"]),
    Route(f"{PATH}/slut", end, methods=["POST"]),
]
