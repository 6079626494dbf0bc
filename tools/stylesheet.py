"""Reducing a stylesheet to the rules that pages can use.

The reduction is conservative: a rule goes only when each of its selectors names a class or an id that occurs nowhere in
the sources of the pages, as a word of its own or as the end of a word put together (``button-{{ kind }}``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAMED = re.compile(r"[.#](-?[_a-zA-Z][-\w]*)")
_NEGATED = re.compile(r":not\([^()]*(?:\([^()]*\)[^()]*)*\)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_WORD = re.compile(r"[A-Za-z_][-\w]*")
_KEYFRAMES = re.compile(r"@(?:-\w+-)?keyframes\s+([-\w]+)")
_NESTING = ("@media", "@supports", "@layer", "@container")


@dataclass(frozen=True, slots=True)
class Rule:
    """A prelude (selectors, or an at-rule) and the text in its braces."""

    prelude: str
    body: str

    def __str__(self) -> str:
        return f"{self.prelude}{{{self.body}}}"


class Used:
    """The words of the pages' sources: what a class or an id there could be called."""

    def __init__(self, *sources: str) -> None:
        self._words = {word for source in sources for word in _WORD.findall(source)}
        self._beginnings = tuple(word for word in self._words if word.endswith("-"))

    def name(self, name: str) -> bool:
        """Whether a page could carry this class or id."""
        return name in self._words or name.startswith(self._beginnings)

    def selector(self, selector: str) -> bool:
        """Whether a page could hold an element that this selector matches."""
        plain = _QUOTED.sub("", _NEGATED.sub("", selector))
        return all(self.name(name) for name in _NAMED.findall(plain))


def reduce(css: str, used: Used) -> str:
    """The stylesheet without the rules that no page can use, and without its fonts (``@font-face``)."""
    kept = "".join(_kept(_COMMENT.sub("", css), used))
    return "".join(str(rule) for rule in rules(kept) if _moves_something(rule, kept))


def rules(css: str) -> Iterator[Rule]:
    """The rules at the outermost level. ValueError when braces do not match."""
    position = 0
    while (opening := css.find("{", position)) >= 0:
        closing = _closing(css, opening)
        yield Rule(css[position:opening].rpartition(";")[2].strip(), css[opening + 1 : closing])
        position = closing + 1


def addresses(css: str) -> set[str]:
    """The relative addresses that a stylesheet refers to."""
    found = (address.strip("\"' ") for address in re.findall(r"url\(([^)]*)\)", css))
    return {address for address in found if not address.startswith(("data:", "#"))}


def _closing(css: str, opening: int) -> int:
    depth = 0
    for brace in re.finditer(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[{}]", css[opening:]):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return opening + brace.start()
    raise ValueError(f"a brace is not closed after: {css[opening - 40 : opening]}")


def _kept(css: str, used: Used) -> Iterator[str]:
    for rule in rules(css):
        if rule.prelude.startswith("@font-face"):
            continue
        if rule.prelude.startswith(_NESTING):
            inner = "".join(_kept(rule.body, used))
            if inner:
                yield str(Rule(rule.prelude, inner))
        elif rule.prelude.startswith("@"):
            yield str(rule)
        elif selectors := [one for one in _selectors(rule.prelude) if used.selector(one)]:
            yield str(Rule(",".join(selectors), rule.body))


def _selectors(prelude: str) -> list[str]:
    """Selectors of a list, split at the commas that stand outside parentheses and quotes."""
    parts, depth, start = [], 0, 0
    for mark in re.finditer(r"\"[^\"]*\"|'[^']*'|[(),]", prelude):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if mark[0] == "," and depth == 0:
            parts.append(prelude[start : mark.start()].strip())
            start = mark.end()
    return [*parts, prelude[start:].strip()]


def _moves_something(rule: Rule, css: str) -> bool:
    name = _KEYFRAMES.match(rule.prelude)
    return name is None or re.search(rf"animation[-\w]*:[^;}}]*{re.escape(name[1])}\b", css) is not None
