"""What I am told of, and what I want to be told of."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Overloaded, Unknown, Unprocessable
from helhed.portals.context import visit
from helhed.portals.presenters.notices import choices, shown
from helhed.trust.log.notices import notice_kinds
from helhed.trust.log.push_crypto import text_of

PATH = "/borger/beskeder"
WORKER = "/borger/besked-arbejder.js"
_WORKER_FILE = Path(__file__).parents[1] / "static" / "push-worker.js"
_MOST = 100


async def my_notices(request: Request) -> Response:
    """My notices, newest first, and my choices."""
    visitor = await visit(request)
    visitor.citizen()
    board, ask = visitor.ports.log_desk.notices, visitor.ask(Purpose.OWN)
    ways, push = visitor.ports.log_desk.ways, visitor.ports.log_desk.push
    before = moment_of(request.query_params.get("fra", ""), visitor.now)
    found = await board.page(ask, before, _MOST)
    wanted = await board.choices(ask)
    return visitor.page(
        "notices.html",
        notices=[shown(one, visitor.words) for one in found],
        unread=sum(1 for one in found if one.read_at is None),
        newest=found[0].at.isoformat() if found else "",
        earlier=found[-1].at.isoformat() if len(found) == _MOST else "",
        choices=choices(wanted, visitor.words),
        channels=[channel.name for channel in board.channels],
        open_ways=sorted(ways.open) if ways else [],
        ways={one.name: one for one in await ways.of(ask)} if ways else {},
        push_key=text_of(push.public) if push else "",
        push_worker=WORKER,
        devices=[(one.id, visitor.words.instant(one.since)) for one in await push.own(ask)] if push else [],
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def have_read(request: Request) -> Response:
    """They are read."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    await visitor.ports.log_desk.notices.read(
        visitor.ask(Purpose.OWN), moment_of(fields.get("til", ""), visitor.now, latest=False)
    )
    return visitor.redirect(PATH)


async def choose(request: Request) -> Response:
    """From now on these."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    wanted = {name: name in fields for name, kind in notice_kinds().items() if not kind.always}
    await visitor.ports.log_desk.notices.choose(visitor.ask(Purpose.OWN), wanted)
    await visitor.say("notices.chosen")
    return visitor.redirect(f"{PATH}#valg")


async def want_way(request: Request) -> Response:
    """E-mail to this address, once its code has come back; letters; or neither any more."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    ways, ask = visitor.ports.log_desk.ways, visitor.ask(Purpose.OWN)
    if ways is None:
        raise Unknown
    what, said = fields.get("hvad", ""), "notices.way_saved"
    try:
        if what == "email":
            await ways.want_email(ask, fields.get("adresse", "").strip())
            said = "notices.code_sent"
        elif what == "kode":
            said = (
                "notices.way_saved" if await ways.confirm_email(ask, fields.get("kode", "")) else "notices.code_wrong"
            )
        elif what == "ingen-email":
            await ways.end_email(ask)
        else:
            await ways.want_letters(ask, wanted=what == "brev")
    except Unprocessable:
        said = "notices.no_address"
    except Overloaded:
        said = "notices.codes_enough"
    await visitor.say(said)
    return visitor.redirect(f"{PATH}#veje")


async def want_push(request: Request) -> Response:
    """This device from now on, or that one no more."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    push, ask = visitor.ports.log_desk.push, visitor.ask(Purpose.OWN)
    if push is None:
        raise Unknown
    said = "notices.way_saved"
    try:
        if "slut" in fields:
            if not await push.end(ask, uuid_of(fields["slut"])):
                raise Unknown
        else:
            endpoint, receiver, secret = (fields.get(name, "") for name in ("endepunkt", "modtager", "hemmelighed"))
            await push.choose(ask, endpoint, receiver, secret, visitor.words.language)
    except Unprocessable:
        said = "notices.push_no_device"
    except Overloaded:
        said = "notices.push_many"
    await visitor.say(said)
    return visitor.redirect(f"{PATH}#veje")


async def push_worker(request: Request) -> Response:
    """What shows a notice on a device. It stands here, because a worker serves what is beneath its own address."""
    return Response(_WORKER_FILE.read_bytes(), media_type="text/javascript")


def uuid_of(text: str) -> UUID:
    """An id in a form. Raises Unknown."""
    try:
        return UUID(text)
    except ValueError:
        raise Unknown from None


def moment_of(text: str, now: datetime, *, latest: bool = True) -> datetime:
    """A moment of ours in an address or a form; else the present, or a second later."""
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found > now:
        return now.replace(year=now.year + 1) if latest and (now.month, now.day) != (2, 29) else now
    return found


ROUTES = [
    Route(PATH, my_notices, methods=["GET"]),
    Route(f"{PATH}/laest", have_read, methods=["POST"]),
    Route(f"{PATH}/valg", choose, methods=["POST"]),
    Route(f"{PATH}/veje", want_way, methods=["POST"]),
    Route(f"{PATH}/enhed", want_push, methods=["POST"]),
    Route(WORKER, push_worker, methods=["GET"]),
]
