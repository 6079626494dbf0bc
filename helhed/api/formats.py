"""JSON or XML: which form an answer is asked in, and the last step that writes it (http://hl7.org/fhir/R4/http.html#mime-type)."""

import re
from dataclasses import replace

from helhed.api.answers import JSON, Answer, Header
from helhed.api.request import XML_TYPES, parse_pairs
from helhed.fhir.xml import CannotBeXml, xml_of
from helhed.foundation.aside import aside
from helhed.foundation.errors import BadRequest, NotAcceptable

XML: Header = (b"content-type", b"application/fhir+xml; charset=utf-8")
_JSON_TYPES = frozenset({"application/fhir+json", "application/json", "text/json", "application/*", "*/*"})
#: what nearly every client sends: nothing has to be weighed
PLAIN = frozenset({b"application/fhir+json", b"application/json", b"*/*"})
_SOME_JSON = (b"json", b"*/*", b"application/*")
_OF_XML = XML_TYPES | {"xml", "text/*"}
_OF_JSON = _JSON_TYPES | {"json"}
_QUALITY = re.compile(r"q=(0(\.\d{0,3})?|1(\.0{0,3})?)")
_FORMAT = "_format"
_BUNDLE = b'{"resourceType":"Bundle"'
_NEXT = re.compile(rb'("relation":"next","url":"[^"?]*\?[^"]*)')
#: XML is about this much more work per byte than what else is done aside
_WEIGHT = 4


def wants_xml(accept: bytes | None, query: bytes) -> bool:
    """Whether the answer is asked in XML. ``_format`` goes before Accept. Raises NotAcceptable and BadRequest."""
    if b"_format" in query:
        asked = next((value for name, value in parse_pairs(query) if name == _FORMAT), None)
        if asked is not None:
            return _chosen([(_media(asked.replace(" ", "+")), 1.0)])
    if accept is None or accept in PLAIN or (b"xml" not in accept and any(form in accept for form in _SOME_JSON)):
        return False
    return _chosen([_weighed(part) for part in accept.decode("latin-1").split(",")])


def _chosen(wanted: list[tuple[str, float]]) -> bool:
    """XML only when it is wanted more than JSON."""
    xml = max((quality for media, quality in wanted if media in _OF_XML), default=0.0)
    json = max((quality for media, quality in wanted if media in _OF_JSON), default=0.0)
    if not xml and not json:
        raise NotAcceptable
    return xml > json


def _weighed(part: str) -> tuple[str, float]:
    """A media range and how much it is wanted (RFC 9110, section 12.5.1); an unreadable weight counts as none given."""
    found = next((one for one in map(_QUALITY.fullmatch, part.lower().replace(" ", "").split(";")[1:]) if one), None)
    return _media(part), float(found[1]) if found else 1.0


def _media(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def asks_xml(accept: bytes | None, query: bytes) -> bool:
    """The same for an answer that says what was wrong: where nothing that exists here was asked for, JSON."""
    try:
        return wants_xml(accept, query)
    except (BadRequest, NotAcceptable):
        return False


async def in_xml(answer: Answer, query: bytes) -> Answer:
    """The answer in XML; as it is when it is no FHIR JSON, is empty, or holds what XML cannot say (decision 0015)."""
    if JSON not in answer.headers or not answer.body:
        return answer
    body = _kept(answer.body) if b"_format" in query else answer.body
    try:
        written = await aside(_WEIGHT * len(body), lambda: xml_of(body))
    except CannotBeXml:
        return answer
    return replace(answer, body=written, headers=tuple(XML if one == JSON else one for one in answer.headers))


def _kept(body: bytes) -> bytes:
    """The next page is asked in the form of this one: only its link can say so to a client that sends no Accept."""
    head, entries, rest = body.partition(b',"entry":[')
    return _NEXT.sub(rb"\1&_format=xml", head) + entries + rest if head.startswith(_BUNDLE) else body
