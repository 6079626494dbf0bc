"""A stamkort as FHIR: the RelatedPerson rows that are stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from helhed.record.stamkort.card import (
    DENTIST,
    INTERPRETER,
    MAY_CALL,
    NEED,
    NEEDS_SAID,
    ONESELF,
    ROLE_CODES,
    STATED,
    WISH,
    WISH_SAID,
    WORDS,
    OwnCard,
    RelativeCard,
    Stated,
)  # fmt: skip
from helhed.record.stamkort.rules import card_policy

Json = dict[str, Any]


def stated_now(
    before: OwnCard | RelativeCard | None, after: OwnCard | RelativeCard, known: Mapping[str, Stated], now: Stated
) -> dict[str, Stated]:
    """When each field was last changed: now for what is new or other, as before for the rest; nothing for what is not said."""
    old = before.fields() if before else {}
    said = {name: value for name, value in after.fields().items() if value}
    return {name: known[name] if name in known and old.get(name) == value else now for name, value in said.items()}


def own_body(patient: UUID, card: OwnCard, stated: Mapping[str, Stated]) -> Json:
    """The citizen's own card."""
    policy = card_policy()
    telecom = [*_phones(card.phones), *([{"system": "email", "value": card.email}] if card.email else [])]
    body: Json = {**_head(patient, ONESELF, "borgeren selv"), "extension": _own_extensions(card, stated)}
    if telecom:
        body["telecom"] = telecom
    if card.address:
        place = card.address
        body["address"] = [{
            "use": "temp", "line": [place.line], "postalCode": place.post_code, "city": place.city,
            "period": {"start": place.since.isoformat(), "end": place.until.isoformat()},
        }]  # fmt: skip
    if card.language:
        coding = {"system": "urn:ietf:bcp:47", "code": card.language}
        language = {"coding": [coding], "text": policy.languages[card.language]["da"].capitalize()}
        body["communication"] = [{"language": language, "preferred": True}]
    return body


def _own_extensions(card: OwnCard, stated: Mapping[str, Stated]) -> list[Json]:
    texts = ((NEEDS_SAID, card.needs_said), (DENTIST, card.dentist), (WORDS, card.words))
    return [
        *([{"url": INTERPRETER, "valueBoolean": True}] if card.interpreter else []),
        *({"url": NEED, "valueCode": one} for one in card.needs),
        *({"url": url, "valueString": said} for url, said in texts if said),
        *_stated(stated),
    ]


def relative_body(patient: UUID, card: RelativeCard, stated: Mapping[str, Stated]) -> Json:
    """Somebody close, with the citizen's wish."""
    policy = card_policy()
    body: Json = {
        **_head(patient, card.relation, policy.relations[card.relation]["da"]),
        "extension": [
            {"url": MAY_CALL, "valueBoolean": policy.may_be_called[card.wish]},
            {"url": WISH, "valueCode": card.wish},
            *([{"url": WISH_SAID, "valueString": card.wish_said}] if card.wish_said else []),
            *_stated(stated),
        ],
        "name": [{"text": card.name}],
    }
    return body | ({"telecom": _phones(card.phones)} if card.phones else {})


def _head(patient: UUID, relation: str, words: str) -> Json:
    return {
        "resourceType": "RelatedPerson",
        "active": True,
        "patient": {"reference": f"Patient/{patient}"},
        "relationship": [{"coding": [{"system": ROLE_CODES, "code": relation}], "text": words}],
    }


def _phones(phones: tuple[tuple[str, str], ...]) -> list[Json]:
    return [{"system": "phone", "value": number, "use": use} for use, number in phones]


def _stated(stated: Mapping[str, Stated]) -> list[Json]:
    return [
        {"url": STATED, "extension": [
            {"url": "field", "valueCode": name}, {"url": "at", "valueInstant": _instant(one.at)}, {"url": "by", "valueCode": one.by},
        ]}
        for name, one in sorted(stated.items())
    ]  # fmt: skip


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
