"""Operations as entries of a batch or transaction (http://hl7.org/fhir/R4/http.html#transaction)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from helhed.api.door import Door
from helhed.api.operations import operation_at
from helhed.api.operations.model import Place
from helhed.api.request import Request
from helhed.fhir.transaction import Item
from helhed.foundation.errors import NotSupported, Unknown

#: what an entry inherits from the request that brought it
_INHERITED = (b"accept-language", b"prefer")
_DEEPEST = 2  #: an id and the operation


def operator_of(door: Door, request: Request, *, whole: bool) -> Callable[[Item], Awaitable[bytes]]:
    """What does the operations of a Bundle's entries, each decided and logged as if it had been asked alone.

    ``whole``: in a transaction only what looks at nobody's data is done. The rest would have to see what the transaction
    has written, and an operation looks for itself.
    """

    async def operate(item: Item) -> bytes:
        parts = item.target.split("/")
        if len(parts) > _DEEPEST or parts[0] == "":
            raise Unknown
        place = Place(item.type_name, parts[0] if len(parts) == _DEEPEST else None)
        operation = operation_at(request.ask, item.method, item.operation, place)
        if whole and (not operation.public or place.id is not None):
            raise NotSupported(
                f"{item.where}: ${operation.name} is asked in a batch or by itself, not in a transaction."
            )
        answer = await operation.work(door, _alone(request, item, parts), place)
        return b"" if item.method == "HEAD" else answer.body

    return operate


def _alone(request: Request, item: Item, parts: list[str]) -> Request:
    """The request that the entry would be by itself."""
    raw = item.raw or b""
    headers = {name: value for name, value in request.headers.items() if name in _INHERITED}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    return replace(
        request,
        method=item.method,
        parts=[item.type_name, *parts],
        query=urlencode(item.pairs).encode(),
        headers={**headers, b"content-type": b"application/fhir+json"},
        receive=receive,
    )
