"""Staff help citizens who use no screen; letters on paper; and the citizen, who reads of the help and may not recognise it."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.errors import TooMany
from helhed.portals.context import Visit, WrongDoor, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.acting import danish_midnight, scope_words
from helhed.portals.presenters.help import helped_view, letter_rows, letter_view
from helhed.portals.presenters.waiting import WaitingLine, waiting_lines
from helhed.portals.reading import organisation_key
from helhed.trust.acting.help import Named
from helhed.trust.acting.policy import acting_policy

PATH = "/hjaelp"
COUNTER = f"{PATH}/venter"
EVERYBODY = "alle"
_HELPERS = frozenset(role for role, duty in acting_policy().duties if duty == "help")


def helper(visitor: Visit) -> None:
    """Whoever helps citizens. WrongDoor for everybody else."""
    if visitor.professional().role not in _HELPERS:
        raise WrongDoor


def named(fields: dict[str, str], who: str = "") -> Named:
    """A number and a name as they stand in a form."""
    number = fields.get(f"cpr{who}", "").replace("-", "").replace(" ", "").upper()
    return Named(number, fields.get(f"navn{who}", ""))


async def begin_page(request: Request) -> Response:
    """Whom do you help?"""
    visitor = await visit(request)
    helper(visitor)
    return await _begin_page(visitor, {})


async def _begin_page(visitor: Visit, fields: dict[str, str], problem: str = "", status: int = 200) -> Response:
    found = await visitor.ports.help.letters(visitor.ask(Purpose.OPERATIONS))
    return visitor.page(
        "help_begin.html",
        status=status,
        fields=fields,
        identified=acting_policy().identified,
        letters=letter_rows(found, visitor.words),
        waiting=await _waiting(visitor),
        problem=problem,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def begin(request: Request) -> Response:
    """A citizen who is here, asked, and showed who they are."""
    visitor = await visit(request)
    helper(visitor)
    fields = await visitor.form()
    who = named(fields)
    if fields.get("hvordan") not in acting_policy().identified or not fields.get("bedt") or not who.number:
        return await _begin_page(visitor, fields, "help.fit", status=422)
    if not await visitor.count_lookup(who.number):
        raise TooMany
    begun = await visitor.ports.help.begin(visitor.ask(Purpose.DIRECTORY), who, fields["hvordan"])
    if begun is None:
        return await _begin_page(visitor, fields, "help.fit", status=422)
    return visitor.redirect(f"{PATH}/{begun}")


async def helping(request: Request) -> Response:
    """What is the citizen's to decide, and nothing of the record."""
    visitor = await visit(request)
    helper(visitor)
    held = await visitor.ports.help.see(visitor.ask(Purpose.OPERATIONS), request.path_params["help"])
    tree = await visitor.ports.registries.organisation_tree()
    return visitor.page(
        "help.html",
        helped=helped_view(held, visitor.words),
        places=[(one.key, one.name) for one in tree],
        scopes=scope_words(visitor.words),
        waiting=[one for one in await _waiting(visitor) if one.help == held.id],
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def _waiting(visitor: Visit) -> list[WaitingLine]:
    return waiting_lines(await visitor.ports.counter.waiting(visitor.ask(Purpose.OPERATIONS)), visitor.words)


Act = Callable[[Visit, UUID, dict[str, str]], Awaitable[bool]]


def _doing(act: Act, said: str = "help.done") -> Callable[[Request], Awaitable[Response]]:
    """A handler of one form on the page of a helped citizen."""

    async def handler(request: Request) -> Response:
        visitor = await visit(request)
        helper(visitor)
        fields = await visitor.form()
        about = request.path_params["help"]
        try:
            done = await act(visitor, about, fields)
        except ValueError:
            done = False
        await visitor.say(said if done else "help.wrong")
        return visitor.redirect(f"{PATH}/{about}")

    return handler


async def _set_block(visitor: Visit, about: UUID, fields: dict[str, str]) -> bool:
    who = organisation_key(fields.get("hvem", ""))
    if who is None and fields.get("hvem") != EVERYBODY:
        return False
    await visitor.ports.help.set_block(visitor.ask(Purpose.OPERATIONS), about, who)
    return True


async def _end_block(visitor: Visit, about: UUID, fields: dict[str, str]) -> bool:
    await visitor.ports.help.end_block(visitor.ask(Purpose.OPERATIONS), about, UUID(fields.get("spaer", "")))
    return True


async def _mandate(visitor: Visit, about: UUID, fields: dict[str, str]) -> bool:
    until = date.fromisoformat(fields.get("til", ""))
    today = visitor.now.astimezone(DANISH_TIME).date()
    scopes = [one for one, _ in scope_words(visitor.words) if fields.get(f"del-{one}")]
    to = named(fields)
    soon_enough = today <= until < today + acting_policy().mandate_at_most
    if not soon_enough or not scopes or not fields.get("underskrevet") or not to.number:
        return False
    if not await visitor.count_lookup(to.number):
        raise TooMany
    ends = danish_midnight(until + timedelta(days=1))
    return await visitor.ports.help.mandate(visitor.ask(Purpose.OPERATIONS), about, to, scopes, ends) == "waits"


async def _end_mandate(visitor: Visit, about: UUID, fields: dict[str, str]) -> bool:
    await visitor.ports.help.end_mandate(visitor.ask(Purpose.OPERATIONS), about, UUID(fields.get("fuldmagt", "")))
    return True


async def print_log(request: Request) -> Response:
    """The log on paper."""
    visitor = await visit(request)
    helper(visitor)
    await visitor.form()
    letter = await visitor.ports.help.print_log(visitor.ask(Purpose.OPERATIONS), request.path_params["help"])
    return visitor.redirect(f"{PATH}/breve/{letter}")


async def letter(request: Request) -> Response:
    """One letter, to print."""
    visitor = await visit(request)
    helper(visitor)
    found = await visitor.ports.help.letter(visitor.ask(Purpose.OPERATIONS), request.path_params["letter"])
    csrf = visitor.session.csrf if visitor.session else ""
    about = str(request.path_params["letter"])
    return visitor.page("letter.html", letter=letter_view(found, visitor.words), about=about, csrf=csrf)


async def printed(request: Request) -> Response:
    """It lies on paper. Only this says so: whoever looks changes nothing."""
    visitor = await visit(request)
    helper(visitor)
    await visitor.form()
    await visitor.ports.help.printed(visitor.ask(Purpose.OPERATIONS), request.path_params["letter"])
    return visitor.redirect(PATH)


async def sent(request: Request) -> Response:
    """A printed letter is on its way."""
    visitor = await visit(request)
    helper(visitor)
    await visitor.form()
    await visitor.ports.help.sent(visitor.ask(Purpose.OPERATIONS), request.path_params["letter"])
    return visitor.redirect(PATH)


async def contest(request: Request) -> Response:
    """The citizen does not recognise the help."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    await visitor.ports.help.contest(visitor.ask(Purpose.OWN), id_in(fields, "hjaelp"))
    await visitor.say("help.contested_now")
    return visitor.redirect("/borger/fuldmagter")


async def confirm(request: Request) -> Response:
    """As the second person, with the citizen's document in hand."""
    visitor = await visit(request)
    helper(visitor)
    fields = await visitor.form()
    await visitor.require_fresh("counter")
    document = fields.get("dokument", "") if fields.get("set") else ""
    said = await visitor.ports.counter.confirm(
        visitor.ask(Purpose.OPERATIONS), request.path_params["act"], document
    )  # fmt: skip
    await visitor.say(f"help.second.{said}")
    return visitor.redirect(PATH)


async def take_back(request: Request) -> Response:
    """It is not to be, after all."""
    visitor = await visit(request)
    helper(visitor)
    await visitor.form()
    await visitor.ports.counter.withdraw(visitor.ask(Purpose.OPERATIONS), request.path_params["act"])
    await visitor.say("help.taken_back")
    return visitor.redirect(PATH)


async def answer(request: Request) -> Response:
    """The citizen says yes alone, having proved who they are, or does not recognise it."""
    visitor = await visit(request)
    visitor.citizen()
    fields = await visitor.form()
    act, yes = id_in(fields, "handling"), fields.get("svar") == "ja"
    if yes:
        await visitor.require_fresh("mandate")
    said = await visitor.ports.counter.answer(visitor.ask(Purpose.OWN), act, yes=yes)
    done = "help.own_confirmed" if yes else "help.contested_now"
    await visitor.say(done if said == "done" else "help.wrong")
    return visitor.redirect("/borger/fuldmagter")


ROUTES = [
    Route(PATH, begin_page, methods=["GET"]),
    Route(PATH, begin, methods=["POST"]),
    Route(f"{PATH}/breve/{{letter:uuid}}", letter, methods=["GET"]),
    Route(f"{PATH}/breve/{{letter:uuid}}/udskrevet", printed, methods=["POST"]),
    Route(f"{COUNTER}/{{act:uuid}}/bekraeft", confirm, methods=["POST"]),
    Route(f"{COUNTER}/{{act:uuid}}/fortryd", take_back, methods=["POST"]),
    Route(f"{PATH}/breve/{{letter:uuid}}/sendt", sent, methods=["POST"]),
    Route(f"{PATH}/{{help:uuid}}", helping, methods=["GET"]),
    Route(f"{PATH}/{{help:uuid}}/spaer", _doing(_set_block), methods=["POST"]),
    Route(f"{PATH}/{{help:uuid}}/spaer/fjern", _doing(_end_block, "help.waits"), methods=["POST"]),
    Route(f"{PATH}/{{help:uuid}}/fuldmagt", _doing(_mandate, "help.waits"), methods=["POST"]),
    Route(f"{PATH}/{{help:uuid}}/fuldmagt/slut", _doing(_end_mandate), methods=["POST"]),
    Route(f"{PATH}/{{help:uuid}}/log", print_log, methods=["POST"]),
    Route("/borger/hjaelp/afvis", contest, methods=["POST"]),
    Route("/borger/hjaelp/svar", answer, methods=["POST"]),
]
