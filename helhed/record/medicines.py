"""The medicine card: everything the citizen takes now, and what was stopped."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from helhed.record.coding import Coded, coded
from helhed.record.measuring import decimal
from helhed.record.moments import Moment, moment
from helhed.record.paths import Json, extension, first, objects, text
from helhed.record.reading import Entry, Record

_CURRENT = {"active", "on-hold", "intended", "unknown"}


@dataclass(frozen=True, slots=True)
class Dose:
    """How it is taken: the prescriber's words when there are any, else the structured parts."""

    text: str
    amount: Decimal | None = None
    unit: str = ""
    frequency: int | None = None
    period: Decimal | None = None
    period_unit: str = ""  #: UCUM: h, d, wk, mo
    as_needed: bool = False


@dataclass(frozen=True, slots=True)
class Medicine:
    """One ordination."""

    drug: Coded
    strength: str
    form: str
    doses: tuple[Dose, ...]
    indication: str
    current: bool
    paused: bool
    since: Moment | None
    until: Moment | None
    prescriber: str  #: the name as sent, "" when only a reference is known
    prescriber_reference: object
    last_given: Moment | None
    origin: int
    stopped_because: str
    private: bool  #: marked private by the citizen

    @property
    def told_why(self) -> bool:
        """Whether a dose says what it is for, as Danish doses do: 2 pust 1 gang dagligt mod KOL."""
        return any(self.indication.casefold() in dose.text.casefold() for dose in self.doses)


def medicines(record: Record, now: datetime) -> list[Medicine]:
    """Every ordination, current first; the same drug ordered again replaces its older ordinations."""
    given = _last_given(record)
    orders = [_medicine(record, entry, given, now) for entry in record.of("MedicationRequest") if _is_order(entry)]
    statements = [
        _medicine(record, entry, given, now) for entry in record.of("MedicationStatement") if _is_order(entry)
    ]
    ordered = {medicine.drug.text.casefold() for medicine in orders if medicine.current}
    found = orders + [m for m in statements if m.drug.text.casefold() not in ordered]
    return _newest_of_each(sorted(found, key=_newest_first))


def _newest_of_each(found: list[Medicine]) -> list[Medicine]:
    kept: dict[tuple[bool, str, str, int], Medicine] = {}
    for medicine in found:
        kept.setdefault((medicine.current, medicine.drug.text.casefold(), medicine.strength, medicine.origin), medicine)
    return sorted(kept.values(), key=lambda medicine: (not medicine.current, *_newest_first(medicine)))


def _newest_first(medicine: Medicine) -> tuple[float, str]:
    return (-medicine.since.at.timestamp() if medicine.since else 0.0, medicine.drug.text)


def _is_order(entry: Entry) -> bool:
    status, intent = entry.content.get("status"), entry.content.get("intent", "order")
    return status not in ("entered-in-error", "draft") and intent in (
        "order",
        "original-order",
        "reflex-order",
        "instance-order",
    )


def _medicine(record: Record, entry: Entry, given: dict[str, Moment], now: datetime) -> Medicine:
    content = entry.content
    product = _product(record, entry)
    drug = drug_of(record, entry)
    until = moment(text(content, "dosageInstruction.timing.repeat.boundsPeriod.end", "effectivePeriod.end",
                        "dispenseRequest.validityPeriod.end", "dosage.timing.repeat.boundsPeriod.end"))  # fmt: skip
    status = content.get("status")
    return Medicine(
        drug=drug,
        strength=_strength(product),
        form=(coded(product.get("form")) or Coded("")).text,
        doses=tuple(map(_dose, [*objects(content.get("dosageInstruction")), *objects(content.get("dosage"))])),
        indication=_indication(record, content),
        current=status in _CURRENT and (until is None or until.ends >= now),
        paused=status == "on-hold",
        since=entry.moment,
        until=until,
        prescriber=text(content, "requester.display", "informationSource.display"),
        prescriber_reference=content.get("requester"),
        last_given=given.get(entry.reference) or given.get(drug.text.casefold()),
        origin=entry.origin,
        stopped_because=(coded(content.get("statusReason")) or Coded("")).text,
        private=extension(content, "private-mark") is True,
    )


def drug_of(record: Record, entry: Entry) -> Coded:
    """The drug of an ordination, an administration or a dispensing."""
    content = entry.content
    own = coded(content.get("medicationCodeableConcept"))
    return own or coded(_product(record, entry).get("code")) or _named(content) or Coded("?")


def _named(content: Json) -> Coded | None:
    display = text(content, "medicationReference.display")
    return Coded(display) if display else None


def _product(record: Record, entry: Entry) -> Json:
    """The Medication behind an ordination: contained, or in the record, or nothing."""
    reference = text(entry.content, "medicationReference.reference")
    if reference.startswith("#"):
        return next((c for c in objects(entry.content.get("contained")) if c.get("id") == reference[1:]), {})
    found = record.resolve(reference)
    return found.content if found else {}


def _strength(product: Json) -> str:
    said = text(product, "ingredient.strength.extension.valueString", "extension.valueString")
    number, unit = (
        first(product, "ingredient.strength.numerator.value"),
        text(product, "ingredient.strength.numerator.unit"),
    )
    return said or (f"{number} {unit}".strip() if number is not None else "")


def _dose(dosage: Json) -> Dose:
    repeat = first(dosage, "timing.repeat")
    repeat = repeat if isinstance(repeat, dict) else {}
    frequency = repeat.get("frequency")
    return Dose(
        text=text(dosage, "text", "patientInstruction"),
        amount=decimal(first(dosage, "doseAndRate.doseQuantity.value")),
        unit=text(dosage, "doseAndRate.doseQuantity.unit"),
        frequency=frequency if isinstance(frequency, int) else None,
        period=decimal(repeat.get("period")),
        period_unit=str(repeat.get("periodUnit", "")),
        as_needed=dosage.get("asNeededBoolean") is True or "asNeededCodeableConcept" in dosage,
    )


def _indication(record: Record, content: Json) -> str:
    said = coded(content.get("reasonCode"))
    if said:
        return said.text
    behind = (record.resolve(reference) for reference in objects(content.get("reasonReference")))
    named = (coded(entry.content.get("code")) for entry in behind if entry)
    return next((concept.text for concept in named if concept), text(content, "reasonReference.display"))


def _last_given(record: Record) -> dict[str, Moment]:
    """The newest administration, by the ordination it was given on and by the drug's name."""
    newest: dict[str, Moment] = {}
    for entry in record.of("MedicationAdministration"):
        drug = coded(entry.content.get("medicationCodeableConcept"))
        keys = [text(entry.content, "request.reference"), drug.text.casefold() if drug else ""]
        if entry.moment and entry.content.get("status") in ("completed", "in-progress"):
            newest.update({key: max(entry.moment, newest.get(key, entry.moment)) for key in keys if key})
    return newest
