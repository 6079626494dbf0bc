"""Emergency copies (nødkopier) in the Hospital pages: made while the network is there, ended from here; and the citizen's page of them."""

import hashlib
from datetime import datetime
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.foundation.ask import Ask, Purpose
from helhed.foundation.errors import BadRequest, Forbidden
from helhed.portals.context import Visit, visit
from helhed.portals.http import id_in
from helhed.portals.ports.emergency import Copied
from helhed.portals.presenters import emergency as presenter
from helhed.portals.presenters.emergency import Json
from helhed.portals.reading import names_of
from helhed.record.naming import organisation_keys, professional_keys
from helhed.record.reading import RecordReader
from helhed.trust.emergency.rules import emergency_rules

PATH = "/hospital/noedkopi"
OPEN = f"{PATH}/aaben"
OWN = "/borger/log/noedkopier"
PURPOSE, NEW = "emergency-copy", "ny"
_LONGEST_KEY = 200  #: bytes
_TOKEN_HASH = 32


async def page(request: Request) -> Response:
    """My copies, and a new one; asked to, it is seen to first that the person has just proved who they are."""
    visitor = await visit(request)
    visitor.professional()
    if NEW in request.query_params:
        await visitor.require_fresh(PURPOSE)
    return await _page(visitor)


async def _page(visitor: Visit, status: int = 200) -> Response:
    ask, rules = visitor.ask(Purpose.TREATMENT), emergency_rules()
    patients = await visitor.ports.emergency.patients(ask)
    return visitor.page(
        "hospital_emergency.html",
        status=status,
        may=await visitor.ports.emergency.may(ask),
        fresh=_is_fresh(visitor),
        prove=f"{PATH}?{NEW}=1",
        patients=min(len(patients), rules.most_patients),
        left_out=max(0, len(patients) - rules.most_patients),
        copies=[presenter.copy_view(one, visitor.words, visitor.now) for one in await visitor.ports.emergency.all(ask)],
        what=presenter.sections_told(list(rules.sections), visitor.words),
        rules=rules,
        hours=round(rules.holds.total_seconds() / 3600),
        report_hours=round(rules.report_within.total_seconds() / 3600),
        open_path=OPEN,
        csrf=visitor.session.csrf if visitor.session else "",
        notice=await visitor.heard(),
    )


async def make(request: Request) -> Response:
    """Hands a copy out, once, to the page that asked: from here on nobody can fetch it again.

    The page keeps it encrypted by a code that never comes here, so what it sends is a public key and the hash of a token.
    """
    visitor = await visit(request)
    who = visitor.professional()
    fields = await visitor.form()
    if not _is_fresh(
        visitor
    ):  # nothing is kept of this form: what it was to hand out goes to the page that asked, or nowhere
        raise Forbidden
    seal_key, token_hash = _bytes(fields.get("noegle", ""), _LONGEST_KEY), _bytes(fields.get("tegn", ""), _TOKEN_HASH)
    if not seal_key or len(token_hash) != _TOKEN_HASH:
        raise BadRequest("This page needs JavaScript: the copy is encrypted in the browser.")
    ask = visitor.ask(Purpose.TREATMENT)
    rules, copy = emergency_rules(), uuid4()
    keys = await visitor.ports.emergency.patients(ask)
    read = {key: await _read(visitor, ask, key) for key in keys[: rules.most_patients]}
    issued = await visitor.ports.emergency.issue(ask, copy, seal_key, token_hash, [one for one, _ in read.values()])
    words, now = visitor.words, visitor.now
    told = {
        "copy": str(copy),
        "holder": who.name,
        "place": who.organisation_name,
        "issued": _moment(now),
        "issuedWords": words.instant(now),
        "holdsUntil": _moment(issued.holds_until),
        "holdsUntilWords": words.instant(issued.holds_until),
        "iterations": rules.iterations,
        "reasons": presenter.reasons(words),
        "patients": [
            {**presenter.identity(person, words, now), "sections": read[key][1]}
            for key, person in sorted(issued.people.items(), key=lambda one: one[1].name)
        ],
    }
    return Response(orjson.dumps(told), media_type="application/json")


def _is_fresh(visitor: Visit) -> bool:
    return visitor.session is not None and visitor.session.is_fresh(PURPOSE, visitor.now)


async def _read(visitor: Visit, ask: Ask, citizen: int) -> tuple[Copied, list[Json]]:
    """One patient by the ordinary decided read: what is copied of them, and how it reads."""
    rules = emergency_rules()
    record = await RecordReader(visitor.ports.rows, rules.most_rows).whole_record(ask, citizen, rules.types)
    names = await names_of(visitor, organisation_keys(record), professional_keys(record))
    kept = presenter.sections(record, visitor.words, names, visitor.now)
    digest = hashlib.sha256(orjson.dumps(kept)).digest()
    return Copied(citizen, [entry.id for entry in record.entries], list(rules.sections), digest), kept


def _moment(when: datetime) -> int:
    """Milliseconds, as browsers count."""
    return round(when.timestamp() * 1000)


def _bytes(written: str, most: int) -> bytes:
    try:
        found = bytes.fromhex(written)
    except ValueError:
        return b""
    return found if len(found) <= most else b""


async def end(request: Request) -> Response:
    """Ends a copy, wherever the device is."""
    visitor = await visit(request)
    visitor.professional()
    fields = await visitor.form()
    await visitor.ports.emergency.end(visitor.ask(Purpose.TREATMENT), id_in(fields, "kopi"))
    await visitor.say("emergency.ended")
    return visitor.redirect(PATH)


async def own(request: Request) -> Response:
    """Every copy that I was in."""
    visitor = await visit(request)
    visitor.citizen()
    found = await visitor.ports.emergency.own(visitor.ask(Purpose.OWN))
    return visitor.page(
        "emergency_own.html", copies=[presenter.own_copy_view(one, visitor.words, visitor.now) for one in found]
    )


ROUTES = [
    Route(PATH, page, methods=["GET"]),
    Route(PATH, make, methods=["POST"]),
    Route(f"{PATH}/slut", end, methods=["POST"]),
    Route(OWN, own, methods=["GET"]),
]
