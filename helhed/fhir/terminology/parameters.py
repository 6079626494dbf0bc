"""The input and output of operations: the resource Parameters (http://hl7.org/fhir/R4/parameters.html)."""

from collections.abc import Iterable
from typing import Any

from helhed.fhir.terminology.model import Coding, Json
from helhed.foundation.errors import BadRequest, Issue

_LONGEST = 2000
_NEWEST = 2**31 - 1


class Inputs:
    """What an operation was given. Each getter raises BadRequest for a value of the wrong kind."""

    def __init__(self, parameters: Json, known: Iterable[str]) -> None:
        """Raises BadRequest for what is no Parameters, or holds a parameter that the operation does not know."""
        if parameters.get("resourceType") != "Parameters":
            raise BadRequest("Send a Parameters resource.")
        self._found: dict[str, list[Json]] = {}
        given = parameters.get("parameter", [])
        if not isinstance(given, list):
            raise BadRequest("Parameters.parameter is a list.")
        for one in given:
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise BadRequest("Each parameter has a name.")
            self._found.setdefault(one["name"], []).append(one)
        if unknown := self._found.keys() - set(known):
            raise _wrong(min(unknown), "is no parameter of this operation, or one that is not supported here")

    def has(self, name: str) -> bool:
        """Whether it was given."""
        return name in self._found

    def texts(self, name: str) -> list[str]:
        """Every value of a parameter that may repeat."""
        return [self._text(name, one) for one in self._found.get(name, ())]

    def text(self, name: str) -> str:
        """A text, "" when it was not given."""
        return self._text(name, one) if (one := self._one(name)) else ""

    def needed(self, name: str) -> str:
        """A text that must be given."""
        found = self.text(name)
        if not found:
            raise _wrong(name, "is needed", "required")
        return found

    def flag(self, name: str, otherwise: bool = False) -> bool:
        """True or false."""
        one = self._one(name)
        if one is None:
            return otherwise
        value = _value(one)
        if isinstance(value, bool):
            return value
        if value not in {"true", "false"}:
            raise _wrong(name, "is true or false")
        return bool(value == "true")

    def count(self, name: str) -> int | None:
        """A number that is not negative; None when it was not given."""
        one = self._one(name)
        if one is None:
            return None
        text = str(_value(one))
        if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > _NEWEST:
            raise _wrong(name, "is a whole number, 0 or more")
        return int(text)

    def coding(self, name: str) -> Coding | None:
        """A Coding."""
        one = self._one(name)
        return None if one is None else as_coding(name, one.get("valueCoding"))

    def codings(self, name: str) -> list[Coding]:
        """The codings of a CodeableConcept."""
        one = self._one(name)
        if one is None:
            return []
        concept = one.get("valueCodeableConcept")
        found = concept.get("coding") if isinstance(concept, dict) else None
        if not isinstance(found, list) or not found:
            raise _wrong(name, "is a CodeableConcept with codings")
        return [as_coding(name, coding) for coding in found]

    def resource(self, name: str) -> Json | None:
        """A resource that was given itself."""
        one = self._one(name)
        if one is None:
            return None
        found = one.get("resource")
        if not isinstance(found, dict):
            raise _wrong(name, "is a resource")
        return found

    def parts(self, name: str) -> list[list[Json]]:
        """The parts of each parameter of that name."""
        found = [one.get("part") for one in self._found.get(name, ())]
        if not all(isinstance(parts, list) and all(isinstance(part, dict) for part in parts) for parts in found):
            raise _wrong(name, "has parts")
        return found  # type: ignore[return-value]

    def _one(self, name: str) -> Json | None:
        found = self._found.get(name, [])
        if len(found) > 1:
            raise _wrong(name, "is given more than once")
        return found[0] if found else None

    def _text(self, name: str, one: Json) -> str:
        value = _value(one)
        if not isinstance(value, str) or not value or len(value) > _LONGEST or "\0" in value:
            raise _wrong(name, "is a text")
        return value


def given(**values: Any) -> Json:
    """Parameters from plain values, for callers in Python and for the parameters of a URL. Lists repeat."""
    listed: list[Json] = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Coding):
                listed.append({"name": name, "valueCoding": {k: v for k, v in one._asdict().items() if v}})
            elif isinstance(one, dict) and "resourceType" in one:
                listed.append({"name": name, "resource": one})
            elif isinstance(one, dict):
                listed.append({"name": name, "valueCodeableConcept": one})
            else:
                listed.append({"name": name, "valueBoolean" if isinstance(one, bool) else "valueString": one})
    return {"resourceType": "Parameters", "parameter": listed}


def answer(*listed: Json | None) -> Json:
    """Parameters to answer with; None is left out."""
    return {"resourceType": "Parameters", "parameter": [one for one in listed if one is not None]}


def as_coding(name: str, value: Any) -> Coding:
    """A Coding from its JSON."""
    if not isinstance(value, dict):
        raise _wrong(name, "is a Coding")
    parts = [value.get(part, "") for part in ("system", "code", "version", "display")]
    if not all(isinstance(part, str) and len(part) <= _LONGEST and "\0" not in part for part in parts) or not parts[1]:
        raise _wrong(name, "is a Coding with a code")
    return Coding(*parts)


def _value(one: Json) -> Any:
    return next((value for name, value in one.items() if name.startswith("value")), None)


def _wrong(name: str, why: str, code: str = "invalid") -> BadRequest:
    return BadRequest(issues=[Issue(code, f"{name[:80]} {why}.", f"Parameters.parameter.where(name = '{name[:80]}')")])
