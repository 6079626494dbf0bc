"""The forms of a stamkort: what stands in them, as cards."""

from datetime import date

from helhed.record.stamkort.card import USES, OwnCard, RelativeCard, TemporaryAddress
from helhed.record.stamkort.rules import Unsound, card_policy


def card_in(fields: dict[str, str]) -> OwnCard:
    """What the citizen says. Raises Unsound for a date that is none."""
    phones = tuple((use, fields[f"telefon-{use}"]) for use in USES if fields.get(f"telefon-{use}", "").strip())
    return OwnCard(
        phones,
        fields.get("email", "").strip(),
        _address_in(fields),
        fields.get("sprog", ""),
        bool(fields.get("tolk")),
        tuple(one for one in card_policy().needs if fields.get(f"behov-{one}")),
        fields.get("behov", "").strip(),
        fields.get("tandlaege", "").strip(),
        fields.get("ord", "").strip(),
    )


def _address_in(fields: dict[str, str]) -> TemporaryAddress | None:
    written = [fields.get(name, "").strip() for name in ("vej", "postnr", "by", "fra", "til")]
    if not any(written):
        return None
    try:
        since, until = (date.fromisoformat(one) for one in written[3:])
    except ValueError:
        raise Unsound("address", "period") from None
    return TemporaryAddress(written[0], written[1], written[2], since, until)


def relative_in(fields: dict[str, str]) -> RelativeCard:
    """A relative."""
    phone = fields.get("telefon", "").strip()
    return RelativeCard(
        fields.get("navn", "").strip(), fields.get("relation", ""), (("mobile", phone),) if phone else (), fields.get("maa", ""),
        fields.get("oenske", "").strip(),
    )  # fmt: skip


def version_in(fields: dict[str, str]) -> int:
    """Which version the form was made from; 0 for none, or for what is no number."""
    text = fields.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0
