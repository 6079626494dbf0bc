"""What may be asked of ``Subscription``, the words of the backport guide, and the bounds, which are dated data."""

from dataclasses import dataclass
from functools import cache

from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, type_definition
from helhed.fhir.virtual import VirtualShape
from helhed.trust.policy import document

SUBSCRIPTIONS = VirtualShape(
    "Subscription",
    {"status": "token", "type": "token", "url": "uri", "criteria": "string", "payload": "token"},
    frozenset({"POST", "PUT", "DELETE"}),
)

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
FILTER, CONTENT = GUIDE + "backport-filter-criteria", GUIDE + "backport-payload-content"
HEARTBEAT, TIMEOUT, MOST = GUIDE + "backport-heartbeat-period", GUIDE + "backport-timeout", GUIDE + "backport-max-count"
TOPICS_TOLD = GUIDE + "capabilitystatement-subscriptiontopic-canonical"
CONTENTS = ("empty", "id-only", "full-resource")
_TOPIC = "urn:helhed:subscription-topic:"


def topic_of(type_name: str) -> str:
    """The canonical of the topic *one of this type was created or changed, and you may see it*."""
    return _TOPIC + type_name


def type_of_topic(canonical: str) -> str | None:
    """The type of a topic of ours; None for any other."""
    name = canonical.removeprefix(_TOPIC) if canonical.startswith(_TOPIC) else ""
    return name if is_followed(name) else None


def is_followed(type_name: str) -> bool:
    """Whether changes of a type can be followed: those that are stored here."""
    return type_name in TYPE_NUMBERS and type_definition(type_name).ownership is not Ownership.VIRTUAL


@dataclass(frozen=True, slots=True)
class Bounds:
    """``policy/subscriptions.json``, whose reading guide says what each is."""

    most_of_one_owner: int
    at_once_of_one_owner: int
    usual_days: int
    longest_days: int
    shortest_heartbeat_seconds: int
    longest_heartbeat_seconds: int
    usual_timeout_seconds: int
    longest_timeout_seconds: int
    usual_events: int
    most_events: int
    first_pause_seconds: int
    longest_pause_seconds: int
    attempts: int
    kept_days: int
    off_days: int
    longest_criteria: int
    most_headers: int


@cache
def bounds() -> Bounds:
    """The bounds that this version of the network carries."""
    data = document("subscriptions.json")
    return Bounds(**{name: int(data[name]) for name in Bounds.__slots__})
