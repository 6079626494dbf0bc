"""Passkeys: logging in with one, one's own, and inviting a colleague who has no other way in."""

from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import TooMany, Unknown
from helhed.portals.authentication import BACK, own_address
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.desks import front_page_of
from helhed.portals.ports.log_in import LogInBroken
from helhed.portals.ports.passkeys import PasskeyRefused
from helhed.portals.routes.login import PLACE, Begun, kept_once, prove_again_by
from helhed.portals.sessions import Principal, key_of_cookie, new_token
from helhed.trust.acting.policy import acting_policy

LOG_IN, OWN, INVITE, CODE = "/log-ind/noegle", "/mine-noegler", "/noegler/inviter", "/log-ind/invitation"
_INVITERS = frozenset(role for role, duty in acting_policy().duties if duty == "invite")
_SECONDS = 300


async def use_page(request: Request) -> Response:
    """Log in with a passkey, or prove again with one."""
    visitor = await visit(request)
    if not visitor.ports.passkeys.available:
        return visitor.page("passkey_use.html", options="", onward="")
    again = request.query_params.get("igen") == "1" and visitor.session is not None
    origin = visitor.ports.passkeys.origin
    if visitor.session is None and request.headers.get("host", "") != origin.partition("://")[2]:
        return visitor.redirect(f"{origin}{LOG_IN}")  # a passkey is bound to this name of ours
    onward = own_address(request.query_params.get(BACK, ""))
    options, state = visitor.ports.passkeys.begin_using()
    await _keep(visitor, Begun(state, onward, again))
    return visitor.page("passkey_use.html", options=options, onward=onward)


async def use(request: Request) -> Response:
    """Whoever has the passkey is logged in."""
    visitor = await visit(request)
    fields = await visitor.form()
    begun = await _kept(visitor)
    await _held_by_address(visitor, fields.get("credential", "")[:64])
    try:
        proven = await visitor.ports.passkeys.use(begun.attempt, fields.get("credential", ""), visitor.now)
    except PasskeyRefused:
        visitor.ports.log_ins.refused("", request.client.host if request.client else "")
        raise
    if begun.proves_again:
        return await prove_again_by(visitor, proven)
    await visitor.log_in(proven.principals, proven.login, begun.onward)
    return visitor.redirect(
        PLACE if len(proven.principals) > 1 else begun.onward or front_page_of(proven.principals[0])
    )


async def own_page(request: Request) -> Response:
    """My passkeys, and making one."""
    visitor = await visit(request)
    principal = visitor.staff()
    await visitor.require_fresh("passkey")
    ask, options = visitor.ask(Purpose.OWN), ""
    if visitor.ports.passkeys.available:
        options, state = await visitor.ports.passkeys.begin_making(ask, principal.name)
        await _keep(visitor, Begun(state))
    own = await visitor.ports.passkeys.own(ask)
    may_invite = bool(await visitor.ports.passkeys.colleagues(ask))
    return visitor.page(
        "passkeys.html", own=own, options=options, may_invite=may_invite, notice=await visitor.heard(), post=OWN
    )


async def make(request: Request) -> Response:
    """Keeps a passkey that this browser made."""
    visitor = await visit(request)
    fields = await visitor.form()
    visitor.staff()
    await visitor.require_fresh("passkey")
    begun = await _kept(visitor)
    label = fields.get("navn", "") or (visitor.session.device if visitor.session else "")
    await visitor.ports.passkeys.make(visitor.ask(Purpose.OWN), begun.attempt, fields.get("credential", ""), label)
    await visitor.say("passkey.made")
    return visitor.redirect(OWN)


async def revoke(request: Request) -> Response:
    """A passkey lets nobody in any more."""
    visitor = await visit(request)
    fields = await visitor.form()
    visitor.staff()
    await visitor.require_fresh("passkey")
    try:
        passkey = bytes.fromhex(fields.get("noegle", ""))
    except ValueError:
        raise Unknown from None
    if not await visitor.ports.passkeys.revoke(visitor.ask(Purpose.OWN), passkey):
        raise Unknown
    await visitor.say("passkey.revoked")
    return visitor.redirect(OWN)


def _inviter(visitor: Visit) -> None:
    if visitor.professional().role not in _INVITERS:
        raise WrongDoor


async def invite_page(request: Request) -> Response:
    """Whom of the colleagues to invite."""
    visitor = await visit(request)
    _inviter(visitor)
    people = await visitor.ports.passkeys.colleagues(visitor.ask(Purpose.OWN))
    return visitor.page("passkey_invite.html", people=people, code="", name="")


async def invite(request: Request) -> Response:
    """A code for a colleague, shown once."""
    visitor = await visit(request)
    fields = await visitor.form()
    visitor.professional()  # whoever may not is refused by the database, which notes the attempt
    await visitor.require_fresh("passkey")
    ask = visitor.ask(Purpose.OWN)
    people = await visitor.ports.passkeys.colleagues(ask)
    chosen = next((one for one in people if str(one[0]) == fields.get("kollega", "")), None)
    code = await visitor.ports.passkeys.invite(ask, chosen[0] if chosen else 0)
    return visitor.page("passkey_invite.html", people=(), code=code, name=chosen[1] if chosen else "")


async def code_page(request: Request) -> Response:
    """I have a code."""
    return (await visit(request)).page("passkey_code.html", options="")


async def take_code(request: Request) -> Response:
    """A code that is right lets its person make one passkey, and see nothing yet."""
    visitor = await visit(request)
    code = (await visitor.form()).get("kode", "")
    await _held_by_address(visitor, code)
    try:
        proven = await visitor.ports.passkeys.accept(code, visitor.now)
    except PasskeyRefused:
        visitor.ports.log_ins.refused("", request.client.host if request.client else "")
        raise
    job = proven.principals[0]
    options, state = await visitor.ports.passkeys.begin_making(visitor.ports.asks.ask(job, Purpose.OWN), job.name)
    await _keep(visitor, Begun(msgspec.json.encode((state, job))))
    return visitor.page("passkey_code.html", options=options, name=job.name, place=job.organisation_name)


async def make_invited(request: Request) -> Response:
    """The passkey of somebody invited; then they log in with it."""
    visitor = await visit(request)
    fields = await visitor.form()
    begun = await _kept(visitor)
    try:
        state, job = msgspec.json.decode(begun.attempt, type=tuple[bytes, Principal])
    except msgspec.DecodeError:
        raise LogInBroken from None
    ask = visitor.ports.asks.ask(job, Purpose.OWN)
    await visitor.ports.passkeys.make(ask, state, fields.get("credential", ""), fields.get("navn", ""))
    return visitor.redirect(LOG_IN)


async def _held_by_address(visitor: Visit, tried: str) -> None:
    """Who tries many codes or passkeys from one address is slowed, then refused."""
    if not await visitor.count_lookup(f"passkey {tried}", by_address=True):
        raise TooMany


async def _keep(visitor: Visit, begun: Begun) -> None:
    cookie = new_token()
    until = visitor.now + timedelta(seconds=_SECONDS)
    await visitor.ports.once.put(_place(cookie), msgspec.json.encode(begun), until)
    visitor.set_cookie(_cookie(visitor), cookie, _SECONDS)


async def _kept(visitor: Visit) -> Begun:
    return await kept_once(visitor, _cookie(visitor), _place)


def _cookie(visitor: Visit) -> str:
    return f"{visitor.portal.cookie}-noegle"


def _place(cookie: str) -> str:
    return f"passkey {key_of_cookie(cookie)}"


ROUTES = [
    Route(LOG_IN, use_page, methods=["GET"]),
    Route(LOG_IN, use, methods=["POST"]),
    Route(OWN, own_page, methods=["GET"]),
    Route(OWN, make, methods=["POST"]),
    Route(f"{OWN}/fjern", revoke, methods=["POST"]),
    Route(INVITE, invite_page, methods=["GET"]),
    Route(INVITE, invite, methods=["POST"]),
    Route(CODE, code_page, methods=["GET"]),
    Route(CODE, take_code, methods=["POST"]),
    Route(f"{CODE}/noegle", make_invited, methods=["POST"]),
]
