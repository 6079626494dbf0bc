"""SMART App Launch 2.2 scopes for FHIR resources, as sets of types. A scope is a ceiling; it permits nothing."""

from helhed.fhir.definitions import TYPE_NUMBERS

_LETTERS = "cruds"  #: create, read, update, delete, search: in this order, each at most once
Types = frozenset[str] | None  #: None is every type


def types_of(scope: str, level: str) -> tuple[Types, Types]:
    """The types that scopes of ``level`` (patient, user or system) let read, and let write.

    Reading takes both ``r`` and ``s``, writing all of ``cud``: the halves are not told apart yet, so a half grants nothing.
    Nor does what cannot be held to: another level, an unknown type, version 1 words, letters out of order, a search
    condition behind ``?``.
    """
    read: set[str] = set()
    write: set[str] = set()
    for one in scope.split():
        type_name, letters = _parts(one, level)
        if {"r", "s"} <= letters:
            read.add(type_name)
        if {"c", "u", "d"} <= letters:
            write.add(type_name)
    return _closed(read), _closed(write)


def _parts(scope: str, level: str) -> tuple[str, set[str]]:
    """The type and the letters of one scope; no letters when it is not sound."""
    where, _, rest = scope.partition("/")
    type_name, _, text = rest.partition(".")
    letters = set(text)
    in_order = text == "".join(letter for letter in _LETTERS if letter in letters)
    sound = where == level and in_order and (type_name == "*" or type_name in TYPE_NUMBERS)
    return type_name, letters if sound else set()


def _closed(types: set[str]) -> Types:
    return None if "*" in types else frozenset(types)
