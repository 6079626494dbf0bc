"""The words of letters and notes, as plain text: markup is read, never passed on."""

import base64
import binascii
from html.parser import HTMLParser

from helhed.record.paths import Json, objects, text, walk
from helhed.record.reading import Entry, Record

MOST_CHARACTERS = 20_000
_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"}


class _Plain(HTMLParser):
    """Collects text; what is not text (scripts, styles) is dropped."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        self.parts.append("\n" if tag in _BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in ("script", "style")))
        self.parts.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def plain(markup: str) -> str:
    """The text of a narrative, one line a block."""
    parser = _Plain()
    parser.feed(markup[: MOST_CHARACTERS * 4])
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)[:MOST_CHARACTERS]


def words_of(record: Record, entry: Entry) -> str:
    """What a document, a message or a report says, "" when there is nothing to read here."""
    content = entry.content
    if entry.type_name == "Composition":
        return "\n\n".join(_section(section) for section in objects(content.get("section")))[:MOST_CHARACTERS]
    if entry.type_name == "DocumentReference":
        return next((words for a in walk(content, "content.attachment") if (words := _attachment(a))), "")
    if entry.type_name == "Communication":
        return "\n".join(str(words) for words in walk(content, "payload.contentString"))[:MOST_CHARACTERS]
    presented = (words for a in walk(content, "presentedForm") if (words := _attachment(a)))
    return text(content, "conclusion") or next(presented, "") or "\n".join(str(w) for w in walk(content, "note.text"))


def _section(section: Json) -> str:
    heading, body = text(section, "title"), plain(text(section, "text.div"))
    inner = [_section(part) for part in objects(section.get("section"))]
    return "\n".join(part for part in (heading, body, *inner) if part)


def _attachment(attachment: object) -> str:
    """A text attachment's words; other kinds are not opened here."""
    kind = text(attachment, "contentType").split(";")[0].strip()
    if kind not in ("text/plain", "text/html", "application/xhtml+xml", "text/markdown"):
        return ""
    try:
        words = base64.b64decode(text(attachment, "data"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return words[:MOST_CHARACTERS] if kind in ("text/plain", "text/markdown") else plain(words)
