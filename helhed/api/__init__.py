"""The doors for machines: FHIR REST. Parse, ask, call one room, render."""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache, partial
from time import perf_counter
from typing import Protocol
from uuid import UUID, uuid4

from prometheus_client import Counter as Metric

from helhed.api.answers import ALWAYS, Answer, failure, unexpected
from helhed.api.binaries import may_be_bytes
from helhed.api.capability import capability_statement
from helhed.api.conditional import Conditional
from helhed.api.described import allowed
from helhed.api.door import Door
from helhed.api.formats import PLAIN, asks_xml, in_xml, wants_xml
from helhed.api.gate import Entry, Gates, Header
from helhed.api.lookups import Counter, Pause, Watch
from helhed.api.older_numbers import note_shak
from helhed.api.operations import Place, operation_at
from helhed.api.request import Request
from helhed.api.token_watch import Events, TokenWatch
from helhed.api.virtual import AllInteractions
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.parsing import Limits
from helhed.fhir.query.places import EVERY_TYPE
from helhed.fhir.store import Store
from helhed.fhir.virtual import Served
from helhed.foundation.asgi import Receive, Scope, Send
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest, HelhedError, MethodNotAllowed, NotAuthenticated, NotSupported, Unknown
from helhed.foundation.logging import logger
from helhed.foundation.metrics import REQUESTS, SECONDS
from helhed.foundation.settings import RESOURCE_ELEMENTS
from helhed.record.live.gathering import LiveSources
from helhed.trust.lookups.in_memory import LookupsInMemory

_SUSPICIOUS = re.compile(rb"%|//|;|\\|\.\.")
_TYPE_DEPTH, _INSTANCE_DEPTH, _HISTORY_DEPTH, _VERSION_DEPTH = 1, 2, 3, 4
_FIRST_ERROR = 400
#: a look that found nothing has its row in the log, and an overload its number in the metrics: neither needs a line
_IN_THE_LOG = frozenset({404, 410, 503})
_ALONE = frozenset({b"authorization", b"dpop"})
_JOINED = frozenset({b"prefer", b"accept"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DESCRIBED = (b"link", b'</openapi.json>; rel="service-desc", </fhir/metadata>; rel="service-meta"')  # RFC 8631


class Verifier(Protocol):
    """Turns the Authorization header into an ask; raises NotAuthenticated."""

    def ask(self, authorization: bytes | None) -> Ask:
        """The ask behind a header."""


class FhirApi:
    """The ASGI application behind ``/fhir``."""

    def __init__(
        self,
        store: Store,
        verifier: Verifier,
        *,
        base_url: str,
        max_body_bytes: int,
        max_resource_elements: int = RESOURCE_ELEMENTS,
        lookups: Counter | None = None,
        pause: Pause = asyncio.sleep,
        events: Events | None = None,
        virtual: Sequence[Served] = (),
        gate: Gates | None = None,
        live: LiveSources | None = None,
    ) -> None:
        self._verifier = verifier
        self._gate = gate  #: None where the verifier alone lets in
        self._tokens = TokenWatch(events)
        self._max_body_bytes = max_body_bytes
        watch = Watch(lookups or LookupsInMemory(), pause)
        self._door = Door(
            store,
            base_url,
            watch,
            Limits(bytes=max_body_bytes),
            max_resource_elements,
            {one.shape.name: one for one in virtual},
            live,
        )
        self._do = AllInteractions(self._door)
        self._conditional = Conditional(self._door, self._do)
        self._base_url = base_url
        self._log = logger("api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3, http only."""
        begun = perf_counter()
        trace: UUID | None = None
        interaction = "none"
        more: tuple[Header, ...] = ()
        headers: dict[bytes, bytes] | None = None
        try:
            method, parts = _route(scope)
            headers, authorization = _headers(scope)
            if method == "OPTIONS":
                interaction, answer = "options", self._options(parts)
            elif parts == ["metadata"]:
                interaction, answer = "capabilities", self._metadata(method)
            else:
                entry = await self._entered(scope, parts, authorization)
                trace, more = entry.ask.trace, entry.headers
                request = Request(
                    method,
                    parts,
                    scope["query_string"],
                    headers,
                    receive,
                    entry.ask,
                    self._max_body_bytes,
                    self._door.most_elements,
                    entry.again,
                )
                interaction, answer = await self._answer(request)
                await note_shak(self._door, request, interaction)
        except HelhedError as error:
            answer = failure(
                error, trace or uuid4(), _allowed_at(scope["path"]) if isinstance(error, MethodNotAllowed) else ""
            )
            self._note_refusal(scope["method"], answer, error)
        except Exception as error:
            trace = trace or uuid4()
            self._log.error("unexpected", error=error, trace=str(trace))
            answer = unexpected(trace)
        query = scope["query_string"]
        accept = _accept(scope) if headers is None else headers.get(b"accept")
        if answer.body and _mentions_xml(accept, query) and asks_xml(accept, query):
            answer = await self._in_xml(answer, query)
        await _send(send, scope["method"], answer, trace, more)
        _counted(interaction, answer.status).inc()
        _TOOK.observe(perf_counter() - begun)

    async def _entered(self, scope: Scope, parts: list[str], authorization: bytes | None) -> Entry:
        try:
            if self._gate is None:
                again = partial(self._verifier.ask, authorization)
                entry = Entry(again(), again)
            else:
                entry = await self._gate.let_in(scope, parts, authorization)
        except NotAuthenticated as error:
            self._tokens.refused(scope, authorization, error)
            raise
        self._tokens.used(scope, authorization, entry.ask)
        return entry

    def _note_refusal(self, method: str, answer: Answer, error: HelhedError) -> None:
        """A line without a word of what was sent: what was refused before anybody was asked about stands in no citizen's log."""
        if answer.status not in _IN_THE_LOG:
            trace = dict(answer.headers)[b"x-request-id"].decode()
            issue = error.issues[0]
            method = method if method in _METHODS else "other"  # it is a word of the caller's too
            self._log.info(
                "refused", method=method, status=answer.status, code=issue.code, kind=type(error).__name__, trace=trace
            )

    async def _in_xml(self, answer: Answer, query: bytes) -> Answer:
        """What was done is done: an answer that could not be written in XML is given as it is."""
        try:
            return await in_xml(answer, query)
        except Exception as error:
            self._log.error("unexpected", error=error)
            return answer

    def _metadata(self, method: str) -> Answer:
        if method not in {"GET", "HEAD"}:
            raise MethodNotAllowed
        return Answer(200, capability_statement(self._base_url))

    def _options(self, parts: list[str]) -> Answer:
        """What may be asked at an address (RFC 9110, section 9.3.7); of the whole door, what the statement says of it.

        The shape of the address alone decides: nobody learns whether anything is there, so nobody has to log in.
        """
        head = ((b"allow", ", ".join(allowed(parts)).encode()), _DESCRIBED)
        if parts:
            return Answer(204, b"", (*ALWAYS, *head))
        return Answer(200, capability_statement(self._base_url), (*ALWAYS, *head))

    async def _answer(self, request: Request) -> tuple[str, Answer]:
        if not may_be_bytes(request):  # else any type may be asked for, and its own is given
            wants_xml(request.headers.get(b"accept"), request.query)
        parts, method = request.parts, request.method
        reading = method in {"GET", "HEAD"}
        if parts and parts[-1].startswith("$"):
            return await self._operation(request, parts[:-1], parts[-1][1:])
        if parts[-1:] == ["_search"]:
            return await self._posted_search(request, "/".join(parts[:-1]))
        if parts == ["_history"]:
            if not reading:
                raise MethodNotAllowed
            return "history", await self._do.history(request)
        if not parts:
            if reading:
                return "search-system", await self._do.search(request, "", request.pairs())
            if method != "POST":
                raise MethodNotAllowed
            return "bundle", await self._do.bundle(request)
        type_name = parts[0]
        if type_name not in TYPE_NUMBERS:
            raise NotSupported(f"{type_name[:40]} is not supported here.") if type_name[:1] == "_" else Unknown
        if len(parts) == _TYPE_DEPTH:
            if reading:
                return "search", await self._do.search(request, type_name, request.pairs())
            if method == "POST":
                return "create", await self._do.create(request, type_name)
            return await self._by_condition(request, type_name)
        if len(parts) == _INSTANCE_DEPTH:
            return await self._instance(request, type_name, parts[1])
        return await self._past(request, type_name)

    async def _operation(self, request: Request, parts: list[str], name: str) -> tuple[str, Answer]:
        if len(parts) > _INSTANCE_DEPTH or (parts and parts[0] not in TYPE_NUMBERS):
            raise Unknown
        place = Place(*parts)
        operation = operation_at(request.ask, request.method, name, place)
        return operation.name, await operation.work(self._door, request, place)

    async def _instance(self, request: Request, type_name: str, name: str) -> tuple[str, Answer]:
        if name == "_history":
            if request.method not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            return "history", await self._do.history(request, type_name)
        if name.startswith("_"):
            raise NotSupported(f"{name[:40]} is not supported here.")
        if request.method in {"GET", "HEAD"}:
            return "read", await self._do.read(request, type_name, name)
        if request.method == "PUT":
            return "update", await self._do.update(request, type_name, name)
        if request.method == "PATCH":
            return "patch", await self._conditional.patch(request, type_name, name)
        if request.method == "DELETE":
            return "delete", await self._do.delete(request, type_name, name)
        raise MethodNotAllowed

    async def _posted_search(self, request: Request, place: str) -> tuple[str, Answer]:
        """Parameters in the URL and in the body together (http://hl7.org/fhir/R4/http.html#search)."""
        if place and place.split("/", maxsplit=1)[0] not in TYPE_NUMBERS:
            raise Unknown
        if request.method != "POST":
            raise MethodNotAllowed
        return "search", await self._do.search(request, place, request.pairs() + await request.form_pairs())

    async def _by_condition(self, request: Request, type_name: str) -> tuple[str, Answer]:
        if request.method == "PUT":
            return "update", await self._conditional.update(request, type_name)
        if request.method == "PATCH":
            return "patch", await self._conditional.patch(request, type_name)
        return "delete", await self._conditional.delete(request, type_name)

    async def _past(self, request: Request, type_name: str) -> tuple[str, Answer]:
        parts = request.parts
        if len(parts) == _HISTORY_DEPTH and (parts[2] in TYPE_NUMBERS or parts[2] == EVERY_TYPE):
            if request.method not in {"GET", "HEAD"}:
                raise MethodNotAllowed
            return "search-compartment", await self._do.search(request, "/".join(parts), request.pairs())
        if len(parts) > _VERSION_DEPTH or parts[2] != "_history":
            raise Unknown
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed
        if len(parts) == _HISTORY_DEPTH:
            return "history", await self._do.history(request, type_name, parts[1])
        return "vread", await self._do.vread(request, type_name, parts[1], parts[3])


_TOOK = SECONDS.labels("fhir")


@lru_cache(maxsize=256)
def _counted(interaction: str, status: int) -> Metric:
    return REQUESTS.labels("fhir", interaction, str(status))


def _route(scope: Scope) -> tuple[str, list[str]]:
    """Method and path parts behind /fhir. A path that could be read in two ways is refused."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or path.encode()
    raw = raw.split(b"?", 1)[0]
    if _SUSPICIOUS.search(raw) or not path.isascii():
        raise BadRequest("The path holds characters that no address of this network has.")
    if path in {"/fhir", "/fhir/"}:
        return scope["method"], []
    if not path.startswith("/fhir/") or path.endswith("/"):
        raise Unknown
    if scope["method"] not in _METHODS:
        raise MethodNotAllowed
    return scope["method"], path[6:].split("/")


def _allowed_at(path: str) -> str:
    return ", ".join(allowed([part for part in path[5:].split("/") if part]))


def _headers(scope: Scope) -> tuple[dict[bytes, bytes], bytes | None]:
    """Headers by name; Prefer (RFC 7240) and Accept may come in parts. Two that prove who asks are one too many."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _ALONE and name in headers:
            raise BadRequest(f"Send one {name.decode().title()} header.")
        headers[name] = headers[name] + b"," + value if name in _JOINED and name in headers else value
    return headers, headers.get(b"authorization")


def _accept(scope: Scope) -> bytes | None:
    """What the Accept headers say, together (RFC 9110, section 5.3)."""
    return b",".join(value for name, value in scope["headers"] if name == b"accept") or None


def _mentions_xml(accept: bytes | None, query: bytes) -> bool:
    """Whether the question of XML arises at all: nearly no request has to be looked at twice."""
    if accept is not None and accept not in PLAIN and (b"xml" in accept or b"text/*" in accept):
        return True
    return b"_format" in query


async def _send(send: Send, method: str, answer: Answer, trace: UUID | None, more: tuple[Header, ...] = ()) -> None:
    length = (b"content-length", str(len(answer.body)).encode())
    empty = answer.status in {204, 304}
    headers = [*answer.headers, *more] if empty else [*answer.headers, *more, length]
    if trace is not None and answer.status < _FIRST_ERROR:
        headers.append((b"x-request-id", str(trace).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" or empty else answer.body})
