"""Messages between organisations as pages tell them: threads, ways, and how far each organisation has come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helhed.exchange.messages.following import Followed, Parked
from helhed.exchange.messages.modes import Progress, Stuck
from helhed.exchange.messages.rules import CATEGORIES, rules
from helhed.exchange.messages.writing import part_key, part_moment, part_writer
from helhed.portals.language import Words
from helhed.record.moments import moment
from helhed.record.reading import Entry

#: where a message stands, by the last of these steps that it came to; the word says whose move it is
_STANDS = (
    "acted-on", "task-begun", "task-accepted", "task-declined", "task-failed", "task-cancelled", "escalated", "given-up", "withheld",
    "receiver-refused", "seen", "receiver-acknowledged", "delivered", "no-address", "acknowledged", "refused",
)  # fmt: skip
_DONE, _TROUBLE = frozenset({"acted-on", "task-cancelled"}), frozenset({"task-declined", "task-failed", "escalated", "given-up", "withheld", "receiver-refused", "refused"})  # fmt: skip
_STANDING_STILL = frozenset({"no-address", "address-ended", "not-reached"})
_PATIENT_WORDS = {"acknowledged": "task"}


@dataclass(frozen=True, slots=True)
class Way:
    """One message and its way."""

    id: str
    what: str
    sender: str
    receiver: str
    when: str
    stands: str
    chip: str  #: green, amber, red
    steps: tuple[Mapping[str, str], ...]
    equal: str  #: "" where nothing is shared


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a thread."""

    who: str
    when: str
    text: str
    attachment: str


@dataclass(frozen=True, slots=True)
class Thread:
    """What belongs together."""

    key: str
    topic: str
    category: str
    parts: tuple[Part, ...]
    ways: tuple[Way, ...]
    answer_to: str  #: id of the newest message, "" where no way is shown


def way(one: Followed, words: Words) -> Way:
    """One message."""
    reached = {step.step for step in one.steps}
    stands = next((step for step in _STANDS if step in reached), "acknowledged")
    if one.code != "ok":
        stands = "refused"
    steps = tuple(
        {"what": words(f"message.step.{step.step}"), "when": words.instant(step.at), "who": step.by or words("message.the_network")}
        for step in one.steps
    )  # fmt: skip
    equal = "" if one.equal is None else words("message.equal" if one.equal else "message.differs")
    chip = "green" if stands in _DONE else "red" if stands in _TROUBLE else "amber"
    return Way(
        str(one.id), what(one, words), one.sender, one.receiver or words("message.nobody"), words.instant(one.received_at),
        words(f"message.stands.{stands}"), chip, steps, equal,
    )  # fmt: skip


def what(one: Followed, words: Words) -> str:
    """In words; for a notification of a stay what happened."""
    code = rules().notification(one.activity)
    if code:
        mark, _, bare = code.rpartition("_")
        told = words(f"message.stay.{bare}")
        return words(f"message.mark.{mark}", what=told) if mark else told
    return words(f"message.type.{one.type}")


def threads(entries: Iterable[Entry], followed: Sequence[Followed], words: Words) -> list[Thread]:
    """CareCommunications of a record, by thread, the newest first."""
    by_key: dict[str, list[Entry]] = {}
    for one in entries:
        if _is_correspondence(one.content) and (key := thread_key(one.content)):
            by_key.setdefault(key, []).append(one)
    found = [_thread(key, some, [one for one in followed if one.thread == key], words) for key, some in by_key.items()]
    return [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)]


def _is_correspondence(content: Mapping[str, Any]) -> bool:
    """Whether it is a message between organisations, and none between a clinic and its patient: letters of the older families
    have no category of MedCom's.
    """
    if any(c.get("system") == CATEGORIES for one in content.get("category", ()) for c in one.get("coding", ())):
        return True
    ends = [content.get("sender", {}), *content.get("recipient", ())]
    named = [str(one.get("reference", "")) for one in ends]
    return len(named) > 1 and not any(one.startswith(("Patient/", "RelatedPerson/")) for one in named)


def thread_key(content: Mapping[str, Any]) -> str:
    """The thread that a Communication says it belongs to."""
    return next((str(one["value"]) for one in content.get("identifier", ()) if one.get("value")), "")


def _thread(key: str, some: Sequence[Entry], followed: Sequence[Followed], words: Words) -> tuple[str, Thread]:
    parts: dict[str, tuple[str, Part]] = {}
    for one in sorted(some, key=lambda entry: entry.updated):
        inside = {f"#{each.get('id')}": each for each in one.content.get("contained", ())}
        for payload in one.content.get("payload", ()):
            at = part_moment(payload)
            when = moment(at)
            parts[part_key(payload)] = (at, Part(
                part_writer(payload, inside), words.moment(when) if when else "", str(payload.get("contentString", "")),
                str(payload.get("contentAttachment", {}).get("title", "")),
            ))  # fmt: skip
    newest = max(some, key=lambda entry: entry.updated)
    category = next((c.get("code", "") for concept in newest.content.get("category", ()) for c in concept.get("coding", ())), "other")  # fmt: skip
    topic = newest.content.get("topic", {}).get("text") or words(f"message.category.{category}")
    ordered = sorted(parts.values(), key=lambda pair: pair[0])
    last = ordered[-1][0] if ordered else ""
    ways = tuple(way(one, words) for one in followed)
    category_word = words.either(f"message.category.{category}", category)
    return last, Thread(key, topic, category_word, tuple(part for _, part in ordered), ways, ways[0].id if ways else "")


def progress_lines(found: Sequence[Progress], words: Words) -> list[dict[str, str]]:
    """The migration page: how far each has come."""
    return [
        {
            "organisation": one.organisation, "type": words(f"message.type.{one.type}") if one.type else words("message.every_type"),
            "mode": words(f"message.mode.{one.mode}"), "since": words.day(one.since) if one.since else "",
            "volume": words("message.volume", sent=one.sent, received=one.received, waiting=one.waiting),
            "equal": words("message.equal_of", n=one.equal, m=one.equal + one.differing) if one.equal + one.differing else words("message.not_shared"),
            "chip": "red" if one.differing else "green" if one.equal else "grey",
            "failure": words("message.failure", when=words.instant(one.last_failure), n=one.refused) if one.last_failure else words("message.no_failure"),
        }
        for one in found
    ]  # fmt: skip


def stuck_lines(found: Sequence[Stuck], words: Words) -> list[dict[str, str]]:
    """What waits for receivers, or never reached them: how much, why, and whose move it is."""
    return [
        {
            "organisation": one.organisation, "type": words.either(f"message.type.{one.type}", one.type), "why": words(f"message.stuck.{one.reason}"),
            "count": words("message.stuck_some", n=one.messages, when=words.instant(one.oldest)), "move": words(f"message.move.{one.reason}"),
            "chip": "red" if one.ended or one.reason in _STANDING_STILL else "amber",
        }
        for one in found
    ]  # fmt: skip


def parked_lines(found: Sequence[Parked], words: Words) -> list[dict[str, str]]:
    """What was put aside: why, from whom; never what it says."""
    return [
        {
            "id": str(one.id), "when": words.instant(one.at), "organisation": one.organisation, "why": words(f"message.parked.{one.reason}"),
            "problem": one.problem, "size": words("message.bytes", n=one.size or 0),
        }
        for one in found
    ]  # fmt: skip
