"""Staff choose to be told by e-mail that work waits at their unit."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Overloaded, Unknown, Unprocessable
from helhed.portals.context import Visit, visit
from helhed.portals.routes.block_forms import Form
from helhed.portals.routes.work import PATH, at_work, work_of
from helhed.work.telling import StaffWays

MAIL = f"{PATH}/e-mail"


def _ways(visitor: Visit) -> StaffWays:
    ways = work_of(visitor).staff_ways
    if ways is None:
        raise Unknown
    return ways


async def mail(request: Request) -> Response:
    """What I chose for the place where I am at work."""
    visitor = await visit(request)
    at_work(visitor)
    return await _page(visitor, Form())


async def _page(visitor: Visit, form: Form, status: int = 200) -> Response:
    who, ways = at_work(visitor), work_of(visitor).staff_ways
    return visitor.page(
        "work_mail.html",
        status=status,
        place=who.organisation_name,
        here=ways is not None,
        way=await ways.own(visitor.ask(Purpose.TREATMENT)) if ways else None,
        form=form,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def choose(request: Request) -> Response:
    """An address and what for, its code, or no more of it."""
    visitor = await visit(request)
    at_work(visitor)
    fields = await visitor.form()
    ways, ask, what = _ways(visitor), visitor.ask(Purpose.TREATMENT), fields.get("hvad", "")
    if what == "kode":
        if not await ways.confirm(ask, fields.get("kode", "")):
            return await _page(visitor, Form(fields, {"kode": "work.mail.code_wrong"}), 422)
        await visitor.say("work.mail.on")
    elif what == "ingen":
        await ways.end(ask)
        await visitor.say("work.mail.ended")
    else:
        wanted = {"digest": "dagligt" in fields, "overdue": "forsinket" in fields}
        try:
            await ways.want(ask, fields.get("adresse", "").strip(), **wanted)
        except Unprocessable:
            problem = "work.mail.no_address" if any(wanted.values()) else "work.mail.no_choice"
            return await _page(visitor, Form(fields, {"adresse" if any(wanted.values()) else "dagligt": problem}), 422)
        except Overloaded:
            return await _page(visitor, Form(fields, {"adresse": "work.mail.enough"}), 422)
        await visitor.say("work.mail.code_sent")
    return visitor.redirect(MAIL)


ROUTES = [Route(MAIL, mail, methods=["GET"]), Route(MAIL, choose, methods=["POST"])]
