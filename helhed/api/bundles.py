"""Bundles of answers, put together from stored bytes without parsing them."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

import orjson

from helhed.api.answers import STORED, etag, etag_of, outcome, status_of
from helhed.fhir.changes import Page, Version, Written
from helhed.fhir.query import WHOLE, LeftOut, Query, Shape
from helhed.fhir.splice import instant
from helhed.fhir.subsets import subset
from helhed.fhir.transaction import Outcome
from helhed.foundation.errors import Issue
from helhed.foundation.logging import scrub

_GOES_ON = Issue(
    "incomplete",
    "The includes that iterate were followed three times. What they brought last refers to more: ask for that by itself.",
    "http._include:iterate",
)


def search_bundle(base: str, query: Query, page: Page) -> bytes:
    """A searchset. ``base`` is the absolute URL of ``/fhir``."""
    parts = [b'{"resourceType":"Bundle","type":"searchset"']
    if page.total is not None:
        parts.append(b',"total":%d' % page.total)
    parts.append(b',"link":' + orjson.dumps(_links(base, query, page)))
    entries = [_entry(base, version, b"match", query.shape) for version in page.matches]
    entries += [_entry(base, version, b"include", query.shape) for version in page.included]
    if query.ignored:
        entries.append(_ignored(query.ignored))
    if page.goes_on:
        entries.append(_outcome((_GOES_ON,), "warning"))
    if page.explained:
        entries.append(_outcome(tuple(Issue("informational", line) for line in page.explained), "information"))
    if entries:
        parts.append(b',"entry":[' + b",".join(entries) + b"]")
    return b"".join(parts) + b"}"


def _entry(base: str, version: Version, mode: bytes, shape: Shape) -> bytes:
    url = f"{base}/{version.type_name}/{version.id}".encode()
    body = subset(version.body, version.type_name, shape)
    return b'{"fullUrl":"' + url + b'","resource":' + body + b',"search":{"mode":"' + mode + b'"}}'


def _ignored(left_out: Sequence[LeftOut]) -> bytes:
    """What lenient handling left out, named as in http://hl7.org/fhir/R4/operationoutcome-example-searchfail.json.html"""
    issues = tuple(Issue("not-supported", _without(one), f"http.{one.name}") for one in left_out)
    return _outcome(issues, "warning")


def _outcome(issues: tuple[Issue, ...], severity: str) -> bytes:
    return b'{"resource":' + outcome(issues, severity) + b',"search":{"mode":"outcome"}}'


def _without(one: LeftOut) -> str:
    wider = " The search may find more than was asked for." if one.widens else ""
    return scrub(f"The parameter {one.name} was left out. {one.why}{wider}")


def _links(base: str, query: Query, page: Page) -> list[dict[str, str]]:
    """self and next. A link never carries a CPR number, and next no value at all: links end up in logs and histories."""
    applied = [(name, scrub(value)) for name, value in query.applied]
    links = [{"relation": "self", "url": _url(base, query.place, applied)}]
    if page.next_cursor:
        links.append({"relation": "next", "url": _url(base, query.place, [("_cursor", page.next_cursor)])})
    return links


def _url(base: str, place: str, pairs: Iterable[tuple[str, str]]) -> str:
    text, path = urlencode(list(pairs), safe=":/,|"), f"{base}/{place}" if place else base
    return f"{path}?{text}" if text else path


def everything_bundle(base: str, path: str, asked: Sequence[tuple[str, str]], page: Page, told: bytes = b"") -> bytes:
    """A searchset of what an operation found, put together from stored bytes; ``told`` is an OperationOutcome about it."""
    url = f"{base}/{path}"
    links = [{"relation": "self", "url": _with(url, asked)}]
    if page.next_cursor:
        links.append({"relation": "next", "url": _with(url, [*asked, ("_cursor", page.next_cursor)])})
    entries = [_entry(base, version, b"match", WHOLE) for version in page.matches]
    entries += [_entry(base, version, b"include", WHOLE) for version in page.included]
    if told:
        entries.append(b'{"resource":' + told + b',"search":{"mode":"outcome"}}')
    head = b'{"resourceType":"Bundle","type":"searchset","link":' + orjson.dumps(links)
    return head + (b',"entry":[' + b",".join(entries) + b"]}" if entries else b"}")


def history_bundle(base: str, path: str, page: Page, asked: Sequence[tuple[str, str]] = ()) -> bytes:
    """The history of a resource, a type or the system. ``asked`` are the parameters it was asked for with."""
    url = f"{base}/{path}/_history" if path else f"{base}/_history"
    links = [{"relation": "self", "url": _with(url, asked)}]
    if page.next_cursor:
        links.append({"relation": "next", "url": _with(url, [*asked, ("_cursor", page.next_cursor)])})
    head = b'{"resourceType":"Bundle","type":"history"'
    if page.total is not None:
        head += b',"total":%d' % page.total
    entries = b",".join(_past(base, version) for version in page.matches)
    return head + b',"link":' + orjson.dumps(links) + (b',"entry":[' + entries + b"]}" if entries else b"}")


def _with(url: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(list(pairs), safe=':')}" if pairs else url


def _past(base: str, version: Version) -> bytes:
    method = b"DELETE" if version.deleted else b"POST" if version.version == 1 else b"PUT"
    path = f"{version.type_name}/{version.id}"
    url = version.type_name if method == b"POST" else path
    status = {b"DELETE": "204", b"POST": "201", b"PUT": "200"}[method]
    response = {"status": status, "etag": etag_of(version).decode(), "lastModified": instant(version.updated)}
    resource = b"" if version.deleted else b',"resource":' + version.body
    return (
        b'{"fullUrl":"' + f"{base}/{path}".encode() + b'"' + resource
        + b',"request":{"method":"' + method + b'","url":"' + url.encode() + b'"},"response":' + orjson.dumps(response) + b"}"
    )  # fmt: skip


def response_bundle(base: str, kind: str, outcomes: Sequence[Outcome], wanted: str = "minimal") -> bytes:
    """The answer to a transaction or batch, in the order of its entries. ``wanted`` is what Prefer says of changes."""
    entries = b",".join(_response(base, one, wanted) for one in outcomes)
    head = b'{"resourceType":"Bundle","type":"' + kind.encode() + b'-response"'
    return head + b',"entry":[' + entries + b"]}" if entries else head + b"}"


def _response(base: str, one: Outcome, wanted: str) -> bytes:
    if one.error is not None:
        status = str(status_of(one.error)).encode()
        return b'{"response":{"status":"' + status + b'","outcome":' + outcome(one.error.issues) + b"}}"
    if one.told is not None:
        return (b'{"resource":' + one.told + b"," if one.told else b"{") + b'"response":{"status":"200"}}'
    if one.version is not None:
        return _shown(one.version, known=one.known)
    if one.past is not None and one.page is not None:
        return b'{"resource":' + history_bundle(base, one.past, one.page) + b',"response":{"status":"200"}}'
    if one.page is not None and one.query is not None:
        return b'{"resource":' + search_bundle(base, one.query, one.page) + b',"response":{"status":"200"}}'
    return b'{"response":{"status":"200"}}' if one.written is None else _changed(one.written, wanted)


def _shown(version: Version, *, known: bool) -> bytes:
    told = {
        "status": "304" if known else "200",
        "etag": etag_of(version).decode(),
        "lastModified": instant(version.updated),
    }
    return (b"{" if known else b'{"resource":' + version.body + b",") + b'"response":' + orjson.dumps(told) + b"}"


def _changed(written: Written, wanted: str) -> bytes:
    if written.deleted:
        return b'{"response":{"status":"204"}}'
    told: dict[str, object] = {
        "status": "201" if written.created else "200",
        "location": f"{written.type_name}/{written.id}/_history/{written.version}",
        "etag": etag(written.version).decode(),
        "lastModified": instant(written.updated),
    }
    if wanted == "OperationOutcome":
        told["outcome"] = orjson.Fragment(STORED)
    shown = b'"resource":' + written.body + b"," if wanted == "representation" and written.body else b""
    return b"{" + shown + b'"response":' + orjson.dumps(told) + b"}"
