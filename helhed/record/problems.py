"""Problems, allergies and warnings: what must be known before anything is done."""

from collections.abc import Iterable
from dataclasses import dataclass

from helhed.record.coding import Coded, coded, codes
from helhed.record.moments import Moment, moment
from helhed.record.paths import extension, objects, text, walk
from helhed.record.reading import Entry, Record

_OVER = {"resolved", "inactive", "remission"}
_WRONG = {"entered-in-error", "refuted"}
#: no known allergy: SNOMED CT and HL7's allergyintolerance-code
_NONE_KNOWN = {"716186003", "no-known-allergies"}
_DECISION_CATEGORIES = {"advance-directive", "resuscitation", "treatment-decision", "treatment-limitation"}

LONGEST_CODE = 8  #: longer ones are keys of a data set, not codes that people know


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnosis or problem, with everyone who registered the same one merged."""

    concept: Coded
    active: bool
    since: Moment | None
    ended: Moment | None
    origins: tuple[int, ...]
    note: str
    codes: tuple[str, ...] = ()  #: all codes worth showing, e.g. SKS beside ICPC-2


@dataclass(frozen=True, slots=True)
class Allergy:
    """CAVE: what must not be given, and how it showed itself."""

    substance: Coded
    reactions: tuple[str, ...]
    uncertain: bool
    high: bool  #: criticality high
    since: Moment | None
    recorded: Moment | None
    origin: int
    note: str


@dataclass(frozen=True, slots=True)
class Warning:
    """An active Flag: an oxygen target, isolation, an agreement on treatment."""

    concept: Coded
    decision: bool  #: a decision on treatment, such as resuscitation
    note: str
    since: Moment | None
    origin: int


def problems(record: Record) -> list[Problem]:
    """Diagnoses, active and newest first; the same code or the same words from several places stand once."""
    together: dict[str, list[Entry]] = {}
    named: dict[str, str] = {}  # by code: the words it was first met with
    for entry in record.of("Condition"):
        concept = coded(entry.content.get("code"))
        if concept and not codes(entry.content.get("verificationStatus")) & _WRONG:
            words = concept.text.casefold()
            words = named.setdefault(f"{concept.system}|{concept.code}", words) if concept.code else words
            together.setdefault(words, []).append(entry)
    return sorted((_problem(entries) for entries in together.values()), key=_by_weight)


def _problem(entries: list[Entry]) -> Problem:
    entries = sorted(entries, key=lambda entry: (not _is_active(entry), -_instant(entry)))
    head = entries[0]
    concept = coded(head.content.get("code")) or Coded("?")
    starts = [entry.moment for entry in entries if entry.moment and _is_active(entry) == _is_active(head)]
    return Problem(
        concept,
        _is_active(head),
        min(starts, default=None) if _is_active(head) else head.moment,
        moment(text(head.content, "abatementDateTime", "abatementPeriod.end")),
        tuple(dict.fromkeys(entry.origin for entry in entries)),
        text(head.content, "note.text"),
        tuple(dict.fromkeys(code for entry in entries for code in shown_codes(entry.content.get("code")))),
    )


def shown_codes(concept: object) -> tuple[str, ...]:
    """The codes of a concept that a Danish clinician reads."""
    found = (coded(coding) for item in objects(concept) for coding in objects(item.get("coding")))
    known = (item for item in found if item and item.system in ("SKS", "ICPC-2", "FSIII"))
    return tuple(dict.fromkeys(item.code for item in known if len(item.code) <= LONGEST_CODE))


def _is_active(entry: Entry) -> bool:
    status = codes(entry.content.get("clinicalStatus"))
    return not status & _OVER if status else not text(entry.content, "abatementDateTime", "abatementPeriod.end")


def _instant(entry: Entry) -> float:
    return entry.moment.at.timestamp() if entry.moment else float("-inf")


def _by_weight(problem: Problem) -> tuple[bool, float, str]:
    return (not problem.active, -problem.since.at.timestamp() if problem.since else 0.0, problem.concept.text)


def allergies(record: Record) -> list[Allergy]:
    """Allergies and intolerances that hold, the critical first."""
    found = [_allergy(entry) for entry in record.of("AllergyIntolerance") if _holds(entry)]
    return sorted(found, key=lambda allergy: (not allergy.high, allergy.uncertain, allergy.substance.text))


def says_none(entry: Entry) -> bool:
    """Whether it says that no allergy is known, which is no allergy."""
    return bool(codes(entry.content.get("code")) & _NONE_KNOWN)


def _holds(entry: Entry) -> bool:
    return _stands(entry) and not says_none(entry)


def _stands(entry: Entry) -> bool:
    """Neither over nor taken back."""
    content = entry.content
    return not (codes(content.get("clinicalStatus")) & _OVER or codes(content.get("verificationStatus")) & _WRONG)


def _allergy(entry: Entry) -> Allergy:
    content = entry.content
    reactions = (
        coded(item) for reaction in objects(content.get("reaction")) for item in walk(reaction, "manifestation")
    )
    return Allergy(
        substance=coded(content.get("code")) or coded(list(walk(content, "reaction.substance"))) or Coded("?"),
        reactions=tuple(dict.fromkeys(reaction.text for reaction in reactions if reaction)),
        uncertain=bool(codes(content.get("verificationStatus")) & {"unconfirmed", "presumed", "provisional"}),
        high=content.get("criticality") == "high",
        since=moment(text(content, "onsetDateTime", "reaction.onset", "lastOccurrence")),
        recorded=moment(content.get("recordedDate")),
        origin=entry.origin,
        note=text(content, "note.text", "reaction.description"),
    )


def says_no_known_allergies(record: Record) -> bool:
    """Somebody asked and wrote that there are none; that is not the same as an empty list."""
    return any(says_none(entry) and _stands(entry) for entry in record.of("AllergyIntolerance"))


def warnings(record: Record) -> list[Warning]:
    """Active flags, decisions on treatment last."""
    found = [_warning(entry) for entry in record.of("Flag") if entry.content.get("status") == "active"]
    return sorted(found, key=lambda warning: (warning.decision, warning.concept.text))


def _warning(entry: Entry) -> Warning:
    content = entry.content
    kinds = codes(content.get("category")) | codes(content.get("code"))
    note = extension(content, "note") or extension(content, "flag-detail")
    return Warning(
        concept=coded(content.get("code")) or Coded("?"),
        decision=bool(kinds & _DECISION_CATEGORIES),
        note=note if isinstance(note, str) else "",
        since=entry.moment,
        origin=entry.origin,
    )


def split(found: Iterable[Warning]) -> tuple[list[Warning], list[Warning]]:
    """Warnings, and decisions on treatment."""
    all_of_them = list(found)
    return [w for w in all_of_them if not w.decision], [w for w in all_of_them if w.decision]
