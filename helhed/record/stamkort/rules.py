"""What a stamkort may say: the lists and limits of ``data/stamkort.json``, and what is wrong with what somebody wrote."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources

from helhed.foundation.errors import Unprocessable
from helhed.record.stamkort.card import OwnCard, RelativeCard

Named = Mapping[str, Mapping[str, str]]  #: words by language, by code

_DANISH = re.compile(r"(\+45|0045)?[2-9]\d{7}")
_FOREIGN = re.compile(r"(\+|00)[1-9]\d{6,14}")
_EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[^\s@.<>\"]+(\.[^\s@.<>\"]+)+")
_POST_CODE = re.compile(r"\d{4}")
_LONGEST_EMAIL = 200


class Unsound(Unprocessable):
    """Something in the form cannot be right."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field  #: of the card
        self.problem = problem  #: phone, email, period, protected, ...
        super().__init__(f"{field}: {problem}")


@dataclass(frozen=True, slots=True)
class CardPolicy:
    """Lists and limits in force."""

    most_relatives: int
    temporary_at_most: timedelta
    longest: Mapping[str, int]
    wishes: Named
    may_be_called: Mapping[str, bool]  #: by wish
    relations: Named
    needs: Named
    languages: Named


@cache
def card_policy() -> CardPolicy:
    """What this version of the network carries."""
    found = json.loads((resources.files("helhed.record") / "data" / "stamkort.json").read_text("utf-8"))

    def named(table: str, key: str) -> Named:
        return {one[key]: {"da": one["da"], "en": one["en"]} for one in found[table]}

    return CardPolicy(
        found["most_relatives"], timedelta(days=found["temporary_days"]), found["longest"], named("wishes", "wish"),
        {one["wish"]: one["may_be_called"] for one in found["wishes"]}, named("relations", "relation"), named("needs", "need"),
        named("languages", "language"),
    )  # fmt: skip


def plain_phone(text: str) -> str:
    """A phone number as it is stored: a Danish one as "20 12 34 56", a foreign one with its country. Raises Unsound."""
    bare = re.sub(r"[\s().-]", "", text)
    if _DANISH.fullmatch(bare):
        digits = bare[-8:]
        return " ".join(digits[at : at + 2] for at in range(0, 8, 2))
    if _FOREIGN.fullmatch(bare):
        return "+" + bare.removeprefix("+").removeprefix("00")
    raise Unsound("phone", "phone")


def sound_card(card: OwnCard, today: date, *, protected: bool) -> OwnCard:
    """The card as it is stored. Raises Unsound, naming the field."""
    policy = card_policy()
    phones = tuple((use, plain_phone(number)) for use, number in card.phones)
    if card.email and (len(card.email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(card.email)):
        raise Unsound("email", "email")
    _sound_address(card, today, protected=protected)
    if card.language not in {"", *policy.languages}:
        raise Unsound("language", "unknown")
    if set(card.needs) - set(policy.needs):
        raise Unsound("needs", "unknown")
    for field, text, longest in (
        ("needs", card.needs_said, "needs"), ("dentist", card.dentist, "dentist"), ("words", card.words, "words"),
    ):  # fmt: skip
        _short(field, text, longest)
    return OwnCard(**{**card.fields(), "phones": phones})


def _sound_address(card: OwnCard, today: date, *, protected: bool) -> None:
    place = card.address
    if place is None:
        return
    if protected:
        raise Unsound("address", "protected")
    if not (place.line and place.city and _POST_CODE.fullmatch(place.post_code)):
        raise Unsound("address", "address")
    _short("address", place.line, "line")
    _short("address", place.city, "city")
    if not place.since <= place.until or place.until < today:
        raise Unsound("address", "period")
    if place.until - place.since > card_policy().temporary_at_most:
        raise Unsound("address", "too_long_period")


def sound_relative(relative: RelativeCard) -> RelativeCard:
    """The relative as it is stored. Raises Unsound."""
    policy = card_policy()
    if not relative.name.strip():
        raise Unsound("name", "name")
    _short("name", relative.name, "name")
    _short("wish_said", relative.wish_said, "wish")
    if relative.relation not in policy.relations:
        raise Unsound("relation", "unknown")
    if relative.wish not in policy.wishes:
        raise Unsound("wish", "wish")
    phones = tuple((use, plain_phone(number)) for use, number in relative.phones)
    if policy.may_be_called[relative.wish] and not phones:
        raise Unsound("phone", "phone_missing")
    return RelativeCard(**{**relative.fields(), "name": " ".join(relative.name.split()), "phones": phones})


def _short(field: str, text: str, longest: str) -> None:
    if len(text) > card_policy().longest[longest] or any(ord(sign) < 32 and sign not in "\n\r\t" for sign in text):
        raise Unsound(field, "long")
