"""The door to the log for everybody: heads, keys, consistency, and where witnesses sign. Nothing about a person is here."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson

from helhed.foundation.asgi import Receive, Scope, Send
from helhed.foundation.errors import BadRequest, HelhedError, MethodNotAllowed, TooLarge, Unknown
from helhed.foundation.logging import logger
from helhed.trust.evidence.cosigning import PublicLog

_MOST_BYTES = 4096
_SECONDS = 5.0
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_STATUS = {BadRequest: 400, Unknown: 404, MethodNotAllowed: 405, TooLarge: 413}


class LogDoor:
    """The ASGI application behind ``/log``."""

    def __init__(self, log: PublicLog) -> None:
        self._log = log
        self._read: dict[str, Callable[[dict[str, int]], Awaitable[Any]]] = {
            "/log/head": lambda _: log.head(),
            "/log/keys": lambda _: log.keys(),
            "/log/heads": lambda asked: log.heads(_asked(asked, "after")),
            "/log/consistency": lambda asked: log.consistency(_asked(asked, "first"), _asked(asked, "second")),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3, http only."""
        try:
            status, content = await self._answer(scope, receive)
        except HelhedError as error:
            status, content = _STATUS.get(type(error), 503), {"error": str(error)}
        except Exception as error:
            logger("log").error("unexpected", error=error)
            status, content = 500, {"error": "Something went wrong."}
        body = orjson.dumps(content) if content is not None else b""
        head = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"access-control-allow-origin", b"*"),
        ]
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*head, (b"content-length", str(len(body)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Any]:
        path = scope["path"]
        if path == "/log/cosign":
            if scope["method"] != "POST":
                raise MethodNotAllowed("Witnesses send their signatures here, by POST.")
            await self._log.cosign(await _received(receive))
            return 204, None
        if path not in self._read:
            raise Unknown("The log has nothing here.")
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowed("This is read.")
        return 200, await self._read[path](_numbers(scope["query_string"]))


def _numbers(query: bytes) -> dict[str, int]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=4, strict_parsing=bool(query))
    except ValueError:
        raise BadRequest("The address cannot be read.") from None
    if len(dict(pairs)) != len(pairs) or not all(_NUMBER.fullmatch(value) for _, value in pairs):
        raise BadRequest("The address says something that is not a number.")
    return {name: int(value) for name, value in pairs}


def _asked(numbers: dict[str, int], name: str) -> int:
    if name not in numbers:
        raise BadRequest(f"The address says nothing of {name}.")
    return numbers[name]


async def _received(receive: Receive) -> bytes:
    body: bytes = b""
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > _MOST_BYTES:
                    raise TooLarge("A signature is shorter than that.")
                if not message.get("more_body"):
                    return body
    except TimeoutError:
        raise BadRequest("The signature did not arrive.") from None
