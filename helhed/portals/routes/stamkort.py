"""The master data card on pages: the citizen's own, of whom they act for, and of whom staff help at the counter."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Purpose
from helhed.foundation.errors import Conflict, Forbidden, NotSupported, Unknown, Unprocessable
from helhed.foundation.ids import key_of, parse_id
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.presenters.stamkort import choices, stamkort_view
from helhed.portals.routes.help import PATH as HELP, helper
from helhed.portals.stamkort_forms import card_in, relative_in, version_in
from helhed.record.stamkort.card import RelativeCard, Stamkort
from helhed.record.stamkort.keeping import Editor, MasterData
from helhed.record.stamkort.rules import Unsound, card_policy
from helhed.trust.acting.relatives import Relative

PATH = "/borger/stamkort"


#: when somebody on an old contact card may be called
_OLD_WISH = {True: "admission", False: "never"}


class _Desk:
    """One visit to one card: who changes it, where its pages are, and what it says."""

    def __init__(self, visitor: Visit, editor: Editor, found: Stamkort, base: str, name: str) -> None:
        self.visitor, self.editor, self.found, self.base, self.name = visitor, editor, found, base, name

    @classmethod
    async def of(cls, request: Request) -> "_Desk":
        """The citizen's own card, or of whom they act for; of whom staff help when the address names a help."""
        visitor = await visit(request)
        keeping = _keeping(visitor)
        help: UUID | None = request.path_params.get("help")
        if help is not None:
            helper(visitor)
            ask = visitor.ask(Purpose.OPERATIONS)
            who = await keeping.helped(ask, help)
            found = await keeping.read_helped(ask, who)
            return cls(visitor, Editor(ask, who.citizen, help), found, f"{HELP}/{help}/stamkort", who.name)
        subject = await visitor.subject()
        ask = visitor.ask(Purpose.OWN)
        found = await keeping.read(ask, subject.citizen)
        return cls(visitor, Editor(ask, subject.citizen), found, PATH, "" if subject.own else subject.name)

    async def page(
        self, fields: dict[str, str] | None = None, problem: str = "", at: str = "", status: int = 200
    ) -> Response:
        """The card, with what was written when something is wrong with it."""
        visitor, found = self.visitor, self.found
        origins = {one[2] for one in found.others}
        clinic = parse_id(found.cpr.clinic.removeprefix("Organization/"))
        keys = [*origins, *([key_of(clinic)] if clinic else [])]
        places = await visitor.ports.registries.organisations(keys)
        names = {key: one.name for key, one in places.items()}
        policy, words = card_policy(), visitor.words
        return visitor.page(
            "stamkort_help.html" if self.editor.help else "stamkort.html",
            status=status,
            shown=stamkort_view(found, words, visitor.now, names.get(key_of(clinic), "") if clinic else "", names),
            name=self.name,
            base=self.base,
            written=fields if at == "card" else None,
            relative_written=fields if at == "relative" else None,
            problem=problem,
            needs=choices(policy.needs, words),
            languages=choices(policy.languages, words),
            relations=choices(policy.relations, words),
            wishes=choices(policy.wishes, words),
            csrf=visitor.session.csrf if visitor.session else "",
            older=await self.older(),
            notice=await visitor.heard(),
        )

    async def older(self) -> Sequence[Relative]:
        """Contact cards from before there was a stamkort, on the citizen's own page."""
        own = not self.name and self.editor.help is None
        return await self.visitor.ports.relatives.own(self.editor.ask) if own else ()

    async def saved(self, said: str = "stamkort.saved") -> Response:
        """Done; back to the card."""
        await self.visitor.say(said)
        return self.visitor.redirect(self.base)


def _keeping(visitor: Visit) -> MasterData:
    if visitor.ports.master_data is None:
        raise NotSupported
    return visitor.ports.master_data


Act = Callable[[_Desk, dict[str, str]], Awaitable[None]]


def _doing(act: Act, at: str) -> Callable[[Request], Awaitable[Response]]:
    """A handler of one form: what is wrong is said on the page, with what was written still there."""

    async def handler(request: Request) -> Response:
        visitor = await visit(request)
        fields = await visitor.form()
        desk = await _Desk.of(request)
        try:
            await act(desk, fields)
        except Unsound as wrong:
            return await desk.page(fields, f"stamkort.wrong.{wrong.problem}", at, status=422)
        except Conflict:
            return await (await _Desk.of(request)).page(fields, "stamkort.changed_meanwhile", at, status=409)
        except Forbidden:
            return await desk.page(fields, "stamkort.may_not", at, status=403)
        except NotSupported:
            return await desk.page(fields, "stamkort.no_keeper", at, status=409)
        except Unprocessable:
            return await desk.page(fields, "stamkort.wrong.many", at, status=422)
        return await desk.saved()

    return handler


async def _card(desk: _Desk, fields: dict[str, str]) -> None:
    keeping = _keeping(desk.visitor)
    await keeping.change(desk.editor, desk.found, card_in(fields), version_in(fields))


async def _relative(desk: _Desk, fields: dict[str, str]) -> None:
    row = id_in(fields, "paaroerende") if fields.get("paaroerende") else None
    keeping = _keeping(desk.visitor)
    await keeping.put_relative(desk.editor, desk.found, relative_in(fields), row, version_in(fields))


async def _remove(desk: _Desk, fields: dict[str, str]) -> None:
    keeping = _keeping(desk.visitor)
    await keeping.remove_relative(desk.editor, desk.found, id_in(fields, "paaroerende"), version_in(fields))


async def _move(desk: _Desk, fields: dict[str, str]) -> None:
    """An older contact card becomes a relative of the stamkort."""
    row = id_in(fields, "kort")
    old = next((one for one in await desk.older() if one.id == row), None)
    if old is None:
        raise Unknown
    relation = next(
        (code for code, words in card_policy().relations.items() if old.relation.casefold() in words.values()), "EXT"
    )
    said = ". ".join(part for part in (old.relation if relation == "EXT" else "", old.note) if part)
    phones = (("mobile", old.phone),) if old.phone else ()
    moved = RelativeCard(old.name, relation, phones, _OLD_WISH[old.may_be_called], said)
    await _keeping(desk.visitor).put_relative(desk.editor, desk.found, moved, None, 0)
    await desk.visitor.ports.relatives.end(desk.editor.ask, row)


async def card(request: Request) -> Response:
    """The card and its forms."""
    return await (await _Desk.of(request)).page()


def _routes(base: str) -> list[Route]:
    return [
        Route(base, card, methods=["GET"]),
        Route(base, _doing(_card, "card"), methods=["POST"]),
        Route(f"{base}/paaroerende", _doing(_relative, "relative"), methods=["POST"]),
        Route(f"{base}/paaroerende/fjern", _doing(_remove, "relative"), methods=["POST"]),
    ]


ROUTES = [
    *_routes(PATH),
    Route(f"{PATH}/flyt", _doing(_move, "relative"), methods=["POST"]),
    *_routes(f"{HELP}/{{help:uuid}}/stamkort"),
]
