"""The catalogues in ``data/``: what is measured, medicines, vaccines and diagnoses, with Danish words and codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import Any

from demo.datatypes import FSIII, ICPC2, LOINC, MCS, NPU, SKS, Json, coding, concept

DATA = Path(__file__).parent / "data"
_SYSTEMS = {"NPU": NPU, "LOINC": LOINC, "MCS": MCS, "SKS": SKS, "ICPC-2": ICPC2, "FSIII": FSIII}


@dataclass(frozen=True, slots=True)
class Measure:
    """Something measured: its code, unit, category, and reference intervals ("" is both sexes)."""

    code: Json
    unit: str
    category: str
    intervals: Mapping[str, tuple[float | None, float | None]]

    def interval(self, sex: str) -> tuple[float | None, float | None]:
        """The interval for this sex, else the common one."""
        return self.intervals.get(sex) or self.intervals.get("") or (None, None)


@dataclass(frozen=True, slots=True)
class Product:
    """A medicine or vaccine: name, ATC, strength and form."""

    name: str
    atc: str
    atc_name: str
    strength: str = ""
    form: str = ""


def load(name: str) -> Any:
    """One of the data files."""
    return loads((DATA / name).read_text("utf-8"))


def _code(fact: Json) -> Json:
    return concept(
        fact["text"], *(coding(_SYSTEMS[system], code, display) for system, code, display in fact.get("codes", ()))
    )


def _measure(fact: Json) -> Measure:
    intervals = {sex: (low, high) for sex, (low, high) in fact.get("intervals", {}).items()}
    return Measure(_code(fact), fact.get("unit", ""), fact.get("category", "laboratory"), intervals)


MEASUREMENTS: Mapping[str, Measure] = {
    key: _measure(fact) for key, fact in load("measurements.json")["measurements"].items()
}
MEDICINES: Mapping[str, Product] = {key: Product(*fact) for key, fact in load("medicines.json")["medicines"].items()}
VACCINES: Mapping[str, Product] = {key: Product(*fact) for key, fact in load("medicines.json")["vaccines"].items()}
_CONDITIONS: Mapping[str, Json] = {key: _code(fact) for key, fact in load("conditions.json")["conditions"].items()}


def diagnosis(key: str) -> Json:
    """The code of a condition, treatment or service, as its author writes it (``data/conditions.json``)."""
    return _CONDITIONS[key]
