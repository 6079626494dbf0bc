"""A Binary as the bytes it holds (http://hl7.org/fhir/R4/binary.html#rest): read by whoever asks for no form of FHIR, and sent so.

What is handed out was written by somebody else and is shown by a browser on this network's own address, so it comes as a file
to keep, in a sandbox without scripts, and as no other type than it says.
"""

import binascii
import re
from base64 import b64encode
from typing import Any

import orjson

from helhed.api.answers import JSON, Answer, Header, version_headers
from helhed.api.request import FHIR_TYPES, XML_TYPES, Request
from helhed.fhir.changes import Version
from helhed.foundation.aside import aside
from helhed.foundation.errors import TooLarge, Unprocessable, UnsupportedMediaType

BINARY = "Binary"
_OF_FHIR = frozenset({"application/fhir+json", "application/fhir+xml"})
#: types that a client may want the resource in, unless the content itself is of that type
_GENERAL = (FHIR_TYPES | XML_TYPES | {"text/json"}) - _OF_FHIR
_UNKNOWN = "application/octet-stream"
#: RFC 9110, section 8.3.1, without the quoted strings that nobody needs; nothing else gets into a header
_MEDIA = re.compile(
    r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}(?:; ?[\w!#$&^.+-]{1,64}=[\w!#$&^.+-]{1,64}){0,4}", re.ASCII
)
_PLACE = re.compile(r"Binary/[^/_$][^/]*(/_history/[^/]+)?")
_REFERENCE = re.compile(r"[A-Za-z0-9:/._~?=&|%-]{1,200}")
_SAFELY: tuple[Header, ...] = (
    (b"content-security-policy", b"sandbox; default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"vary", b"accept"),
)


def may_be_bytes(request: Request) -> bool:
    """Whether this reads a Binary, or a version of one, and could be answered with its bytes."""
    if request.method not in {"GET", "HEAD"} or request.parts[:1] != [BINARY] or b"_format" in request.query:
        return False
    return _PLACE.fullmatch("/".join(request.parts)) is not None


def wants_bytes(request: Request, content_type: str) -> bool:
    """Whether the asker named no form of FHIR (http://hl7.org/fhir/R4/binary.html#rest)."""
    if b"_format" in request.query:
        return False
    ranges = [part.partition(";") for part in request.header(b"accept").lower().split(",")]
    media = {one.strip() for one, _, rest in ranges if not re.search(r"q=0(\.0*)?(;|$)", rest.replace(" ", ""))}
    if media & _OF_FHIR:
        return False
    general = media & _GENERAL
    return not general or content_type.partition(";")[0] in general


async def in_bytes(request: Request, version: Version, answer: Answer) -> Answer:
    """The answer with the content of a Binary, when that was asked for; as it is otherwise, and when there is nothing to tell."""
    if version.deleted or not answer.body:
        return answer
    return await aside(len(answer.body), lambda: _in_bytes(request, version, answer))


def _in_bytes(request: Request, version: Version, answer: Answer) -> Answer:
    resource = orjson.loads(version.body)
    content_type = _media(resource.get("contentType"))
    if not wants_bytes(request, content_type):
        return Answer(answer.status, answer.body, (*answer.headers, (b"vary", b"accept")))
    try:
        content = binascii.a2b_base64(str(resource.get("data", "")))
    except binascii.Error:  # of a time when its shape was not checked
        return answer
    told = tuple(one for one in version_headers(version) if one != JSON)
    name = f'attachment; filename="{BINARY}-{version.id}"'.encode()
    headers = ((b"content-type", content_type.encode()), *told, *_SAFELY, (b"content-disposition", name))
    return Answer(answer.status, content, (*headers, *_context(resource)))


def _media(text: Any) -> str:
    """The content's own type; octets for one that could be read as anything else than a type."""
    return text if isinstance(text, str) and _MEDIA.fullmatch(text) else _UNKNOWN


def _context(resource: dict[str, Any]) -> tuple[Header, ...]:
    context = resource.get("securityContext")
    reference = context.get("reference") if isinstance(context, dict) else None
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        return ()
    return ((b"x-security-context", reference.encode()),)


def sends_bytes(request: Request, type_name: str) -> bool:
    """Whether the body is the content of a Binary rather than a resource."""
    media = request.header(b"content-type").partition(";")[0].strip().lower()
    return type_name == BINARY and media not in FHIR_TYPES | XML_TYPES


async def sent_bytes(request: Request, name: str = "") -> bytes:
    """The Binary of a request that sent its content, as JSON. ``name`` is the id of one that is there already.

    Raises UnsupportedMediaType, TooLarge, and Unprocessable when it does not say whose it is.
    """
    media = request.header(b"content-type").strip()
    if not _MEDIA.fullmatch(media):
        raise UnsupportedMediaType("Say in Content-Type what the content is, as type/subtype.")
    if request.header(b"content-encoding") not in {"", "identity"}:
        raise UnsupportedMediaType("Compressed requests are not taken.")
    content = await request.body()
    context = request.header(b"x-security-context").strip()
    if not context:
        raise Unprocessable("Say whose the content is: X-Security-Context with Patient/ and the id.")
    resource: dict[str, Any] = {"resourceType": BINARY, **({"id": name} if name else {}), "contentType": media}
    resource |= {"securityContext": {"reference": context}}

    def written() -> bytes:
        return orjson.dumps({**resource, **({"data": b64encode(content).decode()} if content else {})})

    raw = await aside(len(content), written)
    if len(raw) > request.max_body_bytes:  # as much as the same Binary sent as JSON could be
        raise TooLarge(f"The content of a Binary is at most {3 * request.max_body_bytes // 2**22} MiB.")
    return raw


__all__ = ["BINARY", "in_bytes", "may_be_bytes", "sends_bytes", "sent_bytes", "wants_bytes"]
