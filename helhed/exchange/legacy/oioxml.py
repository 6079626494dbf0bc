"""MedCom's XML in and out. The parser is expat without a DTD, as decision 0015 has it: nothing is expanded, nothing is fetched.

The normal form: what stands before and after the root word for word; empty elements as ``<Break/>``; double quotes; only
``&amp;``, ``&lt;``, ``&gt;`` and, in attributes, ``&quot;`` and white space as references; no comments within the root.
"""

import re
from typing import Any
from xml.parsers import expat

from helhed.exchange.legacy.faults import DEEPEST, MOST_BYTES, MOST_PIECES, Place, broken, not_taken, too_large
from helhed.exchange.legacy.tree import Document, Element, Legacy

#: declared name -> codec
CHARSETS = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}
_DECLARED = re.compile(rb"\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_NAMESPACE = re.compile(r"http://rep\.oio\.dk/(sundcom\.dk/)?medcom\.dk/xml/schemas/\d{4}/\d\d/\d\d/?")
_BOM = "\ufeff"
_REFERENCES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_QUOTES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
COMMENTS = "comments and instructions within the message"
SPELLING = "how tags, references and empty elements are spelt"


def read(raw: bytes) -> Legacy:
    """The document in ``raw``. Raises BadRequest, NotSupported or TooLarge, naming the place."""
    if len(raw) > MOST_BYTES:
        raise too_large(f"{MOST_BYTES // 2**20} MiB")
    charset = _charset(raw)
    text = _decoded(raw, charset)
    bom = text.startswith(_BOM)
    text = text[1:] if bom else text
    content, notes = read_text(text)
    if not _namespace_of(content.root):
        raise not_taken(
            "This is not a message of MedCom's schemas: its namespace is another.", Place(content.root.name[:40])
        )
    if content.root.local != "Emessage":
        raise not_taken("A message of MedCom's has the root Emessage.", Place(content.root.name[:40]))
    if not notes and write_text(content) != text:
        notes = (SPELLING,)
    return Legacy(content, charset, bom, notes)


def write(legacy: Legacy) -> bytes:
    """The document as bytes. A character that is not of its charset is written as a reference."""
    assert isinstance(legacy.content, Document)
    text = (_BOM if legacy.bom else "") + write_text(legacy.content)
    return text.encode(legacy.charset, "xmlcharrefreplace")


def read_text(text: str) -> tuple[Document, tuple[str, ...]]:
    """The document in decoded text, and what of it is not in the normal form."""
    encoded = text.encode("utf-8", "surrogatepass")
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    reader.listen(parser)
    try:
        parser.Parse(encoded, True)
    except expat.ExpatError as error:
        raise broken(
            "The document is not well-formed XML.", Place(f"line {error.lineno}, column {error.offset + 1}")
        ) from None
    begin, end = reader.begin, encoded.index(b">", reader.end) + 1 if reader.root and reader.root.children else 0
    if not end or reader.root is None:
        raise broken("There is nothing in the message.", Place("the root"))
    content = Document(reader.root, encoded[:begin].decode(), encoded[end:].decode())
    return content, (COMMENTS,) if reader.comments else ()


def write_text(content: Document) -> str:
    """The document as text, in the normal form."""
    parts = [content.prolog]
    element(content.root, parts)
    parts.append(content.epilog)
    return "".join(parts)


def element(one: Element, parts: list[str]) -> None:
    """One element as text, added to ``parts``."""
    if not one.children:
        parts.append(f"<{one.name}{attributes(one)}/>")
        return
    parts.append(f"<{one.name}{attributes(one)}>")
    for child in one.children:
        if isinstance(child, str):
            parts.append(escaped(child))
        else:
            element(child, parts)
    parts.append(f"</{one.name}>")


def attributes(one: Element) -> str:
    """The attributes of an element as they stand in its tag."""
    return "".join([f' {name}="{value.translate(_IN_QUOTES)}"' for name, value in one.attributes])


def escaped(text: str) -> str:
    """``text`` as it stands between tags."""
    return text.translate(_REFERENCES)


def _namespace_of(root: Element) -> str:
    prefix = root.name.rpartition(":")[0]
    said = dict(root.attributes).get(f"xmlns:{prefix}" if prefix else "xmlns", "")
    return said if _NAMESPACE.fullmatch(said) else ""


def _charset(raw: bytes) -> str:
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in raw[:200]:
        raise not_taken("UTF-16 is not taken: send UTF-8 or ISO 8859-1.", Place("the first bytes"))
    found = _DECLARED.match(raw[3:400] if raw.startswith(b"\xef\xbb\xbf") else raw[:400])
    name = found[1].decode().lower() if found else "utf-8"
    if name not in CHARSETS:
        raise not_taken(f"The character set {name!r} is none of {', '.join(CHARSETS)}.", Place("the XML declaration"))
    return CHARSETS[name]


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise broken(f"Byte {error.start + 1} is not of {charset}.", Place(f"line {line}")) from None


class _Reader:
    """Where the parser stands."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.begin = self.end = 0
        self.comments = False
        self._open: list[tuple[str, tuple[tuple[str, str], ...], list[Element | str]]] = []
        self._pieces = 0
        self._parser: Any = None

    def listen(self, parser: Any) -> None:
        """Take what the parser finds."""
        self._parser = parser
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._opened
        parser.EndElementHandler = self._closed
        parser.CharacterDataHandler = self._said
        parser.CommentHandler = parser.ProcessingInstructionHandler = self._aside

    def _opened(self, name: str, said: list[str]) -> None:
        self._pieces += 1 + len(said)
        if self._pieces > MOST_PIECES:
            raise too_large(f"{MOST_PIECES} elements")
        if len(self._open) >= DEEPEST:
            raise broken(f"Elements are nested deeper than {DEEPEST}.", self._place())
        if not self._open:
            self.begin = self._parser.CurrentByteIndex
        self._open.append((name, tuple(zip(said[::2], said[1::2], strict=True)), []))

    def _closed(self, _name: str) -> None:
        name, said, children = self._open.pop()
        made = Element(name, said, tuple(children))
        if self._open:
            self._open[-1][2].append(made)
        else:
            self.root, self.end = made, self._parser.CurrentByteIndex

    def _said(self, text: str) -> None:
        children = self._open[-1][2]
        if children and isinstance(children[-1], str):
            children[-1] += text
        else:
            children.append(text)

    def _aside(self, *_: object) -> None:
        self.comments = self.comments or bool(self._open)

    def _place(self) -> Place:
        return Place(f"line {self._parser.CurrentLineNumber}")


def _refuse_doctype(*_: object) -> None:
    raise broken("A message has no DOCTYPE.", Place("the beginning"))
