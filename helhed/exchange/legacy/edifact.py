"""EDIFACT in and out (ISO 9735, syntax versions 1 to 3): segments, the release character, and the control counts.

The normal form: the service string as it came, one gap after every segment, no release character where none is needed.
"""

import re
from collections.abc import Iterator

from helhed.exchange.legacy.faults import MOST_BYTES, MOST_PIECES, Place, broken, not_taken, too_large
from helhed.exchange.legacy.tree import Interchange, Legacy, Marks, Segment

#: UNB's syntax identifier -> codec. MedCom sends UNOC (ISO 8859-1); the others are ISO 9735's.
CHARSETS = {"UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso-8859-1", "UNOW": "utf-8"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TAG = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
_SPECIAL = re.compile(r"[:+?']")
_GAP = re.compile(r"[ \t\r\n]*")
_UNSUPPORTED = {
    "UNG": "groups of messages",
    "UNE": "groups of messages",
    "UNO": "binary objects",
    "UNP": "binary objects",
    "UIB": "interactive EDIFACT",
}
GAPS, RELEASES = "white space between segments", "a release character before what needs none"


def read(raw: bytes) -> Legacy:
    """The interchange in ``raw``. Raises BadRequest, NotSupported, TooLarge or Unprocessable, naming the place."""
    if len(raw) > MOST_BYTES:
        raise too_large(f"{MOST_BYTES // 2**20} MiB")
    text = raw.decode("latin-1")
    content, notes = read_text(text)
    charset = _charset(content.segments[0])
    if charset == "utf-8" and not raw.isascii():
        content, notes = read_text(_decoded(raw, charset))
    elif charset == "ascii" and not raw.isascii():
        raise broken(
            f"{content.segments[0].at(1, 1)} has no letters outside ASCII.", _where(content, lambda c: not c.isascii())
        )
    check(content)
    return Legacy(content, charset, normalised=notes)


def write(legacy: Legacy) -> bytes:
    """The interchange as bytes. Raises Unprocessable when a character is not of its charset."""
    assert isinstance(legacy.content, Interchange)
    try:
        return write_text(legacy.content).encode(legacy.charset)
    except UnicodeEncodeError as error:
        raise broken(f"The character {error.object[error.start]!r} is not of {legacy.charset}.", Place("UNB")) from None


def read_text(text: str) -> tuple[Interchange, tuple[str, ...]]:
    """The interchange in decoded text, and what of it is not in the normal form. The control counts are not looked at."""
    una = text.startswith("UNA")
    marks = _marks(text) if una else Marks()
    if sum(text.count(mark) for mark in (marks.end, marks.element, marks.component)) > MOST_PIECES:
        raise too_large(f"{MOST_PIECES} elements")
    start = 9 if una else 0
    gaps = [_GAP.match(text, start)[0]] if una else []  # type: ignore[index]
    segments: list[Segment] = []
    notes: set[str] = set()
    for raw, gap in _pieces(text, start + (len(gaps[0]) if una else 0), marks):
        segments.append(_segment(raw, marks, len(segments) + 1, notes))
        gaps.append(gap)
    if len(segments) < 2:
        raise broken("There is no interchange: it goes from UNB to UNZ.", Place("UNB"))
    tail = gaps.pop()
    if len(set(gaps)) > 1:
        notes.add(GAPS)
    return Interchange(tuple(segments), marks, una, gaps[0], tail), tuple(sorted(notes))


def write_text(content: Interchange) -> str:
    """The interchange as text, in the normal form."""
    marks = content.marks
    special = re.compile("[" + re.escape(marks.component + marks.element + marks.release + marks.end) + "]")
    release = marks.release.replace("\\", "\\\\") + r"\g<0>"
    between = marks.end + content.gap
    written = between.join(segment_text(one, marks, special, release) for one in content.segments)
    head = "UNA" + "".join(marks) + content.gap if content.una else ""
    return head + written + marks.end + content.tail


def segment_text(segment: Segment, marks: Marks, special: re.Pattern[str], release: str) -> str:
    """One segment without its end."""
    elements = [
        marks.component.join([special.sub(release, one) if one else one for one in element])
        for element in segment.elements
    ]
    return marks.element.join([segment.tag, *elements])


def escaped(text: str) -> str:
    """``text`` as a component, under the default service string."""
    return _SPECIAL.sub(r"?\g<0>", text) if _SPECIAL.search(text) else text


def messages(content: Interchange) -> list[tuple[Segment, ...]]:
    """Each message, UNH to UNT."""
    found: list[tuple[Segment, ...]] = []
    begin = 0
    for index, segment in enumerate(content.segments):
        if segment.tag == "UNH":
            begin = index
        elif segment.tag == "UNT":
            found.append(content.segments[begin : index + 1])
    return found


def check(content: Interchange) -> None:
    """Whether it is put together as ISO 9735 says, and its counts are right. Raises NotSupported or Unprocessable."""
    first, last = content.segments[0], content.segments[-1]
    if first.tag != "UNB" or last.tag != "UNZ":
        raise broken(
            "An interchange goes from UNB to UNZ.", Place(first.tag, 1) if first.tag != "UNB" else Place(last.tag)
        )
    counted, begun = 0, 0
    for number, segment in enumerate(content.segments[1:-1], 2):
        if segment.tag in _UNSUPPORTED:
            raise not_taken(f"Interchanges with {_UNSUPPORTED[segment.tag]} are not taken.", Place(segment.tag, number))
        if segment.tag == "UNH":
            counted, begun = counted + 1, _begun(begun, number)
        elif not begun or segment.tag in {"UNB", "UNZ"}:
            raise broken("This stands outside a message: a message goes from UNH to UNT.", Place(segment.tag, number))
        elif segment.tag == "UNT":
            _check_end(content.segments[begun - 1], segment, number - begun + 1, number)
            begun = 0
    if begun or not counted:
        raise broken("A message goes from UNH to UNT, and an interchange has at least one.", Place("UNZ"))
    _check_count(last, counted, "messages", len(content.segments))
    _check_reference(first.at(5, 1), last, len(content.segments))


def recounted(content: Interchange) -> Interchange:
    """The same with right counts, where something was added or left out."""
    segments = list(content.segments)
    begun = counted = 0
    for index, segment in enumerate(segments):
        if segment.tag == "UNH":
            begun, counted = index, counted + 1
        elif segment.tag == "UNT":
            segments[index] = _with_count(segment, index - begun + 1)
        elif segment.tag == "UNZ":
            segments[index] = _with_count(segment, counted)
    return Interchange(tuple(segments), content.marks, content.una, content.gap, content.tail)


def _with_count(segment: Segment, count: int) -> Segment:
    said = segment.at(1, 1)
    if said.isascii() and said.isdigit() and int(said) == count:
        return segment
    return Segment(segment.tag, ((str(count),), *segment.elements[1:]))


def _begun(begun: int, number: int) -> int:
    if begun:
        raise broken("A message begins before the one before it has ended (UNT).", Place("UNH", number))
    return number


def _check_end(begin: Segment, end: Segment, count: int, number: int) -> None:
    _check_count(end, count, "segments", number)
    _check_reference(begin.at(1, 1), end, number)


def _check_count(segment: Segment, count: int, what: str, number: int) -> None:
    said = segment.at(1, 1)
    if not (said.isascii() and said.isdigit() and len(said) < 10 and int(said) == count):
        raise broken(
            f"{segment.tag} says {said[:12]!r} {what}, and there are {count}.", Place(segment.tag, number, 1, 1)
        )


def _check_reference(expected: str, segment: Segment, number: int) -> None:
    if segment.at(2, 1) != expected:
        raise broken(f"{segment.tag} has another number than what it ends.", Place(segment.tag, number, 2, 1))


def _charset(unb: Segment) -> str:
    if unb.tag != "UNB":
        raise broken("An interchange begins with UNB.", Place(unb.tag, 1))
    said = unb.at(1, 1)
    if said not in CHARSETS:
        raise not_taken(f"The character set {said[:8]!r} is none of {', '.join(CHARSETS)}.", Place("UNB", 1, 1, 1))
    return CHARSETS[said]


def _decoded(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset)
    except UnicodeDecodeError as error:
        raise broken(f"Byte {error.start + 1} is not of {charset}.", Place("UNB", 1, 1, 1)) from None


def _marks(text: str) -> Marks:
    marks = Marks(*text[3:9]) if len(text) >= 9 else None
    separators = {marks.component, marks.element, marks.release, marks.end} if marks else set()
    if len(separators) < 4 or any(mark.isalnum() or mark in " \t\r\n" or not mark.isascii() for mark in separators):
        raise broken("The service string does not name four different separators.", Place("UNA"))
    assert marks
    return marks


def _pieces(text: str, start: int, marks: Marks) -> Iterator[tuple[str, str]]:
    """Each segment without its end, and the white space after it."""
    end, release = re.escape(marks.end), re.escape(marks.release)
    whole = re.compile(rf"([^{end}{release}]*+(?:{release}.[^{end}{release}]*+)*+){end}([ \t\r\n]*)", re.DOTALL)
    while start < len(text):
        found = whole.match(text, start)
        if not found:
            raise broken("The last segment has no end: the message is cut off.", Place(text[start : start + 3]))
        yield found[1], found[2]
        start = found.end()


def _segment(raw: str, marks: Marks, number: int, notes: set[str]) -> Segment:
    tag, _, rest = raw.partition(marks.element)
    if not _TAG.fullmatch(tag):
        raise broken(f"A segment begins with its name of three letters, not {tag[:12]!r}.", Place("", number))
    if control := _CONTROL.search(raw):
        raise broken(f"The character {ord(control[0]):#04x} may not stand in a segment.", Place(tag, number))
    if len(tag) == len(raw):
        return Segment(tag, ())
    if marks.release not in raw:
        return Segment(tag, tuple([tuple(one.split(marks.component)) for one in rest.split(marks.element)]))
    return Segment(tag, tuple(_released(rest, marks, notes)))


def _released(rest: str, marks: Marks, notes: set[str]) -> Iterator[tuple[str, ...]]:
    for element in _split(rest, marks.element, marks.release):
        yield tuple(_plain(one, marks, notes) for one in _split(element, marks.component, marks.release))


def _split(text: str, mark: str, release: str) -> list[str]:
    if release not in text:
        return text.split(mark)
    parts, begin, at = [], 0, 0
    while at < len(text):
        if text[at] == release:
            at += 1
        elif text[at] == mark:
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*parts, text[begin:]]


def _plain(text: str, marks: Marks, notes: set[str]) -> str:
    if marks.release not in text:
        return text
    needed = marks.component + marks.element + marks.release + marks.end

    def one(found: re.Match[str]) -> str:
        if found[1] not in needed:
            notes.add(RELEASES)
        return found[1]

    return re.sub(re.escape(marks.release) + "(.)", one, text, flags=re.DOTALL)


def _where(content: Interchange, wrong) -> Place:  # type: ignore[no-untyped-def]
    for number, segment in enumerate(content.segments, 1):
        for element, components in enumerate(segment.elements, 1):
            for component, text in enumerate(components, 1):
                if any(wrong(letter) for letter in text):
                    return Place(segment.tag, number, element, component)
    return Place("UNB")
