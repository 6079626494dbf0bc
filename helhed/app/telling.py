"""What the application tells of itself: its health, its numbers, and what machines may ask it."""

import asyncio
import contextlib
from typing import Any

import orjson

from helhed.api.log_watch import log_alarms, measure_log
from helhed.api.openapi import openapi
from helhed.app.network import Network
from helhed.exchange.messages.modes import message_alarms
from helhed.fhir.store.index_work import index_work
from helhed.foundation import metrics
from helhed.foundation.asgi import Scope, Send
from helhed.foundation.errors import HelhedError
from helhed.foundation.health import LEAVING as SHUTTING_DOWN, hindrances
from helhed.foundation.settings import Settings
from helhed.foundation.shared_metrics import SharedMetrics

_PLAIN = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


async def tell(send: Send, status: int, content: Any, *more: tuple[bytes, bytes]) -> None:
    """Answer with JSON."""
    await send({"type": "http.response.start", "status": status, "headers": [*_PLAIN, *more]})
    await send({"type": "http.response.body", "body": orjson.dumps(content)})


async def tell_health(network: Network, send: Send, *, leaving: bool) -> None:
    """How it is: 200 when it is ready for more, 503 with the reasons when it is not."""
    reasons = [SHUTTING_DOWN] if leaving else []
    reasons += await hindrances(network.store.pool)
    told = {"live": True, "ready": not reasons, "reasons": reasons}
    if not reasons and (work := await index_work(network.store.pool)).waiting:
        told["indexing"] = {"waiting": work.waiting, "done": round(work.done, 3)}
    if not reasons and (alarms := await log_alarms(network.store.pool) + await message_alarms(network.store)):
        told["alarms"] = alarms
    await tell(send, 503 if reasons else 200, told)


async def tell_interface(settings: Settings, scope: Scope, send: Send) -> None:
    """What machines may ask, for anybody; made at the first question, in a thread."""
    if scope["method"] not in {"GET", "HEAD"}:
        await tell(send, 405, {"error": "This is read."}, (b"allow", b"GET, HEAD"))
        return
    zipped = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
    described = await asyncio.to_thread(openapi, settings.public_url, zipped=zipped)
    head = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"max-age=3600"),
        (b"vary", b"accept-encoding"),
    ]
    head += [(b"content-encoding", b"gzip")] if zipped else []
    head.append((b"content-length", str(len(described)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else described})


async def tell_metrics(network: Network, shared: SharedMetrics, send: Send) -> None:
    """The numbers of all workers, in the text format of Prometheus."""
    with contextlib.suppress(HelhedError):  # the other numbers are told when the database is away, too
        work = await index_work(network.store.pool)
        metrics.INDEX_WAITING.set(len(work.waiting))
        metrics.INDEX_DONE.set(work.done)
        await measure_log(network.store.pool)
    whole = await asyncio.to_thread(shared.whole)
    head = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": whole})
