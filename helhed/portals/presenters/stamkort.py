"""A stamkort in words: each field with where it comes from and how old it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from helhed.foundation.clock import DANISH_TIME
from helhed.portals.language import Words
from helhed.record.stamkort.card import USES, Kept, OwnCard, RelativeCard, Stamkort, Stated
from helhed.record.stamkort.rules import Named, card_policy

Fact = tuple[str, str, str]  #: name, value, where it comes from and when


@dataclass(frozen=True, slots=True)
class SaidView:
    """What a citizen says of themselves, for staff."""

    facts: tuple[Fact, ...]
    interpreter: str


@dataclass(frozen=True, slots=True)
class RelativeLine:
    """Somebody close, and the form that changes them."""

    id: str
    version: int
    name: str
    relation: str
    phone: str
    wish: str
    may: bool
    said: str
    age: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StamkortView:
    """The whole card for whoever changes it."""

    cpr: tuple[Fact, ...]
    said: tuple[Fact, ...]
    relatives: tuple[RelativeLine, ...]
    others: tuple[tuple[str, str, str], ...]  #: name, relation, source
    protected: bool
    version: int
    fields: Mapping[str, str]  #: the form as it stands


def choices(named: Named, words: Words) -> list[tuple[str, str]]:
    """Codes and words for a list to choose from."""
    return [(code, said[words.language]) for code, said in named.items()]


def said_view(said: tuple[OwnCard, Kept], words: Words, now: datetime) -> SaidView:
    """For staff: what is said, and how old each thing is. A temporary address only while it holds."""
    card, kept = said
    facts = _facts(card, kept.stated, words, now, short=True)
    return SaidView(tuple(facts), _interpreter(card, words))


def stamkort_view(
    found: Stamkort, words: Words, now: datetime, clinic: str, sources: Mapping[int, str]
) -> StamkortView:
    """For the citizen and whoever changes it for them."""
    kept = found.kept
    return StamkortView(
        tuple(_from_cpr(found, words, clinic)),
        tuple(_facts(found.own, kept.stated if kept else {}, words, now, all_times=True)),
        tuple(_relative(card, row, words) for card, row in found.relatives),
        tuple((name, relation, sources.get(origin, "")) for name, relation, origin in found.others),
        found.cpr.protected,
        kept.version if kept else 0,
        form_of(found.own),
    )


def _from_cpr(found: Stamkort, words: Words, clinic: str) -> list[Fact]:
    cpr = found.cpr
    age = words("stamkort.from_cpr", when=words.day(cpr.updated.astimezone(DANISH_TIME).date()))
    address = words("stamkort.protected_value") if cpr.protected else cpr.address
    shown = [
        ("name", cpr.name),
        ("born", words.day(cpr.born) if cpr.born else ""),
        ("address", address),
        ("clinic", clinic),
    ]
    if cpr.protected:
        shown.append(("protection", words("stamkort.protected_yes")))
    return [(words(f"stamkort.cpr.{name}"), value or words("stamkort.nothing"), age) for name, value in shown]


def _facts(
    card: OwnCard,
    stated: Mapping[str, Stated],
    words: Words,
    now: datetime,
    *,
    all_times: bool = False,
    short: bool = False,
) -> list[Fact]:
    policy, language = card_policy(), words.language
    needs = [policy.needs[one][language] for one in card.needs if one in policy.needs]
    said = [
        ("phones", ", ".join(f"{number} ({words(f'phone.{use}')})" for use, number in card.phones)),
        ("email", card.email),
        ("address", _address(card, words, now, all_times=all_times)),
        ("language", policy.languages[card.language][language] if card.language in policy.languages else ""),
        ("interpreter", words("stamkort.yes") if card.interpreter else ""),
        ("needs", "; ".join([*needs, *([card.needs_said] if card.needs_said else [])])),
        ("dentist", card.dentist),
        ("words", card.words),
    ]
    return [
        (words(f"stamkort.{name}"), value, age_words(stated.get(name), words, short=short))
        for name, value in said
        if value
    ]


def age_words(stated: Stated | None, words: Words, *, short: bool = False) -> str:
    """By whom and when a field was given."""
    if stated is None:
        return ""
    by = "stamkort.by_short." if short else "stamkort.by."
    return words(f"{by}{stated.by}", when=words.day(stated.at.astimezone(DANISH_TIME).date()))


def _address(card: OwnCard, words: Words, now: datetime, *, all_times: bool) -> str:
    place, today = card.address, now.astimezone(DANISH_TIME).date()
    if place is None or not (all_times or place.since <= today <= place.until):
        return ""
    period = words("stamkort.period", since=words.day(place.since), until=words.day(place.until))
    return f"{place.line}, {place.post_code} {place.city} ({period})"


def _interpreter(card: OwnCard, words: Words) -> str:
    if not card.interpreter:
        return ""
    policy = card_policy()
    return (
        policy.languages[card.language][words.language] if card.language in policy.languages else words("stamkort.yes")
    )


def _relative(card: RelativeCard, kept: Kept, words: Words) -> RelativeLine:
    policy, language = card_policy(), words.language
    newest = max(kept.stated.values(), key=lambda one: one.at, default=None)
    return RelativeLine(
        str(kept.id), kept.version, card.name,
        policy.relations[card.relation][language] if card.relation in policy.relations else "",
        ", ".join(number for _, number in card.phones),
        policy.wishes[card.wish][language] if card.wish in policy.wishes else "",
        policy.may_be_called.get(card.wish, False), card.wish_said, age_words(newest, words), relative_form_of(card),
    )  # fmt: skip


def form_of(card: OwnCard) -> dict[str, str]:
    """The fields of the form, as the card says."""
    place, phones = card.address, dict(card.phones)
    fields = {f"telefon-{use}": phones.get(use, "") for use in USES} | {f"behov-{one}": "ja" for one in card.needs}
    return fields | {
        "email": card.email,
        "vej": place.line if place else "", "postnr": place.post_code if place else "", "by": place.city if place else "",
        "fra": place.since.isoformat() if place else "", "til": place.until.isoformat() if place else "",
        "sprog": card.language, "tolk": "ja" if card.interpreter else "", "behov": card.needs_said, "tandlaege": card.dentist,
        "ord": card.words,
    }  # fmt: skip


def relative_form_of(card: RelativeCard) -> dict[str, str]:
    """The fields of the form of a relative."""
    phone = card.phones[0][1] if card.phones else ""
    return {"navn": card.name, "relation": card.relation, "telefon": phone, "maa": card.wish, "oenske": card.wish_said}
