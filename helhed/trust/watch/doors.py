"""What asks for an explanation at the doors and on shared components: traffic against its own past, and events."""

from collections.abc import Mapping
from dataclasses import dataclass

from helhed.trust.watch.policy import Rule, watch_policy
from helhed.trust.watch.signals import Found


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one client of one organisation, beside the same hour of other such days."""

    client: str
    organisation: int
    asks: int
    days: int
    middle: float
    spread: float


@dataclass(frozen=True, slots=True)
class DoorEvents:
    """Events of one kind that have something in common: a place, or a session; or nothing."""

    about: str
    kind: str
    times: int
    places: int


def traffic(hour: Hour, rules: Mapping[str, Rule]) -> Found | None:
    """A sudden rise, or silence."""
    rise, silence = rules["traffic-rise"], rules["traffic-silence"]
    if hour.asks == 0 and hour.days >= silence.numbers["days"] and hour.middle >= silence.numbers["middle"]:
        return Found(silence.signal, int(silence.numbers["points"]), {"middle": hour.middle})
    usual = max(hour.middle * rise.numbers["times"], hour.middle + rise.numbers["distance"] * (hour.spread + 1))
    if hour.days >= rise.numbers["days"] and hour.asks >= rise.numbers["at_least"] and hour.asks > usual:
        return Found(rise.signal, int(rise.numbers["points"]), {"n": hour.asks, "middle": hour.middle})
    return None


def door(events: DoorEvents, rules: Mapping[str, Rule]) -> Found | None:
    """Brute force from one place or from many, tokens used from many places, and what was revoked and comes again."""
    shown = {"n": events.times, "places": events.places}
    name = _signal(events)
    if name is None:
        return None
    rule = rules[name]
    if events.times < rule.numbers.get("at_least", 1) or events.places < rule.numbers.get("places", 0):
        return None
    return Found(name, int(rule.numbers["points"]), shown)


def _signal(events: DoorEvents) -> str | None:
    if events.kind in {"login-refused", "token-refused", "lookups-refused"}:
        return "brute-force" if events.about else "spraying"
    if events.kind in {"token-after-revocation", "replay"}:
        return "token-revoked"
    return "token-places" if events.kind in {"token-used", "login"} else None


def rules() -> Mapping[str, Rule]:
    """Those of the policy in force."""
    return watch_policy().rules
