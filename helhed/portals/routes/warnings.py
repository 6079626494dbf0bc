"""Warnings to connected organisations: written by the network's office, received by each organisation."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from helhed.foundation.errors import Forbidden, Unprocessable
from helhed.portals.context import Visit
from helhed.portals.language import Words
from helhed.portals.presenters.watch import deadline
from helhed.portals.routes.drift import csrf, desk, in_office
from helhed.trust.watch.warnings import SEVERITIES, SHARING, NewWarning, Warning_, indicators_of, stix

LIST = "/drift/varsler"
_STIX = "application/stix+json;version=2.1"
_LONGEST_DAYS = 60


async def warnings(request: Request) -> Response:
    """The list: unanswered ones first."""
    visitor, _, _ = await desk(request)
    return await _warnings(visitor, {})


async def _warnings(visitor: Visit, written: dict[str, str], problem: str = "") -> Response:
    _, watch, ask = await desk(visitor.request)
    found = await watch.warnings.all(ask)
    lines = [_line(visitor.words, one, visitor) for one in found]
    return visitor.page(
        "warnings.html", status=422 if problem else 200, problem=problem, written=written, csrf=csrf(visitor),
        lines=sorted(lines, key=lambda line: not line["waits"]), severities=SEVERITIES, sharing=tuple(SHARING),
        office=await in_office(watch, ask), notice=await visitor.heard(),
    )  # fmt: skip


def _line(words: Words, one: Warning_, visitor: Visit) -> dict[str, Any]:
    mine, now = one.own, visitor.now
    waits = mine is not None and mine.acted_at is None
    waiting = [receipt for receipt in one.receipts if receipt.acted_at is None]
    return {
        "id": str(one.id), "number": words.number(one.number), "title": one.title, "body": one.body,
        "sent": words.instant(one.at), "author": one.author_name or "", "severity": words(f"warning.severity.{one.severity}"),
        "grave": one.severity in {"high", "critical"}, "sharing": words(f"warning.sharing.{one.sharing}"),
        "due": deadline(words, one.answer_by, now), "late": now > one.answer_by and bool(waits or waiting), "waits": waits,
        "waiting": len(waiting), "asked": len(one.receipts), "mine": mine is not None, "read": bool(mine and mine.read_at),
        "indicators": one.indicators, "receipts": [_receipt(words, receipt) for receipt in one.receipts],
    }  # fmt: skip


def _receipt(words: Words, one: Any) -> dict[str, str]:
    state = "acted" if one.acted_at else "read" if one.read_at else "none"
    when = one.acted_at or one.read_at
    return {
        "name": one.name,
        "state": words(f"warning.receipt.{state}"),
        "when": words.instant(when) if when else "",
        "note": one.note,
    }


async def send(request: Request) -> Response:
    """Warn."""
    visitor, watch, ask = await desk(request)
    fields = await visitor.form()
    days = fields.get("dage", "")
    try:
        if not days.isdecimal() or not 1 <= int(days[:4]) <= _LONGEST_DAYS:
            raise Unprocessable
        new = NewWarning(
            fields.get("alvor", ""), fields.get("deling", ""), fields.get("titel", ""), fields.get("tekst", ""),
            indicators_of(fields.get("kendetegn", "")), visitor.now + timedelta(days=int(days)),
        )  # fmt: skip
        await watch.warnings.send(ask, warning := uuid4(), new)
    except (Unprocessable, Forbidden):
        return await _warnings(visitor, fields, "warning.problem")
    await visitor.say("warning.said.sent")
    return visitor.redirect(f"{LIST}/{warning}")


async def one(request: Request) -> Response:
    """One warning with its receipts."""
    visitor, watch, ask = await desk(request)
    found = await watch.warnings.one(ask, request.path_params["id"])
    return visitor.page(
        "warning.html", line=_line(visitor.words, found, visitor), csrf=csrf(visitor), office=await in_office(watch, ask),
        notice=await visitor.heard(),
    )  # fmt: skip


async def receive(request: Request) -> Response:
    """Read it, or acted on it."""
    visitor, watch, ask = await desk(request)
    fields, warning = await visitor.form(), request.path_params["id"]
    await watch.warnings.receive(ask, warning, acted=fields.get("svar") == "handlet", note=fields.get("note", ""))
    await visitor.say("warning.said.received")
    return visitor.redirect(f"{LIST}/{warning}")


async def as_stix(request: Request) -> Response:
    """The same for machines."""
    _, watch, ask = await desk(request)
    return JSONResponse(stix(await watch.warnings.one(ask, request.path_params["id"])), media_type=_STIX)


ROUTES = [
    Route(LIST, warnings, methods=["GET"]),
    Route(LIST, send, methods=["POST"]),
    Route(f"{LIST}/{{id:uuid}}", one, methods=["GET"]),
    Route(f"{LIST}/{{id:uuid}}", receive, methods=["POST"]),
    Route(f"{LIST}/{{id:uuid}}/stix", as_stix, methods=["GET"]),
]
