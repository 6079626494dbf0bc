"""Whether what is shared is what was messaged: both in one canonical form, and its SHA-256.

Neither form is made from the other. Each side's references are followed by its own means (the entries of the message; the rows,
what they contain, and the registries), and what is behind them takes their place.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

from helhed.exchange.messages.envelope import sor_of
from helhed.exchange.messages.written import dumps
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr

#: what a reference stands for: a resource to look into, a text that names it, or None where it is dangling
Follow = Callable[[str], "dict[str, Any] | str | None"]
#: says how it came or where it is kept, and nothing of whom it is about
_LEFT_OUT = frozenset({"id", "meta", "contained", "text"})
_DEEPEST = 12


def fingerprint(resources: Iterable[Mapping[str, Any]], follow: Callable[[Mapping[str, Any]], Follow]) -> bytes:
    """SHA-256 of some resources, in whatever order they stand."""
    forms = sorted(dumps(canonical(one, follow(one))) for one in resources)
    return sha256(b"\n".join(forms)).digest()


def canonical(resource: Mapping[str, Any], follow: Follow, depth: int = 0) -> Any:
    """What a resource says, wherever it is kept."""

    def form(value: Any) -> Any:
        if isinstance(value, list):
            return [form(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {n: target(v) if n == "reference" and isinstance(v, str) else form(v) for n, v in sorted(value.items())}

    def target(text: str) -> Any:
        found = follow(text)
        if isinstance(found, dict) and depth < _DEEPEST:
            return canonical(found, follow, depth + 1)
        return found if isinstance(found, str) else f"dangling {text}"

    return {name: form(inner) for name, inner in sorted(resource.items()) if name not in _LEFT_OUT}


def messaged(
    entries: Mapping[str, dict[str, Any]], rows: Mapping[str, Any], left: Mapping[str, str]
) -> Callable[[Mapping[str, Any]], Follow]:
    """References as a message has them. ``rows`` are the names of what became rows: they are compared themselves, not followed.
    ``left`` says what those are called that were here already and newer.
    """

    def follow(text: str) -> dict[str, Any] | str | None:
        found = entries.get(text)
        if found is None:
            return None
        if text in left:
            return left[text]
        if text in rows:
            return f"row {found['resourceType']} {content_key(found)}"
        return _named(found)

    return lambda _: follow


def _named(found: dict[str, Any]) -> dict[str, Any] | str:
    if found["resourceType"] == "Patient":
        return "citizen " + (number_of(found) or "")
    if found["resourceType"] == "Organization" and (sor := sor_of(found)):
        return f"unit {sor}"
    return found


def stored(
    patient: Mapping[str, str], units: Mapping[str, str], rows: Mapping[str, dict[str, Any]], left: Mapping[str, str]
) -> Callable[[Mapping[str, Any]], Follow]:
    """References as rows have them: ``patient`` and ``units`` say which number or SOR code a reference stands for."""

    def of(row: Mapping[str, Any]) -> Follow:
        inside = {f"#{one.get('id')}": one for one in row.get("contained", ())}

        def follow(text: str) -> dict[str, Any] | str | None:
            if text in left:
                return left[text]
            if text in patient:
                return "citizen " + patient[text]
            if text in units:
                return f"unit {units[text]}"
            if text in rows:
                return f"row {rows[text]['resourceType']} {content_key(rows[text])}"
            found = inside.get(text)
            return None if found is None else _named(found)

        return follow

    return of


def content_key(resource: Mapping[str, Any]) -> str:
    """A name for a resource that says nothing of where it is kept: what of it refers to nothing."""
    plain = {name: inner for name, inner in resource.items() if name not in _LEFT_OUT and not _refers(inner)}
    return sha256(dumps(_sorted(plain))).hexdigest()[:32]


def _refers(value: Any) -> bool:
    if isinstance(value, dict):
        return "reference" in value or any(_refers(one) for one in value.values())
    return isinstance(value, list) and any(_refers(one) for one in value)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def number_of(patient: Mapping[str, Any]) -> str | None:
    """The first CPR or replacement number of a Patient."""
    some = patient.get("identifier", ())
    return next((normal_cpr(str(i["value"])) for i in some if i.get("system") in {CPR, REPLACEMENT_CPR} and i.get("value")), None)  # fmt: skip


__all__ = ["canonical", "content_key", "fingerprint", "messaged", "number_of", "stored"]
