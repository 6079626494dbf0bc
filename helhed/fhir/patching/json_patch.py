"""JSON Patch (RFC 6902), with the pointers of RFC 6901."""

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from helhed.foundation.errors import BadRequest, Issue, TooLarge, Unprocessable

_MOST_OPERATIONS = 500
#: what a patch may make a resource out of; copies of copies would grow it without end
_MOST_VALUES = 200_000
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_ESCAPE = re.compile(r"~(?![01])")
_MEMBERS = {
    "add": ("value",), "replace": ("value",), "test": ("value",), "remove": (), "move": ("from",), "copy": ("from",),
}  # fmt: skip


class _Place(NamedTuple):
    """Where a pointer leads: the object or list, and the name or index in it."""

    holder: Any
    key: str | int


def apply(resource: dict[str, Any], operations: Any) -> dict[str, Any]:
    """``resource`` after all ``operations``; the one that was given is not changed.

    Raises BadRequest for what is no JSON Patch, Unprocessable naming the operation that fails (a test that does not hold,
    a place that is not there), TooLarge when the operations are too many or make too much.
    """
    if not isinstance(operations, list):
        raise BadRequest("A JSON Patch is a list of operations.")
    if len(operations) > _MOST_OPERATIONS:
        raise TooLarge(f"A patch takes at most {_MOST_OPERATIONS} operations.")
    for place, operation in enumerate(operations):
        _check(operation, f"Patch[{place}]")
    whole = _Whole(deepcopy(resource))
    for place, operation in enumerate(operations):
        try:
            whole.work(operation)
        except _Fails as fails:
            raise Unprocessable(issues=[Issue("processing", str(fails), f"Patch[{place}]")]) from None
    if not isinstance(whole.content, dict):
        raise Unprocessable("The patch leaves no resource.")
    return whole.content


class _Fails(Exception):
    """Why an operation cannot be done."""


def _check(operation: Any, where: str) -> None:
    op = operation.get("op") if isinstance(operation, dict) else None
    if not isinstance(op, str) or op not in _MEMBERS:
        issue = Issue("value", f"An operation of a JSON Patch has an op of {', '.join(_MEMBERS)}.", where)
        raise BadRequest(issues=[issue])
    missing = [name for name in ("path", *_MEMBERS[op]) if name not in operation]
    if missing:
        raise BadRequest(issues=[Issue("required", f"The operation {op} needs {' and '.join(missing)}.", where)])
    for name in ("path", "from"):
        pointer = operation.get(name, "")
        if not isinstance(pointer, str) or (pointer and pointer[0] != "/") or _ESCAPE.search(pointer):
            raise BadRequest(issues=[Issue("value", f"{name} is a JSON Pointer, as in /name/0/family.", where)])


class _Whole:
    """What is being patched."""

    def __init__(self, content: Any) -> None:
        self.content: Any = content
        self._left = _MOST_VALUES

    def work(self, operation: dict[str, Any]) -> None:
        """Do one operation. Raises _Fails."""
        op, path = operation["op"], operation["path"]
        if op == "test":
            if not same(self._get(path), operation["value"]):
                raise _Fails(f"The value at {_shown(path)} is another one.")
        elif op == "remove":
            self._remove(path)
        elif op == "add":
            self._add(path, self._copied(operation["value"]))
        elif op == "replace":
            self._replace(path, self._copied(operation["value"]))
        else:
            self._take(op, operation["from"], path)

    def _take(self, op: str, source: str, path: str) -> None:
        value = self._get(source)
        if op == "copy":
            self._add(path, self._copied(value))
            return
        if path.startswith(f"{source}/"):
            raise _Fails("Nothing is moved into itself.")
        if path != source:
            self._remove(source)
            self._add(path, value)

    def _copied(self, value: Any) -> Any:
        self._left -= _values_in(value, self._left)
        if self._left < 0:
            raise TooLarge("The patch makes more than a resource may hold.")
        return deepcopy(value)

    def _get(self, path: str) -> Any:
        value = self.content
        for step in _steps(path):
            place = _at(value, step, path)
            value = place.holder[place.key]
        return value

    def _place(self, path: str, *, new: bool) -> _Place:
        *before, last = _steps(path)
        holder = self.content
        for step in before:
            place = _at(holder, step, path)
            holder = place.holder[place.key]
        return _at(holder, last, path, new=new)

    def _add(self, path: str, value: Any) -> None:
        if not path:
            self.content = value
            return
        holder, key = self._place(path, new=True)
        if isinstance(holder, list):
            holder.insert(int(key), value)
        else:
            holder[key] = value

    def _replace(self, path: str, value: Any) -> None:
        if not path:
            self.content = value
            return
        holder, key = self._place(path, new=False)
        holder[key] = value

    def _remove(self, path: str) -> None:
        if not path:
            raise _Fails("A patch does not remove the resource.")
        holder, key = self._place(path, new=False)
        del holder[key]


def _steps(path: str) -> Sequence[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _at(holder: Any, step: str, path: str, *, new: bool = False) -> _Place:
    """The place ``step`` in ``holder``; ``new`` says that it need not be there yet. Raises _Fails."""
    if isinstance(holder, dict) and (new or step in holder):
        return _Place(holder, step)
    if isinstance(holder, list):
        if new and step == "-":
            return _Place(holder, len(holder))
        if _INDEX.fullmatch(step) and int(step) < len(holder) + new:
            return _Place(holder, int(step))
    raise _Fails(f"There is nothing at {_shown(path)}.")


def same(one: Any, other: Any) -> bool:
    """Equality of RFC 6902, section 4.6: numbers by their value, and never a number with a truth value."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _values_in(value: Any, most: int) -> int:
    """How many values there are, counted until they are more than ``most``."""
    found, waiting = 0, [value]
    while waiting and found <= most:
        one = waiting.pop()
        found += 1
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found


def _shown(path: str) -> str:
    return repr(path[:80])
