"""SMART App Launch 2.2 scopes for FHIR resources, as sets of types. A scope is a ceiling; it permits nothing."""

from collections.abc import Mapping
from enum import IntEnum
from functools import reduce

from helhed.fhir.definitions import TYPE_NUMBERS

LETTERS = "cruds"  #: create, read, update, delete, search: in this order, each at most once
Types = frozenset[str] | None  #: None is every type
Pair = tuple[Types, Types]  #: the types that may be read, and written


class Use(IntEnum):
    """What a token is about to be used for, as far as its letters tell it apart."""

    ANY = 0  #: several things at once: transactions, operations, what depends on a condition. Takes every letter
    READ = 1
    SEARCH = 2
    CREATE = 3
    UPDATE = 4
    DELETE = 5


Reach = tuple[Pair, ...]  #: by ``Use``


def types_of(scope: str, level: str) -> Pair:
    """The types that scopes of ``level`` (patient, user or system) let read, and let write, whatever is done with them.

    Reading takes both ``r`` and ``s``, writing all of ``cud``.
    """
    return reach_of(scope, level)[Use.ANY]


def reach_of(scope: str, *levels: str) -> Reach:
    """The types that scopes of these levels let read, and let write, for each use.

    What cannot be held to grants nothing: another level, an unknown type, version 1 words, letters out of order, a search
    condition behind ``?``.
    """
    named: Mapping[str, set[str]] = {letter: set() for letter in LETTERS}
    for one in scope.split():
        for level in levels:
            type_name, letters = parts_of(one, level)
            for letter in letters:
                named[letter].add(type_name)
    create, read, update, delete, search = (_closed(named[letter]) for letter in LETTERS)
    look, change = _both(read, search), reduce(_both, (create, update, delete))
    return (look, change), (read, change), (search, change), (look, create), (read, update), (read, delete)


def parts_of(scope: str, level: str) -> tuple[str, set[str]]:
    """The type and the letters of one scope; no letters when it is not sound."""
    where, _, rest = scope.partition("/")
    type_name, _, text = rest.partition(".")
    letters = set(text)
    in_order = text == "".join(letter for letter in LETTERS if letter in letters)
    sound = where == level and in_order and (type_name == "*" or type_name in TYPE_NUMBERS)
    return type_name, letters if sound else set()


def _closed(types: set[str]) -> Types:
    return None if "*" in types else frozenset(types)


def _both(some: Types, others: Types) -> Types:
    if some is None or others is None:
        return others if some is None else some
    return some & others
