"""Answers of the FHIR door: headers, OperationOutcome, and the one table from errors to status codes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Version
from helhed.foundation import errors
from helhed.foundation.errors import HelhedError, Issue
from helhed.foundation.logging import scrub

Header = tuple[bytes, bytes]
JSON: Header = (b"content-type", b"application/fhir+json; charset=utf-8")
#: no shared cache may keep what one asker may see (invariant 19)
ALWAYS: tuple[Header, ...] = (JSON, (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

_DAYS = b"Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

STATUS: dict[type[HelhedError], int] = {
    errors.BadRequest: 400,
    errors.InvalidResource: 400,
    errors.NotAuthenticated: 401,
    errors.Forbidden: 403,
    errors.Unknown: 404,
    errors.MethodNotAllowed: 405,
    errors.NotAcceptable: 406,
    errors.TooSlow: 408,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Unprocessable: 422,
    errors.TooMany: 429,
    errors.NotSupported: 501,
    errors.Overloaded: 503,
}


@dataclass(slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = field(default=ALWAYS)


def status_of(error: HelhedError) -> int:
    """The status of an error, by the nearest class that has one."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def outcome(issues: tuple[Issue, ...], severity: str = "error") -> bytes:
    """An OperationOutcome."""
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [_issue(issue, severity) for issue in issues]})


def _issue(issue: Issue, severity: str) -> dict[str, Any]:
    """What was asked may be quoted, to show where it is wrong; a number of a person never: answers end up in others' logs."""
    told: dict[str, Any] = {"severity": severity, "code": issue.code, "diagnostics": scrub(issue.diagnostics)}
    if issue.expression:
        told["expression"] = [scrub(issue.expression)]
    return told


#: what a change is answered with when Prefer asks for an OperationOutcome
STORED = outcome((Issue("informational", "Stored."),), "information")


def failure(error: HelhedError, trace: UUID, allow: str = "") -> Answer:
    """The answer to an error. Equal errors give equal bytes; what tells them apart is the request id header.

    ``allow`` are the methods of the address, which a 405 has to name (RFC 9110, section 15.5.6).
    """
    status = status_of(error)
    headers = (*ALWAYS, (b"x-request-id", str(trace).encode()))
    if isinstance(error, errors.NotAuthenticated):
        headers = (*headers, (b"www-authenticate", error.challenge.encode()))
        headers = (*headers, (b"dpop-nonce", error.nonce.encode())) if error.nonce else headers
    elif status == 408:  # whoever sends that slowly is not waited for again (RFC 9110, section 15.5.9)
        headers = (*headers, (b"connection", b"close"))
    elif status == 405:
        headers = (*headers, (b"allow", allow.encode()))
    elif status == 503:
        headers = (*headers, (b"retry-after", b"1"))
    elif status == 429:
        headers = (*headers, (b"retry-after", b"60"))
    return Answer(status, outcome(error.issues), headers)


def unexpected(trace: UUID) -> Answer:
    """The answer when something broke: neutral, with the id that the log shares."""
    issue = Issue("exception", f"Something went wrong here. Tell the operator the number {trace}.")
    return Answer(500, outcome((issue,)), (*ALWAYS, (b"x-request-id", str(trace).encode())))


def etag(version: int) -> bytes:
    """A weak entity tag, as FHIR writes version ids."""
    return b'W/"%d"' % version


def etag_of(version: Version) -> bytes:
    """The entity tag of what is shown, which may be a part of a version."""
    return b'W/"%b"' % version.tag.encode()


def version_headers(version: Version) -> tuple[Header, ...]:
    """ETag and Last-Modified."""
    return (*ALWAYS, (b"etag", etag_of(version)), (b"last-modified", http_date(version.updated)))


def http_date(moment: datetime) -> bytes:
    """A moment in UTC as HTTP writes it (IMF-fixdate, RFC 9110 section 5.6.7)."""
    return b"%s, %02d %s %04d %02d:%02d:%02d GMT" % (
        _DAYS[moment.weekday()], moment.day, _MONTHS[moment.month - 1], moment.year,
        moment.hour, moment.minute, moment.second,
    )  # fmt: skip
