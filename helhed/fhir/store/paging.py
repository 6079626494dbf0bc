"""What a page link of a search holds: the search itself, and where its page ended.

The link carries the whole search, sealed, so that the next page has an address without a single value of the search in
it: no CPR number and no name, whether they were asked for in the address or in the body of a POST.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import orjson

from helhed.fhir.query import CURSOR, LeftOut, Query, parse_search
from helhed.fhir.store.cursor import CursorSigner, not_ours
from helhed.foundation.ask import Ask
from helhed.foundation.errors import BadRequest

#: what forwards a request commonly takes 8 kB of address
LONGEST_CURSOR = 7000
#: what may stand beside a cursor in an address that is nothing but a page link
_BESIDE = frozenset({CURSOR, "_count", "_format", "_pretty"})
#: parameters that say how much of an answer is wanted, and may change from page to page
_PAGE_PARAMETERS = frozenset({"_count", "_total", "_include", "_revinclude", "_summary", "_elements", "_explain"})


class PageLink(NamedTuple):
    """An opened cursor."""

    keys: list[str]  #: the sort keys of the last row
    asked: list[tuple[str, str]]  #: the search, as it was understood
    ignored: tuple[LeftOut, ...]  #: what lenient handling left out of it


def page_link(signer: CursorSigner, ask: Ask, query: Query, keys: list[str]) -> str:
    """The cursor of the page after the row that ``keys`` name. Raises BadRequest for a search too long for a link."""
    held = [keys, query.applied, [tuple(one) for one in query.ignored]]  # orjson knows tuples, and none with names
    cursor = signer.sign(ask, _scope(query.place), zlib.compress(orjson.dumps(held)))
    if len(cursor) > LONGEST_CURSOR:
        raise BadRequest("There are more matches, and this search is too long for a page link: ask for fewer values.")
    return cursor


def open_link(signer: CursorSigner, ask: Ask, place: str, cursor: str) -> PageLink:
    """What a cursor of this actor holds. Raises BadRequest."""
    keys, asked, ignored = orjson.loads(zlib.decompress(signer.read(ask, _scope(place), cursor)))
    return PageLink(keys, [(name, value) for name, value in asked], tuple(LeftOut(*one) for one in ignored))


def asked_query(
    opened: Callable[[str, str], PageLink],
    place: str,
    pairs: Sequence[tuple[str, str]],
    *,
    strict: bool = True,
    base_url: str = "",
    now: datetime | None = None,
    operator: bool = False,
) -> Query:
    """The search that decoded ``pairs`` ask for at a place, in words or by a page link that ``opened`` opens. Raises BadRequest."""
    beside = [name for name, _ in pairs if name not in _BESIDE]
    cursors = [value for name, value in pairs if name == CURSOR]
    if beside or len(cursors) != 1:
        return parse_search(place, pairs, strict=strict, base_url=base_url, now=now, operator=operator)
    link = opened(place, cursors[0])
    counts = [pair for pair in pairs if pair[0] == "_count"]
    asked = [pair for pair in link.asked if not (counts and pair[0] == "_count")]
    query = parse_search(place, [*asked, *counts], base_url=base_url, now=now, operator=operator)
    return replace(query, cursor=cursors[0], ignored=link.ignored)


def keys_after(signer: CursorSigner, ask: Ask, query: Query) -> list[str] | None:
    """Where the page of ``query`` starts; None at the beginning. BadRequest for a cursor of another search."""
    if query.cursor is None:
        return None
    link = open_link(signer, ask, query.place, query.cursor)
    if _search(link.asked) != _search(query.applied):
        raise not_ours()
    return link.keys


def _scope(place: str) -> bytes:
    return b"search " + place.encode()


def _search(asked: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for pair in asked if pair[0] not in _PAGE_PARAMETERS]
