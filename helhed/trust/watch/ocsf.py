"""What a security centre's own system (SIEM) gets: events in the Open Cybersecurity Schema Framework (OCSF 1.3).

Nobody is named: staff are pseudonyms that follow from a key of this installation, citizens do not occur, and requests are counted
by the hour.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

_VERSION = "1.3.0"
_PRODUCT = {"name": "Helhed", "vendor_name": "Helhed"}
_AUTHENTICATION, _FINDING, _API = 3002, 2004, 6003
_REFUSED = frozenset({"login-refused", "token-refused", "token-after-revocation", "replay", "lookups-refused"})
_GRAVE = frozenset({"token-after-revocation", "replay"})
_INFORMATIONAL, _MEDIUM, _HIGH = 1, 3, 4
_HEAVY = 200
#: activity (create, update, close) and status (new, in progress, resolved) by the state of a case
_STATES: Mapping[str, tuple[int, int]] = MappingProxyType({
    "new": (1, 1), "assigned": (2, 2), "explained": (2, 2), "confirmed": (2, 2), "handed-over": (2, 2), "closed": (3, 4),
})  # fmt: skip

Told = Mapping[str, Any]


class Pseudonyms:
    """The same member of staff is the same pseudonym for as long as the key is the same; without it nobody finds back."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"siem pseudonyms").digest()

    def of(self, key: str | None) -> str:
        """The pseudonym behind a key; "unknown" for none."""
        return blake2b(key.encode(), digest_size=12, key=self._key).hexdigest() if key else "unknown"


def event(kind: str, number: int, told: Told, names: Pseudonyms) -> dict[str, Any]:
    """One OCSF event. Its uid is the same whenever it is sent again."""
    return _KINDS[kind](number, told, names)


def _base(class_uid: int, activity: int, severity: int, uid: str, at: str) -> dict[str, Any]:
    return {
        "category_uid": class_uid // 1000, "class_uid": class_uid, "activity_id": activity, "type_uid": class_uid * 100 + activity,
        "severity_id": severity, "time": _milliseconds(at),
        "metadata": {"version": _VERSION, "product": _PRODUCT, "uid": uid},
    }  # fmt: skip


def _milliseconds(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def _authentication(number: int, told: Told, names: Pseudonyms) -> dict[str, Any]:
    refused = told["kind"] in _REFUSED
    severity = _HIGH if told["kind"] in _GRAVE else _MEDIUM if refused else _INFORMATIONAL
    return {
        **_base(_AUTHENTICATION, 1, severity, f"event-{number}", told["at"]),
        "status_id": 2 if refused else 1, "status_detail": told["kind"], "count": told["times"],
        "user": {"uid": names.of(told["actor"]), "org": {"uid": told["organisation"] or "unknown"}},
        "session": {"uid": told["session"] or "unknown"}, "src_endpoint": {"uid": told["place"] or "unknown"},
        "service": {"name": told["client"] or "unknown"},
    }  # fmt: skip


def _finding(number: int, told: Told, names: Pseudonyms) -> dict[str, Any]:
    activity, status = _STATES.get(told["state"], (2, 2))
    return {
        **_base(_FINDING, activity, _HIGH if told["score"] >= _HEAVY else _MEDIUM, f"move-{number}", told["at"]),
        "status_id": status, "risk_score": told["score"],
        "finding_info": {
            "uid": told["uid"], "title": f"Case {told['case']}", "types": [told["kind"], *told["signals"]],
            "created_time": _milliseconds(told["opened_at"]),
        },
        "unmapped": {"state": told["state"], "subject": names.of(told["actor"]), "organisation": told["organisation"]},
    }  # fmt: skip


def _api(number: int, told: Told, _: Pseudonyms) -> dict[str, Any]:
    uid = f"hour-{number}-{told['organisation']}-{told['client']}"
    return {
        **_base(_API, 99, _INFORMATIONAL, uid, told["at"]), "activity_name": "Requests in an hour", "count": told["asks"],
        "actor": {"app_name": told["client"] or "unknown"}, "api": {"operation": "any"},
        "src_endpoint": {"uid": told["organisation"]}, "unmapped": {"refused": told["refused"]},
    }  # fmt: skip


_KINDS: Mapping[str, Callable[[int, Told, Pseudonyms], dict[str, Any]]] = MappingProxyType(
    {"event": _authentication, "move": _finding, "hour": _api}
)
