"""Resources of every type, made from the definitions alone: anything that may stand there, with no thought of sense."""

from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS, facts
from helhed.fhir.exact import Decimal
from tests.generative.resources import Drawer

XHTML = "http://www.w3.org/1999/xhtml"
_DIVS = (
    f'<div xmlns="{XHTML}">Æble &amp; &lt;pære&gt;</div>',
    f'<div xmlns="{XHTML}" lang="da" xml:lang="da"><p id="a">en<br/>to</p><table><tr><td></td></tr></table></div>',
)
_TEXTS = ("x", 'a "b" & <c>', "to\nlinjer", " kant\t", "Ærø ½ 👩‍⚕️", "]]>", "&amp;", "'", "a\r\nb")
_DECIMALS = tuple(Decimal(text) for text in ("4.60", "0", "-0.000", "1e3", "1.0E-7", "100", "3.14159265358979323846"))
_VALUES: dict[str, tuple[Any, ...]] = {
    "boolean": (True, False),
    "decimal": _DECIMALS,
    "integer": (0, -7, 2147483647),
    "unsignedInt": (0, 3),
    "positiveInt": (1, 9),
    "xhtml": _DIVS,
    "string": _TEXTS,
    "markdown": _TEXTS,
    "date": ("2026", "2026-11", "2026-11-23"),
    "dateTime": ("2026-11-23T10:00:00+01:00", "2026"),
}
_OTHERS = ("x", "http://example.org/a?b=c&d=e", "urn:oid:1.2")
#: below this an object keeps to what is flat
_DEEPEST = 4


def any_resource(drawer: Drawer, type_name: str) -> dict[str, Any]:
    """A resource of that type with some of its elements."""
    return {"resourceType": type_name, **_object(drawer, type_name, 0)}


def _object(drawer: Drawer, kind: str, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for element in facts.elements(kind).values():
        forms = list(element.properties.items())
        if not drawer.chance(30 if len(forms) < 9 else 10):
            continue
        name, inner = drawer.pick(forms)
        if facts.is_type(inner):
            if depth < _DEEPEST:
                _complex(drawer, made, name, inner, element.many, depth)
        else:
            _primitive(drawer, made, name, inner, element.many, depth, bare=kind not in TYPE_NUMBERS and name in _BARE)
    return made or {"id": "x"}


#: written as attributes, which have no extensions
_BARE = frozenset({"id", "url", "div"})


def _complex(drawer: Drawer, made: dict[str, Any], name: str, inner: str, many: bool, depth: int) -> None:
    def one() -> dict[str, Any]:
        if inner == "Resource":
            return any_resource(drawer, drawer.pick(("Patient", "Observation", "Binary")))
        if inner in TYPE_NUMBERS:
            return any_resource(drawer, inner)
        return _object(drawer, inner, depth + 1)

    made[name] = [one() for _ in range(drawer.number(1, 3))] if many else one()


def _primitive(
    drawer: Drawer, made: dict[str, Any], name: str, inner: str, many: bool, depth: int, *, bare: bool
) -> None:
    pairs = [_pair(drawer, inner, depth, bare=bare) for _ in range(drawer.number(1, 3) if many else 1)]
    values, extras = [value for value, _ in pairs], [extra for _, extra in pairs]
    if any(value is not None for value in values):
        made[name] = values if many else values[0]
    if any(extras):
        made[f"_{name}"] = extras if many else extras[0]


def _pair(drawer: Drawer, inner: str, depth: int, *, bare: bool) -> tuple[Any, Any]:
    """A value, what stands beside it, or both."""
    value = drawer.pick(_VALUES.get(inner, _OTHERS))
    if bare or not drawer.chance(20):
        return value, None
    extra: dict[str, Any] = {"id": "e"} if drawer.chance(50) or depth >= _DEEPEST else {}
    if not extra or drawer.chance(50):
        extra["extension"] = [{"url": "http://example.org/x", "valueString": drawer.pick(_TEXTS)}]
    return (None if drawer.chance(30) else value), extra
