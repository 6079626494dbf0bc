"""From a Subscription as it is sent to what is wanted, or a refusal that names the place."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlsplit

from helhed.foundation.errors import Issue, Unprocessable
from helhed.foundation.guarded import LOCAL, is_in, is_public
from helhed.trust.subscriptions.criteria import Criteria, criteria_of
from helhed.trust.subscriptions.shape import CONTENT, CONTENTS, HEARTBEAT, MOST, TIMEOUT, bounds

HIDDEN = "********"  #: what is told of the value of a header, ever
_FORMATS = {"application/fhir+json", "application/json"}
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}): ?([\x20-\x7e]{0,4000})", re.ASCII)
#: headers that say how a message is carried, which is not for the receiver to say
_OURS = frozenset({
    "host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "accept-encoding",
})  # fmt: skip
_LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a Subscription asks for."""

    criteria: Criteria
    endpoint: str
    headers: dict[str, str]  #: values that are ``HIDDEN`` are those that were sent before
    content: str
    heartbeat: timedelta | None
    patience: timedelta
    most: int
    ends_at: datetime
    status: str  #: requested or off

    @property
    def keeps_headers(self) -> bool:
        """Whether the headers are those that were sent before."""
        return bool(self.headers) and all(value == HIDDEN for value in self.headers.values())


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms subscriptions are taken here."""

    root: str  #: the absolute URL of the server
    demo: bool = False  #: whether the demo's tokens are taken
    loopback: bool = False  #: whether this machine may be told, and then over http too


def wanted_of(resource: dict[str, Any], terms: Terms, now: datetime) -> Wanted:
    """What a valid Subscription asks for. Raises Unprocessable."""
    channel = resource["channel"]
    if channel["type"] != "rest-hook":
        _refuse("not-supported", "Only the channel rest-hook is served here.", "channel.type")
    return Wanted(
        criteria_of(resource, terms.root),
        _endpoint(channel.get("endpoint", ""), terms),
        _headers(channel.get("header", [])),
        _content(channel),
        _heartbeat(channel),
        timedelta(seconds=_number(channel, TIMEOUT, 1, bounds().longest_timeout_seconds) or bounds().usual_timeout_seconds),
        _number(channel, MOST, 1, bounds().most_events) or bounds().usual_events,
        _end(resource, now),
        _status(resource["status"]),
    )  # fmt: skip


def told(resource: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The Subscription as it is kept to be told again: without what changes by itself, and without its secrets."""
    left_out = {"id", "meta", "status", "error", "text", "contained"}
    kept = {name: value for name, value in resource.items() if name not in left_out}
    channel = dict(kept["channel"])
    if wanted.headers:
        channel["header"] = [f"{name}: {HIDDEN}" for name in wanted.headers]
    return {**kept, "channel": channel, "end": wanted.ends_at.isoformat(timespec="seconds")}


def _status(status: str) -> str:
    if status == "error":
        _refuse("value", "A Subscription is requested, or turned off; whether it works is found out here.", "status")
    return "off" if status == "off" else "requested"


def _endpoint(url: str, terms: Terms) -> str:
    """An address that may be told, as far as it can be seen from it; where its name leads is looked at whenever it is told."""
    where = "channel.endpoint"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    host = parts.hostname or ""
    literal = _is_address(host)
    own = terms.loopback and (host == "localhost" or is_in(host, LOCAL))
    if parts.scheme != "https" and not (own and parts.scheme == "http"):
        _refuse("value", "The endpoint is an https address.", where)
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        _refuse("value", "The endpoint is an address as it is written on the wire.", where)
    if not host or "@" in parts.netloc or parts.fragment or (literal and not own and not is_public(host)):
        _refuse(
            "value", "The endpoint is a public address, without a name, a password or a part of a page in it.", where
        )
    return url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost" or host.replace(".", "").isdigit()
    return True


def _headers(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for place, line in enumerate(lines):
        where = f"channel.header[{place}]"
        read = _HEADER.fullmatch(line)
        if read is None or read[1].lower() in _OURS or len(found) >= bounds().most_headers:
            _refuse("value", "A header is a name, a colon and a value, and says nothing of how the message is carried.", where)  # fmt: skip
        if read[1].lower() in (one.lower() for one in found):
            _refuse("value", "A header stands once.", where)
        found[read[1]] = read[2].strip()
    hidden = [value == HIDDEN for value in found.values()]
    if any(hidden) and not all(hidden):
        _refuse("value", "Either every header is sent anew, or every one is left as it was.", "channel.header")
    return found


def _content(channel: dict[str, Any]) -> str:
    """How much is told. By R4 alone, no payload is an empty notification; with one it is the id, and more is asked for."""
    payload = channel.get("payload")
    if payload is not None and payload.partition(";")[0].strip() not in _FORMATS:
        _refuse("not-supported", "Notifications are application/fhir+json.", "channel.payload")
    said = _extension(channel.get("_payload"), CONTENT, "valueCode")
    if said is None:
        return "empty" if payload is None else "id-only"
    if said not in CONTENTS:
        _refuse("value", f"The content of a notification is one of {', '.join(CONTENTS)}.", "channel.payload.extension")
    return str(said)


def _heartbeat(channel: dict[str, Any]) -> timedelta | None:
    seconds = _number(channel, HEARTBEAT, bounds().shortest_heartbeat_seconds, bounds().longest_heartbeat_seconds)
    return None if seconds is None else timedelta(seconds=seconds)


def _number(channel: dict[str, Any], url: str, least: int, most: int) -> int | None:
    kind = "valuePositiveInt" if url == MOST else "valueUnsignedInt"
    said = _extension(channel, url, kind)
    if said is None:
        return None
    if type(said) is not int or not least <= said <= most:
        name = url.rpartition("/")[2]
        _refuse("value", f"{name} is a whole number from {least} to {most}.", "channel.extension")
    return said


def _extension(element: Any, url: str, kind: str) -> Any:
    """The value of an extension; None when it is not there."""
    extensions = element.get("extension", ()) if isinstance(element, dict) else ()
    found = [one.get(kind) for one in extensions if isinstance(one, dict) and one.get("url") == url]
    if len(found) > 1 or (found and found[0] is None):
        _refuse("value", f"{url.rpartition('/')[2]} stands once, with {kind}.", "channel")
    return found[0] if found else None


def _end(resource: dict[str, Any], now: datetime) -> datetime:
    text = resource.get("end")
    if text is None:
        return now + timedelta(days=bounds().usual_days)
    end = datetime.fromisoformat(text)
    if not now < end <= now + timedelta(days=bounds().longest_days):
        _refuse("value", f"A subscription ends within {bounds().longest_days} days, and may be asked for again.", "end")
    return end


def _refuse(code: str, sentence: str, place: str) -> NoReturn:
    raise Unprocessable(issues=[Issue(code, sentence, f"Subscription.{place}")])
