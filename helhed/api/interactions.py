"""The interactions of FHIR's REST chapter that exist here. Each has one shape: parse, ask, act, render."""

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from helhed.api.answers import ALWAYS, STORED, Answer, etag, version_headers
from helhed.api.binaries import BINARY, in_bytes, sends_bytes, sent_bytes
from helhed.api.bundles import history_bundle, response_bundle, search_bundle
from helhed.api.door import Door
from helhed.api.lookups import lookups_in
from helhed.api.operations.entries import operator_of
from helhed.api.request import Request
from helhed.api.sources import not_asked_header, read_answered
from helhed.api.written_numbers import WrittenNumbers
from helhed.fhir.changes import Change, Page, Version, Written, number_in
from helhed.fhir.definitions import type_definition
from helhed.fhir.parsing import parse_json
from helhed.fhir.query import WHOLE, Query, Shape, parse_search
from helhed.fhir.references import references_in
from helhed.fhir.store import WriteSession
from helhed.fhir.store.asked_past import asked_past, kept_pairs
from helhed.fhir.store.paging import asked_query
from helhed.fhir.store.writing import home_bucket
from helhed.fhir.subsets import subset
from helhed.fhir.transaction import Elsewhere, Outcome, batch, check_storable, existing, is_known, lock_key, transact
from helhed.fhir.transaction.entries import MOST_SEARCHES
from helhed.fhir.transaction.looking import named
from helhed.fhir.weight import check_weight
from helhed.foundation.aside import aside
from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.errors import (
    BadRequest,
    HelhedError,
    InvalidResource,
    Issue,
    PreconditionFailed,
    TooMany,
    Unknown,
)
from helhed.foundation.ids import new_id, parse_id
from helhed.work.answering import Answers

_LONGEST_VERSION = 9
_OPERATOR = "operator"
_SHAPES = frozenset({"_summary", "_elements"})


class Interactions:
    """What the door can do, on one store."""

    elsewhere: Elsewhere | None = None  #: who serves what the store does not hold

    def __init__(self, door: Door) -> None:
        self._door = door
        self._store = door.store
        self._watch = door.watch
        self._most_elements = door.most_elements
        self._live = door.live
        self._root = door.root
        self._base = door.base
        self._limits = door.limits
        self._answers = Answers(door.store)
        self.written_numbers = WrittenNumbers(door.store, door.watch)

    # --- read, vread, history -----------------------------------------------------------------------------------------

    async def read(self, request: Request, type_name: str, name: str) -> Answer:
        """http://hl7.org/fhir/R4/http.html#read"""
        shape = _shape_of(request, type_name)
        try:
            version = await self._store.read(request.ask, type_name, parse_id(name))
        except Unknown:  # hidden and missing alike are looked for among what sources answered
            version = await read_answered(self._live, request.ask, type_name, parse_id(name))
        return await self.shown(request, version, shape)

    @staticmethod
    async def shown(request: Request, version: Version, shape: Shape | None = None) -> Answer:
        """A version as it was asked for: whole, or a part of it."""
        type_name = version.type_name
        shape = _shape_of(request, type_name) if shape is None else shape
        if shape is not WHOLE:  # a part has no entity tag: nobody takes it for the version it is of
            return Answer(200, subset(version.body, type_name, shape), ALWAYS)
        return await found(request, version)

    async def vread(self, request: Request, type_name: str, name: str, number: str) -> Answer:
        """http://hl7.org/fhir/R4/http.html#vread"""
        wanted = number_in(number)
        version = await self._store.vread(request.ask, type_name, parse_id(name) if wanted else None, wanted)
        return await found(request, named(number, version))

    async def history(self, request: Request, type_name: str | None = None, name: str | None = None) -> Answer:
        """http://hl7.org/fhir/R4/http.html#history of an instance, a type, or the system"""
        past = asked_past(request.pairs(), type_name, None if name is None else parse_id(name))
        if name is not None and past.id is None:
            await self._store.read(request.ask, type_name or "", None)
        page = await self._store.past(request.ask, past)
        path = "/".join(part for part in (type_name, name) if part)
        return Answer(200, history_bundle(self._base, path, page, kept_pairs(request.pairs())))

    # --- search -------------------------------------------------------------------------------------------------------

    async def search(self, request: Request, place: str, pairs: list[tuple[str, str]]) -> Answer:
        """http://hl7.org/fhir/R4/http.html#search of a type, the system ("") or a compartment (``query.places``)"""
        strict = request.prefer.get("handling") != "lenient"
        opened = partial(self._store.page_link, request.ask)
        query = asked_query(
            opened,
            place,
            pairs,
            strict=strict,
            base_url=self._root,
            now=request.ask.at,
            operator=_is_operator(request.ask),
        )
        too_many = await self._watch.over(request.ask, query)
        page = await self.searched(request.ask, query)
        if too_many:
            raise TooMany
        headers = ALWAYS if strict else (*ALWAYS, (b"preference-applied", b"handling=lenient"))
        if self._live is not None and len(query.named_citizens) == 1:
            headers = (*headers, *not_asked_header(self._live.known))
        return Answer(200, search_bundle(self._base, query, page), headers)

    async def searched(self, ask: Ask, query: Query) -> Page:
        """A page of a search."""
        return await self._store.search(ask, query)

    # --- create, update, delete -----------------------------------------------------------------------------------------

    async def create(self, request: Request, type_name: str) -> Answer:
        """http://hl7.org/fhir/R4/http.html#create, with If-None-Exist"""
        if any(name not in {"_format", "_pretty"} for name, _ in request.pairs()):
            raise BadRequest("The condition of a create stands in If-None-Exist, not in the address.")
        raw, resource = await self.resource(request, type_name)
        condition = request.header(b"if-none-exist")
        written = await self._create(request, type_name, resource, raw, condition)
        return await self.written(request, written, 201 if written.created else 200)

    async def _create(
        self, request: Request, type_name: str, resource: dict[str, Any], raw: bytes, condition: str
    ) -> Written:
        session: WriteSession | None = None
        change = Change("POST", type_name, resource, raw, new_id(home_bucket(type_definition(type_name), resource)))
        try:
            async with self._store.session(request.ask) as session:
                if condition:
                    await session.lock([lock_key(type_name, condition)])
                    hit = await existing(session, type_name, condition, self._root)
                    if hit is not None:
                        return await session.as_found(type_name, hit)
                return (await session.write([change]))[0]
        except HelhedError:
            if session is not None:
                await self._store.log_refusal(request.ask, session, [change])
            raise

    async def update(self, request: Request, type_name: str, name: str) -> Answer:
        """http://hl7.org/fhir/R4/http.html#update; ids are given by the server, so nothing is created by updating"""
        if_match = if_match_of(request)
        raw, resource = await self.resource(request, type_name, name)
        if resource.get("id") != name:
            raise InvalidResource(
                issues=[Issue("value", "The id of the resource must be the id of the URL.", f"{type_name}.id")]
            )
        change = Change("PUT", type_name, resource, raw, parse_id(name), if_match)
        if type_name == "Task" and request.ask.kind is ActorKind.CITIZEN:  # citizens answer, and write nothing else
            written = await self._answers.put(request.ask, change)
        else:
            written = (await self._store.commit(request.ask, [change]))[0]
        return await self.written(request, written, 200)

    async def delete(self, request: Request, type_name: str, name: str) -> Answer:
        """http://hl7.org/fhir/R4/http.html#delete"""
        change = Change("DELETE", type_name, None, None, parse_id(name), if_match_of(request))
        written = (await self._store.commit(request.ask, [change]))[0]
        headers = (*ALWAYS, (b"etag", etag(written.version))) if written.version else ALWAYS
        return Answer(204, b"", headers)

    async def resource(self, request: Request, type_name: str, name: str = "") -> tuple[bytes, dict[str, Any]]:
        """The body of a request, when it may be stored as it is: bytes and parsed. ``name`` is the id in the address."""
        if sends_bytes(request, type_name):
            raw = await sent_bytes(request, name)
        else:
            raw = await request.json_body()
        resource = await aside(len(raw), lambda: self._checked(raw, type_name))
        await self.written_numbers.count(request.ask, type_name, resource)
        return raw, resource

    def _checked(self, raw: bytes, type_name: str) -> dict[str, Any]:
        """The resource, when it may be stored as it is."""
        resource = self.sound(raw, type_name)
        check_storable(type_name, resource)
        self._refuse_placeholders(resource)
        return resource

    def sound(self, raw: bytes, type_name: str) -> dict[str, Any]:
        """The resource, when it is one of that type."""
        check_weight(raw, self._most_elements, type_name)
        resource = parse_json(raw, limits=self._limits)
        if resource.get("resourceType") != type_name:
            raise InvalidResource(
                issues=[Issue("value", "The resource is not of the type that the URL names.", "resourceType")]
            )
        return resource

    @staticmethod
    def _refuse_placeholders(resource: dict[str, Any]) -> None:
        for reference in references_in(resource):
            if reference.startswith("urn:uuid:") or (
                "?" in reference.split("#")[0] and ":" not in reference.split("?")[0]
            ):
                raise InvalidResource(
                    issues=[
                        Issue(
                            "value",
                            "References by placeholder or condition belong in a transaction.",
                            resource["resourceType"],
                        )
                    ]
                )

    async def written(self, request: Request, written: Written, status: int) -> Answer:
        """The answer to a change: where the version is, and what Prefer asks for."""
        location = f"{self._base}/{written.type_name}/{written.id}/_history/{written.version}".encode()
        plain = Version(written.type_name, written.id, written.version, written.updated, b"")
        headers = (*version_headers(plain), (b"location", location))
        wanted = request.prefer.get("return", "representation")
        if wanted == "OperationOutcome":
            return Answer(status, STORED, headers)
        body = await self._representation(request, written) if wanted == "representation" else b""
        return Answer(status, body, headers)

    async def _representation(self, request: Request, written: Written) -> bytes:
        """What this request stored; of what a condition found, only what the writer may read (decision 0013)."""
        if written.body:
            return written.body
        try:
            return (await self._store.read(request.ask, written.type_name, written.id)).body
        except Unknown:
            return b""

    # --- transaction, batch ---------------------------------------------------------------------------------------------

    async def bundle(self, request: Request) -> Answer:
        """http://hl7.org/fhir/R4/http.html#transaction"""
        raw = await request.json_body()
        parsed = await aside(len(raw), lambda: parse_json(raw, limits=self._limits))
        if parsed.get("resourceType") != "Bundle":
            raise InvalidResource(
                issues=[Issue("value", "Send a Bundle here, or a resource to the URL of its type.", "resourceType")]
            )
        work = {"transaction": transact, "batch": batch}.get(str(parsed.get("type")))
        if work is None:
            raise InvalidResource(
                issues=[Issue("value", "The Bundle must be a transaction or a batch.", "Bundle.type")]
            )
        await self._count_lookups(request.ask, parsed)
        await self.written_numbers.count_in_bundle(request.ask, parsed)
        outcomes: list[Outcome] = await work(
            self._store,
            request.ask,
            raw,
            parsed,
            self._root,
            most_elements=self._most_elements,
            operate=operator_of(self._door, request, whole=work is transact),
            elsewhere=self.elsewhere,
        )
        wanted = request.prefer.get("return", "minimal")
        return Answer(200, response_bundle(self._base, parsed["type"], outcomes, wanted))

    async def _count_lookups(self, ask: Ask, bundle: dict[str, Any]) -> None:
        """Raises TooMany before anything of the Bundle is done; what it would have looked up is in the log."""
        queries = []
        for type_name, pairs in lookups_in(bundle)[:MOST_SEARCHES]:
            with suppress(HelhedError, KeyError):  # an entry that cannot be understood is refused in its place
                opened = partial(self._store.page_link, ask)
                queries.append(asked_query(opened, type_name, pairs, base_url=self._root, now=ask.at))
        refused = [query for query in queries if await self._watch.over(ask, query)]
        for query in refused:
            await self._store.search(ask, query)
        if refused:
            raise TooMany


async def found(request: Request, version: Version) -> Answer:
    """The version in the form that was asked for: a Binary may be its bytes."""
    answer = _unless_known(request, version)
    return await in_bytes(request, version, answer) if version.type_name == BINARY else answer


def _unless_known(request: Request, version: Version) -> Answer:
    """http://hl7.org/fhir/R4/http.html#cread: the version, unless the asker has it. It was looked at all the same."""
    if is_known(version, request.header(b"if-none-match"), _since(request)):
        return Answer(304, b"", version_headers(version))
    return Answer(200, version.body, version_headers(version))


def _since(request: Request) -> datetime | None:
    """If-Modified-Since; what is no date counts for nothing (RFC 9110, section 13.1.3)."""
    if b"if-modified-since" not in request.headers:
        return None
    try:
        moment = parsedate_to_datetime(request.header(b"if-modified-since"))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def if_match_of(request: Request) -> int | None:
    """The version that a change says it has seen. Raises PreconditionFailed for what names none."""
    text = request.header(b"if-match")
    if not text:
        return None
    digits = text.removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_VERSION):
        raise PreconditionFailed('If-Match reads W/"3".')
    return int(digits)


def _is_operator(ask: Ask) -> bool:
    return ask.kind is ActorKind.PROFESSIONAL and ask.role == _OPERATOR


def _shape_of(request: Request, type_name: str) -> Shape:
    """How much of a resource a read wants (http://hl7.org/fhir/R4/http.html#read). Raises BadRequest."""
    pairs = [pair for pair in request.pairs() if pair[0] in _SHAPES] if request.query else []
    return parse_search(type_name, pairs).shape if pairs else WHOLE


__all__ = ["Interactions", "found", "if_match_of"]
