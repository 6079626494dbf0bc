"""The medicine card in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from helhed.portals.language import Words
from helhed.portals.presenters.names import Names
from helhed.record.medicines import Dose, Medicine

NEW_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class MedicineView:
    """One line of the card."""

    name: str
    strength: str
    code: str
    doses: tuple[str, ...]
    indication: str
    last_given: str
    since: str
    until: str
    prescriber: str
    source: str
    new: bool
    paused: bool
    as_needed: bool
    private: bool
    told_why: bool  #: the dose says what it is for, as Danish doses do
    stopped_because: str


def medicine_view(medicine: Medicine, words: Words, names: Names, now: datetime) -> MedicineView:
    """An ordination in words."""
    return MedicineView(
        name=medicine.drug.text,
        strength=", ".join(part for part in (medicine.strength, medicine.form) if part),
        code=medicine.drug.shown_code,
        doses=tuple(dose_words(dose, words) for dose in medicine.doses) or (words("dose.unknown"),),
        indication=medicine.indication,
        last_given=words.near(medicine.last_given.at, now) if medicine.last_given else "",
        since=words.moment(medicine.since, time=False),
        until=words.moment(medicine.until, time=False),
        prescriber=medicine.prescriber or names.professional(medicine.prescriber_reference),
        source=names.organisation(medicine.origin),
        new=medicine.current and medicine.since is not None and now - NEW_FOR < medicine.since.at <= now,
        paused=medicine.paused,
        private=medicine.private,
        stopped_because=medicine.stopped_because,
        told_why=medicine.told_why,
        as_needed=bool(medicine.doses) and all(dose.as_needed for dose in medicine.doses),
    )


def dose_words(dose: Dose, words: Words) -> str:
    """The prescriber's words, else plain words for the structured parts."""
    if dose.text:
        return dose.text
    amount = words.amount(dose.amount, dose.unit or (words("dose.unit") if dose.amount is not None else ""))
    parts = [amount, _how_often(dose, words), words("dose.as_needed") if dose.as_needed else ""]
    return " ".join(part for part in parts if part) or words("dose.unknown")


def _how_often(dose: Dose, words: Words) -> str:
    if dose.frequency is None or dose.period is None or not words.has(f"period.{dose.period_unit}.each"):
        return ""
    if dose.period == 1:
        return words("dose.times", n=dose.frequency, period=words(f"period.{dose.period_unit}.each"))
    every = words(f"period.{dose.period_unit}.every", count=words.number(dose.period))
    return every if dose.frequency == 1 else f"{words('dose.count', n=dose.frequency)} {every}"
