"""The two syntaxes behind one pair of functions, and the letters that one envelope holds."""

from dataclasses import replace

from helhed.exchange.legacy import edifact, oioxml
from helhed.exchange.legacy.faults import Place, broken
from helhed.exchange.legacy.tree import Document, Element, Interchange, Legacy, Segment

#: elements of Emessage that are no letters
BESIDE = frozenset({"Envelope", "GEPJ_Elements", "Local_Elements"})
_BLANK = b" \t\r\n"


def decode(raw: bytes) -> Legacy:
    """The message in ``raw``, whichever of MedCom's two syntaxes it has.

    Lossless: ``encode`` gives the same bytes, or the message says in ``normalised`` what it writes otherwise. Raises BadRequest,
    NotSupported or TooLarge with the place in plain words, and nothing else.
    """
    begin = raw[:4096].removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if begin.startswith(b"<") or raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return oioxml.read(raw)
    if begin.startswith((b"UNA", b"UNB")):
        return edifact.read(raw)
    raise broken("This is neither EDIFACT (UNA or UNB) nor XML.", Place("the beginning"))


def encode(legacy: Legacy) -> bytes:
    """The bytes of a message. Raises BadRequest when a character is not of its charset."""
    return edifact.write(legacy) if isinstance(legacy.content, Interchange) else oioxml.write(legacy)


def letters(legacy: Legacy) -> tuple[Legacy, ...]:
    """Each letter in an envelope of its own: an envelope may hold several. One letter is the message itself."""
    if isinstance(legacy.content, Interchange):
        return _of_interchange(legacy, legacy.content)
    return _of_document(legacy, legacy.content)


def _of_interchange(legacy: Legacy, content: Interchange) -> tuple[Legacy, ...]:
    found = edifact.messages(content)
    if len(found) < 2:
        return (legacy,)
    first, last = content.segments[0], content.segments[-1]
    end = Segment("UNZ", (("1",), *last.elements[1:]))
    return tuple(replace(legacy, content=replace(content, segments=(first, *one, end))) for one in found)


def _of_document(legacy: Legacy, content: Document) -> tuple[Legacy, ...]:
    """What follows a letter, local elements say, belongs to it."""
    root = content.root
    places = [at for at, child in enumerate(root.children) if isinstance(child, Element) and child.local not in BESIDE]
    if len(places) < 2:
        return (legacy,)
    head = root.children[: places[0]]
    parts = [root.children[at:end] for at, end in zip(places, [*places[1:], len(root.children)], strict=True)]
    return tuple(replace(legacy, content=replace(content, root=root._replace(children=head + part))) for part in parts)
