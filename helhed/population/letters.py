"""Letters in Danish, written from the values that stand in the record."""

from collections.abc import Sequence

from helhed.population.country import Unit
from helhed.population.life import Life
from helhed.population.moments import danish
from helhed.population.resources import letter, medicine_name


def within(text: str) -> str:
    """A title within a sentence: small, unless it is an abbreviation."""
    return text if text[:2].isupper() else text[0].lower() + text[1:]


def number(value: float) -> str:
    """As a Danish reader writes it: 4,6."""
    return f"{value:g}".replace(".", ",")


def discharge(
    life: Life,
    unit: Unit,
    diagnosis: str,
    code: str,
    stay: tuple[int, int],
    minute: int,
    parts: Sequence[str],
    contact: str,
) -> None:
    """An epikrise; the medicine is what the shared card says on that day."""
    start, end = stay
    left = "død" if life.person.died == end else "udskrevet"
    when = f"Indlagt {danish(start)}, {left} {danish(end)}" if end > start else f"Behandlet {danish(start)}"
    medicines = "; ".join(medicine_name(key) for key, since in life.medicines if since <= end) or "Ingen fast medicin"
    body = [f"{when}.", f"Diagnose: {diagnosis} ({code}).", *parts, f"Fast medicin ifølge FMK: {medicines}."]
    write(life, unit, "epikrise", f"Epikrise, {within(diagnosis)}", (end, minute), body, stay, contact)


def write(
    life: Life, unit: Unit, kind: str, title: str, written: tuple[int, int], paragraphs: Sequence[str],
    period: tuple[int, int], contact: str = "",
) -> None:  # fmt: skip
    """A letter with its head and its signature."""
    author = life.author(unit)
    head = f"{unit.name}\n\nVedr. {life.person.name}, født {danish(life.person.born)}"
    signed = f"Med venlig hilsen\n{author['display']}" + (f"\n{unit.name}" if author is not unit.reference else "")
    text = "\n\n".join([head, *paragraphs, signed])
    content = letter(kind, title, written, text, *period)
    content["author"] = [author] if author is unit.reference else [author, unit.reference]
    content["custodian"] = unit.reference
    if contact:
        content["context"] = {"encounter": [{"reference": contact}], **content["context"]}
    life.write(unit, "DocumentReference", content)
