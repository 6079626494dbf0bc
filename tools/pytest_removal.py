"""Runs tests with a handler taken away: what stays green without it does not prove it.

``tools.conformance`` names a file in ``HELHED_REMOVALS``: test id -> handler. A handler reads ``module:Name``,
``module:Class.method`` or, for one member of a dict, set or tuple, ``module:NAME[member]``. A function that is taken away
answers as the network does to what it does not have; a member is no longer there. Fixtures are made before that.
"""

import importlib
import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from helhed.foundation.errors import NotSupported

VARIABLE = "HELHED_REMOVALS"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """The body of a test without the handler that is named for it."""
    handler = _removals().get(item.nodeid)
    if handler is None:
        return (yield)
    with removed(handler):
        return (yield)


def _removals() -> dict[str, str]:
    path = os.environ.get(VARIABLE)
    if not path:
        return {}
    with open(path, encoding="utf-8") as file:
        found: dict[str, str] = json.load(file)
    return found


@contextmanager
def removed(handler: str) -> Iterator[None]:
    """Take a handler away, and put it back. Raises LookupError or AttributeError for one that is not there."""
    place, _, member = handler.partition("[")
    owner, name = owner_of(place)
    # a static method is put back as one: what stands in the class, not what reading it gives
    standing = vars(owner)[name] if name in vars(owner) else getattr(owner, name)
    setattr(owner, name, _without(standing, member.removesuffix("]")) if member else _refused)
    try:
        yield
    finally:
        setattr(owner, name, standing)


def owner_of(place: str) -> tuple[Any, str]:
    """The module or class that holds a handler, and its name there."""
    module, _, path = place.partition(":")
    *outer, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for one in outer:
        owner = getattr(owner, one)
    getattr(owner, name)
    return owner, name


def _without(members: Any, member: str) -> Any:
    """The collection without a member; a member with a name is known by it."""
    if isinstance(members, dict):
        left = {key: value for key, value in members.items() if key != member}
    else:
        left = type(members)(one for one in members if getattr(one, "name", one) != member)
    if len(left) == len(members):
        raise LookupError(f"nothing is called {member!r} there")
    return left


def _refused(*_: object, **__: object) -> None:
    raise NotSupported("taken away")
