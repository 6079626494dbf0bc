"""What an operation is given: the parameters of the address, or a Parameters resource (operations.html#request)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from helhed.api.door import Door
from helhed.api.request import Request
from helhed.fhir.indexing.dates import interval
from helhed.fhir.parsing import parse_json
from helhed.fhir.query.text import DATE_SHAPE
from helhed.fhir.validation import validate
from helhed.fhir.weight import check_weight
from helhed.foundation.aside import aside
from helhed.foundation.errors import BadRequest, InvalidResource, Issue

_FORMATTING = frozenset({"_format", "_pretty"})
_MOST_DIGITS = 9


@dataclass(slots=True)
class Given:
    """Values as texts, in order, and resources by the name of their parameter."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        """The value of a parameter that stands once at most. Raises BadRequest."""
        found = [value for own, value in self.pairs if own == name]
        if len(found) > 1:
            raise BadRequest(f"The parameter {name} stands once.")
        return found[0] if found else None

    def only(self, operation: str, *names: str) -> None:
        """Raises BadRequest for a parameter that the operation does not have."""
        for name in [*(own for own, _ in self.pairs), *self.resources]:
            if name not in names:
                raise BadRequest(f"${operation} has no parameter called {name[:60]!r} here.")

    def count(self, name: str, usual: int, most: int) -> int:
        """A number of things, at least one and at most ``most``. Raises BadRequest."""
        text = self.one(name)
        if text is None:
            return usual
        if not (text.isascii() and text.isdigit() and 0 < len(text) <= _MOST_DIGITS and int(text)):
            raise BadRequest(f"The parameter {name} is a whole number of at least 1.")
        return min(int(text), most)

    def moments(self, name: str) -> tuple[datetime, datetime] | None:
        """First and last moment of a date. Raises BadRequest."""
        text = self.one(name)
        if text is None:
            return None
        text = text.replace(" ", "+")  # a plus sign that was not encoded
        try:
            if not DATE_SHAPE.fullmatch(text):
                raise ValueError(text)
            return interval(text)
        except ValueError:
            raise BadRequest(f"The parameter {name} needs a real date such as 2026-11-23.") from None

    def flag(self, name: str) -> bool:
        """A boolean that is false when it is absent. Raises BadRequest."""
        text = self.one(name)
        if text not in {None, "true", "false"}:
            raise BadRequest(f"The parameter {name} is true or false.")
        return text == "true"


async def given(door: Door, request: Request) -> Given:
    """What came. Raises BadRequest or InvalidResource; of a POST with another resource, that is its ``resource``."""
    found = Given([pair for pair in request.pairs() if pair[0] not in _FORMATTING])
    if request.method != "POST":
        return found
    raw = await request.json_body()
    if not raw:
        return found

    def parsed() -> dict[str, Any]:
        check_weight(raw, door.most_elements)
        return parse_json(raw, limits=door.limits)

    body = await aside(len(raw), parsed)
    if body.get("resourceType") != "Parameters":
        found.resources["resource"] = body
        return found
    _take(found, body)
    return found


def _take(found: Given, parameters: dict[str, Any]) -> None:
    bare = {**parameters, "parameter": [_without_resource(one) for one in _listed(parameters)]}
    if not bare["parameter"]:
        del bare["parameter"]
    if issues := validate(bare):
        raise InvalidResource(issues=issues)
    for place, one in enumerate(_listed(parameters)):
        name, where = one["name"], f"Parameters.parameter[{place}]"
        values = [_plain(inner) for own, inner in one.items() if own.startswith("value")]
        resource = one.get("resource")
        if isinstance(resource, dict) and name not in found.resources and not values:
            found.resources[name] = resource
        elif len(values) == 1 and resource is None and isinstance(values[0], (str, int, float)):
            text = str(values[0]).lower() if isinstance(values[0], bool) else str(values[0])
            found.pairs.append((name, text))
        else:
            raise InvalidResource(
                issues=[Issue("value", "A parameter has one plain value, one reference, or one resource.", where)]
            )


def _plain(value: Any) -> Any:
    """A value, or the text of a reference."""
    return value["reference"] if isinstance(value, dict) and isinstance(value.get("reference"), str) else value


def _listed(parameters: dict[str, Any]) -> list[Any]:
    found = parameters.get("parameter", [])
    return found if isinstance(found, list) else []


def _without_resource(one: Any) -> Any:
    """A parameter without its resource, which is not checked here: $validate is there to tell what is wrong with it."""
    if not isinstance(one, dict) or "resource" not in one:
        return one
    rest = {name: inner for name, inner in one.items() if name != "resource"}
    return {**rest, "valueBoolean": True} if len(rest) == 1 else rest
