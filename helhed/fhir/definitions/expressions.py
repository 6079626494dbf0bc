"""Search expressions as paths. R4's parameters use a small part of FHIRPath; what falls outside is *unsupported*."""

import re
from hashlib import blake2b
from typing import NamedTuple

from helhed.fhir.definitions import facts


class Step(NamedTuple):
    """One property on the way."""

    name: str
    many: bool


class Path(NamedTuple):
    """A way from the resource to values of one type, with a filter on the last step but ``after`` steps."""

    steps: tuple[Step, ...]
    kind: str  #: type of the values
    only_target: str = ""  #: keep references to this type only
    where: tuple[str, str, int] | None = None  #: (property, value, how many steps come before the filtered object)

    @property
    def winding(self) -> bool:
        """Whether it is more than one plain property."""
        return len(self.steps) != 1 or self.steps[0].many or self.where is not None

    @property
    def jsonpath(self) -> str:
        """PostgreSQL jsonpath to the reference strings (lax mode unwraps arrays)."""
        return (
            "$."
            + ".".join(f'"{step.name}"' for step in self.steps)
            + ('."reference"' if self.kind == "Reference" else "")
        )


def path_key(path: Path) -> int:
    """52 bits of a hash of the path's names (BLAKE2b, RFC 7693), so that a double holds it."""
    names = ".".join(step.name for step in path.steps)
    return int.from_bytes(blake2b(names.encode(), digest_size=8).digest(), "big") >> 12


_AS = re.compile(r"^(.*?)(?:\s+as\s+|\.as\(|\.ofType\()(\w+)\)?(\.\w+)?$")
_RESOLVE = re.compile(r"^(.*)\.where\(\s*resolve\(\) is (\w+)\)$")
_WHERE = re.compile(r"^(.*)\.where\((\w+)='([\w-]+)'\)(.*)$")
_EXISTS = re.compile(r"^(.*)\.exists\(\) and (.*) != false$")
_PLAIN = re.compile(r"^[A-Za-z]+(\.[A-Za-z]+)*$")


def paths_of(type_name: str, expression: str) -> tuple[Path, ...] | None:
    """The paths of ``expression`` that start at ``type_name``; None when a part of it is beyond us."""
    found: list[Path] = []
    for part in expression.split("|"):
        text = part.strip().strip("()") if _balanced(part.strip()) else part.strip()
        if not re.match(rf"\(?({type_name}|Resource|DomainResource)\b", part.strip()) and "." in text:
            continue
        one = _part(type_name, text)
        if one is None:
            return None
        found += one
    return tuple(found)


def paths_below(type_name: str, expression: str) -> tuple[Path, ...]:
    """The paths of an expression that starts below an element of ``type_name``: ``code``, ``value.as(Quantity)``."""
    found: list[Path] = []
    for part in expression.split("|"):
        match = _AS.match(part.strip())
        names, as_type = (match[1], match[2]) if match else (part.strip(), "")
        found += _walk(type_name, names.split("."), as_type)
    return tuple(found)


def _balanced(text: str) -> bool:
    return text.startswith("(") and text.endswith(")") and text.count("(") == 1


def _part(type_name: str, text: str) -> list[Path] | None:
    if match := _EXISTS.match(text):
        return _walk(type_name, match[1].split(".")[1:], "")
    if match := _RESOLVE.match(text):
        inner = _part(type_name, match[1])
        return None if inner is None else [path._replace(only_target=match[2]) for path in inner]
    if match := _WHERE.match(text):
        before = match[1].split(".")[1:]
        rest = [name for name in match[4].split(".") if name]
        inner = _walk(type_name, before + rest, "")
        return [path._replace(where=(match[2], match[3], len(before))) for path in inner]
    if match := _AS.match(text.replace("(", "", 1) if text.startswith("(") else text):
        path = match[1].strip("()").split(".")[1:]
        return _walk(type_name, path, match[2], (match[3] or "").strip("."))
    text = text.replace("[0]", "")
    if not _PLAIN.match(text):
        return None
    parts = text.split(".")
    return _walk(type_name, parts[1:] if len(parts) > 1 or parts[0] == type_name else parts, "")


def _walk(type_name: str, names: list[str], as_type: str, after: str = "") -> list[Path]:
    """Every way along ``names``, choices spread out; the last choice narrowed to ``as_type``."""
    ways: list[tuple[tuple[Step, ...], str]] = [((), type_name)]
    for position, name in enumerate(names):
        narrowed = as_type if position == len(names) - 1 else ""
        ways = [step for way in ways for step in _step(way, name, narrowed)]
    if after:
        ways = [step for way in ways for step in _step(way, after, "")]
    return [Path(steps, kind) for steps, kind in ways]


def _step(way: tuple[tuple[Step, ...], str], name: str, as_type: str) -> list[tuple[tuple[Step, ...], str]]:
    steps, kind = way
    if not facts.is_type(kind):
        return []
    members = facts.elements(kind)
    element = members.get(name) or members.get(name + "[x]")
    if element is None:
        return []
    return [
        ((*steps, Step(prop, element.many)), one)
        for prop, one in element.properties.items()
        if not as_type or one.lower() == as_type.lower()
    ]
