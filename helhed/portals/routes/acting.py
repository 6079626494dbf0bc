"""On whose behalf the citizen is here, and who acts for whom: mandates given, accepted, revoked and given back."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from re import compile as pattern
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import TooMany, Unknown
from helhed.portals.context import Visit, visit
from helhed.portals.presenters.acting import MandateForm, choices, danish_midnight, page, scope_words
from helhed.portals.presenters.help import own_help
from helhed.portals.presenters.waiting import own_act_lines
from helhed.portals.sessions import Behalf
from helhed.trust.acting.mandates import Offer
from helhed.trust.acting.policy import acting_policy

WHO, MANDATES = "/borger/hvem", "/borger/fuldmagter"
MYSELF = "mig"
_NUMBER = pattern(r"\d{6}[A-Z0-9]{4}")
_FIELD = {"nobody": "cpr", "oneself": "cpr", "actor-too-young": "cpr", "already": "cpr", "giver-too-young": "cpr"}


async def who_page(request: Request) -> Response:
    """On whose behalf?"""
    visitor = await visit(request)
    visitor.some_citizen()
    return await _who_page(visitor)


async def _who_page(visitor: Visit, status: int = 200) -> Response:
    found = await visitor.ports.acting.acts_for(visitor.ask(Purpose.OWN))
    behalf = visitor.session.behalf if visitor.session else None
    return visitor.page(
        "acting_who.html",
        status=status,
        choices=choices(found, visitor.words),
        current="" if behalf is None else behalf.name,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def choose(request: Request) -> Response:
    """Myself, or somebody whom I act for now."""
    visitor = await visit(request)
    visitor.some_citizen()
    wanted = (await visitor.form()).get("hvem", "")
    if visitor.session is None:
        raise Unknown
    if wanted == MYSELF:
        await visitor.keep(replace(visitor.session, behalf=None, chosen=True, interrupted=None))
        return visitor.redirect("/borger")
    found = await visitor.ports.acting.acts_for(visitor.ask(Purpose.OWN))
    chosen = next((one for one in found if str(one.patient) == wanted), None)
    if chosen is None:
        await visitor.say("acting.over")
        return visitor.redirect(WHO)
    behalf = Behalf(chosen.citizen, chosen.name)
    await visitor.keep(replace(visitor.session, behalf=behalf, chosen=True, interrupted=None))
    return visitor.redirect("/borger")


async def mandates_page(request: Request) -> Response:
    """Who acts for me, and whom I act for."""
    visitor = await visit(request)
    visitor.citizen()
    return await _mandates_page(visitor, MandateForm())


async def _mandates_page(visitor: Visit, form: MandateForm, status: int = 200) -> Response:
    found = await visitor.ports.acting.all(visitor.ask(Purpose.OWN))
    longest = acting_policy().mandate_at_most
    return visitor.page(
        "acting_mandates.html",
        status=status,
        shown=page(found, visitor.words),
        form=form,
        help=own_help(await visitor.ports.help.own(visitor.ask(Purpose.OWN)), visitor.words),
        at_counter=own_act_lines(
            await visitor.ports.counter.own(visitor.ask(Purpose.OWN)), visitor.principal.name, visitor.words
        ),
        scopes=scope_words(visitor.words),
        longest=visitor.words.day(visitor.now + longest),
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def give(request: Request) -> Response:
    """Offers a mandate to somebody named by number and name."""
    visitor = await visit(request)
    visitor.citizen()
    form, offer = _read(visitor, await visitor.form())
    if offer is None:
        return await _mandates_page(visitor, form, status=422)
    await visitor.require_fresh("mandate")
    if not await visitor.count_lookup(offer.number):
        raise TooMany
    said = await visitor.ports.acting.offer(visitor.ask(Purpose.OWN), offer)
    if said != "offered":
        problems = {_FIELD.get(said, "til"): f"acting.problem.{said.replace('-', '_')}"}
        return await _mandates_page(visitor, replace(form, problems=problems), status=422)
    await visitor.say("acting.offered")
    return visitor.redirect(MANDATES)


def _read(visitor: Visit, fields: dict[str, str]) -> tuple[MandateForm, Offer | None]:
    """The form, and what it offers when nothing is wrong with it."""
    number = fields.get("cpr", "").replace("-", "").replace(" ", "").upper()
    name = fields.get("navn", "")
    scopes = tuple(one for one, _ in scope_words(visitor.words) if fields.get(f"del-{one}"))
    today = _today(visitor)
    since, until = _day(fields.get("fra", "")) or today, _day(fields.get("til", ""))
    problems = {}
    if not _NUMBER.fullmatch(number):
        problems["cpr"] = "acting.problem.number"
    if len(name.split()) < len(("first", "last")):
        problems["navn"] = "acting.problem.name"
    if not scopes:
        problems["del-all"] = "acting.problem.scopes"
    if until is None or not max(since, today) <= until <= today + acting_policy().mandate_at_most - timedelta(days=1):
        problems["til"] = "acting.problem.until"
    form = MandateForm(
        fields.get("cpr", ""), name, frozenset(scopes), fields.get("fra", ""), fields.get("til", ""),
        bool(fields.get("spaer")), problems,
    )  # fmt: skip
    if problems or until is None:
        return form, None
    begins, ends = danish_midnight(max(since, today)), danish_midnight(until + timedelta(days=1))
    return form, Offer(number, name, scopes, form.obeys_blocks, max(begins, visitor.now), ends)


def _today(visitor: Visit) -> date:
    return visitor.now.astimezone(DANISH_TIME).date()


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _about_one(act: Callable[[Visit, UUID], Awaitable[None]], said: str) -> Callable[[Request], Awaitable[Response]]:
    """A handler of a form that names one mandate and does one thing with it."""

    async def handler(request: Request) -> Response:
        visitor = await visit(request)
        visitor.citizen()
        fields = await visitor.form()
        try:
            await act(visitor, UUID(fields.get("fuldmagt", "")))
        except (ValueError, Unknown):
            await visitor.say("acting.too_late")
        else:
            await visitor.say(said)
        return visitor.redirect(MANDATES)

    return handler


async def _accept(visitor: Visit, offer: UUID) -> None:
    await visitor.require_fresh("mandate")
    await visitor.ports.acting.answer(visitor.ask(Purpose.OWN), offer, yes=True)


async def _decline(visitor: Visit, offer: UUID) -> None:
    await visitor.ports.acting.answer(visitor.ask(Purpose.OWN), offer, yes=False)


async def _withdraw(visitor: Visit, offer: UUID) -> None:
    await visitor.ports.acting.withdraw(visitor.ask(Purpose.OWN), offer)


async def _end(visitor: Visit, acting: UUID) -> None:
    await visitor.ports.acting.end(visitor.ask(Purpose.OWN), acting)


ROUTES = [
    Route(WHO, who_page, methods=["GET"]),
    Route(WHO, choose, methods=["POST"]),
    Route(MANDATES, mandates_page, methods=["GET"]),
    Route(MANDATES, give, methods=["POST"]),
    Route(f"{MANDATES}/ja", _about_one(_accept, "acting.accepted"), methods=["POST"]),
    Route(f"{MANDATES}/nej", _about_one(_decline, "acting.declined"), methods=["POST"]),
    Route(f"{MANDATES}/fortryd", _about_one(_withdraw, "acting.withdrawn"), methods=["POST"]),
    Route(f"{MANDATES}/slut", _about_one(_end, "acting.ended_now"), methods=["POST"]),
]
