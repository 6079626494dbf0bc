"""What apps may do, in words that somebody can say yes or no to."""

from collections.abc import Sequence
from dataclasses import dataclass

from helhed.portals.language import Words
from helhed.portals.ports.apps import DataScope

_EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Permission:
    """One line with a box to tick."""

    value: str  #: the scopes behind it, with blanks between them
    text: str
    changes: bool  #: it lets the app write or delete


def permissions_of(scopes: Sequence[DataScope], words: Words) -> list[Permission]:
    """One line for all scopes that read the same, in the order they were asked for."""
    lines: dict[tuple[str, bool], list[str]] = {}
    for one in scopes:
        for text, changes in _lines(one, words):
            lines.setdefault((text, changes), []).append(one.text)
    return [Permission(" ".join(dict.fromkeys(values)), text, changes) for (text, changes), values in lines.items()]


def _lines(scope: DataScope, words: Words) -> list[tuple[str, bool]]:
    """What one scope lets an app do; one line, since it is given whole or not at all."""
    data = words("apps.everything") if scope.type_name == _EVERYTHING else words.kind_of_data(scope.type_name)
    letters = set(scope.letters)
    does = [
        words(f"apps.may.{act}")
        for act, needed in (("see", "rs"), ("write", "cu"), ("delete", "d"))
        if letters & set(needed)
    ]
    return [(words("apps.line", does=words.listed(does), data=data), bool(letters & set("cud")))]
