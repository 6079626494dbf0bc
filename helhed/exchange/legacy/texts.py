r"""Formatted text: MedCom's marks on one side, XHTML and plain lines on the other.

In between it is runs: a format code of MedCom's FTX segments (``P00`` proportional, ``F00`` fixed, ``PF0`` bold ...) and text with
``\n`` for a break. EDIFACT cuts text into components: one that ends in a backslash goes on without a break, a lone full stop is an
empty line.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from html import unescape
from typing import Any

from helhed.exchange.legacy.tree import Element

Runs = list[tuple[str, str]]

XHTML = "http://www.w3.org/1999/xhtml"
WIDTH, COMPONENTS = 70, 5  #: FTX: characters of a component, components of a segment
PLAIN = "P00"
_FIXED = "white-space:pre-wrap;font-family:monospace"
#: format code -> the elements of MedCom's XML, outermost first; FTX has the code itself
ELEMENTS = {
    "P00": (), "P0H": ("Right",), "P0M": ("Center",), "PF0": ("Bold",), "PU0": ("Underline",), "PK0": ("Italic",),
    "F00": ("FixedFont",), "F0H": ("FixedFont", "Right"), "F0M": ("FixedFont", "Center"), "FF0": ("FixedFont", "Bold"),
    "FU0": ("FixedFont", "Underline"), "FK0": ("FixedFont", "Italic"),
}  # fmt: skip
_CODES = {elements: code for code, elements in ELEMENTS.items()}
_MARKS = frozenset(name for elements in ELEMENTS.values() for name in elements)
#: format code -> what stands around a run in XHTML
_AROUND = {
    "P00": ("", ""),
    "PF0": ("<b>", "</b>"),
    "PK0": ("<i>", "</i>"),
    "PU0": ("<u>", "</u>"),
    "F00": ("<tt>", "</tt>"),
    "FF0": ("<tt><b>", "</b></tt>"),
    "FK0": ("<tt><i>", "</i></tt>"),
    "FU0": ("<tt><u>", "</u></tt>"),
    "P0H": ('<span style="display:block;text-align:right">', "</span>"),
    "P0M": ('<span style="display:block;text-align:center">', "</span>"),
    "F0H": ('<span style="display:block;text-align:right"><tt>', "</tt></span>"),
    "F0M": ('<span style="display:block;text-align:center"><tt>', "</tt></span>"),
}
_OPEN = f'<div xmlns="{XHTML}"><p style="white-space:pre-wrap">'
_CLOSE = "</p></div>"
_RUN = re.compile(
    "|".join(
        f"{re.escape(a)}(?P<{code}>.*?){re.escape(b)}"
        for code, (a, b) in sorted(_AROUND.items(), key=lambda x: -len(x[1][0]))
        if a
    )
    + "|(?P<P00>(?:[^<]|<br/>)+)",
    re.DOTALL,
)


def said(runs: Runs) -> str:
    """The text alone."""
    return "".join([text for _, text in runs])


def digest(text: str) -> str:
    """A short mark of a text, to see whether it is still the same."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def merged(pieces: Iterable[tuple[str, str]]) -> Runs:
    """Neighbours of one format as one run."""
    runs: Runs = []
    for code, text in pieces:
        if runs and runs[-1][0] == code:
            runs[-1] = (code, runs[-1][1] + text)
        elif text:
            runs.append((code, text))
    return runs


# --- XHTML ------------------------------------------------------------------------------------------------------------


def to_xhtml(runs: Runs) -> str:
    """A narrative's ``div``."""
    return _OPEN + "".join([_AROUND[code][0] + _quoted(text) + _AROUND[code][1] for code, text in runs]) + _CLOSE


def from_xhtml(div: str) -> Runs:
    """What ``to_xhtml`` was given. Another narrative gives its text, with a break after each block."""
    if div.startswith(_OPEN) and div.endswith(_CLOSE):
        runs, at, inner = [], 0, div[len(_OPEN) : -len(_CLOSE)]
        while at < len(inner) and (found := _RUN.match(inner, at)):
            runs.append((str(found.lastgroup), _unquoted(str(found[str(found.lastgroup)]))))
            at = found.end()
        if at == len(inner) and not any("<" in text and "<" not in unescape(text) for _, text in runs):
            return merged(runs)
    blocks = re.sub(r"<br\s*/?>|</(p|div|li|tr|h[1-6])>", "\n", div)
    text = unescape(re.sub(r"<[^>]*>", "", blocks)).strip()
    return [(PLAIN, text + "\n")] if text else []


def _quoted(text: str) -> str:
    quoted = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return quoted.replace("\n", "<br/>")


def _unquoted(text: str) -> str:
    return unescape(text.replace("<br/>", "\n"))


# --- XML --------------------------------------------------------------------------------------------------------------


def from_element(one: Element) -> Runs | None:
    """The runs of a formatted element; None when it holds other elements than MedCom's marks, or attributes."""
    pieces: list[tuple[str, str]] = []
    return merged(pieces) if _collect(one, (), pieces) else None


def to_children(runs: Runs, prefix: str) -> str:
    """The same as it stands within the element, as text of XML."""
    parts = []
    for code, text in runs:
        names = [prefix + name for name in ELEMENTS[code]]
        quoted = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
        parts += [f"<{name}>" for name in names]
        parts += [quoted.replace("\n", f"<{prefix}Break/>"), *[f"</{name}>" for name in reversed(names)]]
    return "".join(parts)


def _collect(one: Element, around: tuple[str, ...], pieces: list[tuple[str, str]]) -> bool:
    for child in one.children:
        if isinstance(child, str):
            pieces.append((_CODES[around], child))
        elif child.local == "Break" and not child.children and not child.attributes:
            pieces.append((_CODES[around], "\n"))
        elif (
            child.attributes
            or child.local not in _MARKS
            or (*around, child.local) not in _CODES
            or not _collect(child, (*around, child.local), pieces)
        ):
            return False
    return True


# --- EDIFACT ----------------------------------------------------------------------------------------------------------


def from_components(parts: Sequence[tuple[str, Sequence[str]]]) -> tuple[Runs, list[Any]]:
    """The runs of FTX segments (format code, components), and how they were cut: code, and a number for each component.

    ``n`` is n characters and a break; ``-1-n`` is n characters and a backslash; None is an empty line told by a full stop.
    """
    pieces: list[tuple[str, str]] = []
    cuts: list[Any] = []
    for code, components in parts:
        known = code if code in ELEMENTS else "F00"
        lengths: list[int | None] = []
        for one in components:
            text, length = _uncut(one)
            pieces.append((known, text))
            lengths.append(length)
        cuts.append([code, lengths])
    return merged(pieces), cuts


def to_components(runs: Runs, cuts: list[Any]) -> list[tuple[str, list[str]]]:
    """FTX segments of the runs, cut as they were when that still fits, else anew."""
    return _recut(runs, cuts) or wrapped(runs)


def wrapped(runs: Runs) -> list[tuple[str, list[str]]]:
    """FTX segments in the normal form: lines of 70, five to a segment."""
    found: list[tuple[str, list[str]]] = []
    for code, text in runs:
        lines = text.split("\n")
        components = [part for line in lines[:-1] for part in _line(line)]
        if lines[-1]:
            *whole, last = _line(lines[-1])
            components += [*whole, last + "\\"]
        found += [(code, components[at : at + COMPONENTS]) for at in range(0, len(components), COMPONENTS)]
    return found


def _uncut(one: str) -> tuple[str, int | None]:
    if one == ".":
        return "\n", None
    if one.endswith("\\"):
        return one[:-1], -len(one)
    return one + "\n", len(one)


def _line(line: str) -> list[str]:
    if line in {"", "."}:
        return ["."] if not line else [".\\", ""]
    room = WIDTH - 1
    parts = [line[at : at + room] for at in range(0, len(line), room)]
    last = [parts[-1]] if not parts[-1].endswith("\\") and parts[-1] != "." else [parts[-1] + "\\", ""]
    return [*[part + "\\" for part in parts[:-1]], *last]


def _recut(runs: Runs, cuts: list[Any]) -> list[tuple[str, list[str]]] | None:
    text, found, at = said(runs), [], 0
    for code, lengths in cuts:
        components = []
        for length in lengths:
            size = 0 if length is None else length if length >= 0 else -length - 1
            components.append("." if length is None else text[at : at + size] + ("\\" if length < 0 else ""))
            at += size + (0 if length is not None and length < 0 else 1)
        found.append((code, components))
    again, _ = from_components(found)
    return found if again == runs else None
