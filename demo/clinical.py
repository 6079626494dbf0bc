"""Relations between measurements, so that what is made up hangs together."""

from math import exp, log

_SCALE = {"male": (79.6, -0.411, 141.0), "female": (61.9, -0.329, 141.0 * 1.018)}
_UPPER = -1.209
_YEARLY = 0.993
MOST_REPORTED = 90  #: laboratories write no higher eGFR than this


def egfr(creatinine: float, age: float, sex: str) -> int:
    """Estimated filtration in mL/min/1.73 m² from creatinine in µmol/L: CKD-EPI 2009 (Levey, Ann Intern Med 2009;150:604)."""
    scale, lower, factor = _SCALE[sex]
    ratio = creatinine / scale
    found: float = factor * min(ratio, 1) ** lower * max(ratio, 1) ** _UPPER * _YEARLY**age
    return min(MOST_REPORTED, round(found))


def creatinine(filtration: float, age: float, sex: str) -> int:
    """The creatinine in µmol/L that gives this filtration: the same equation solved."""
    scale, lower, factor = _SCALE[sex]
    left = filtration / (factor * _YEARLY**age)
    return round(scale * exp(log(left) / (_UPPER if left < 1 else lower)))


def body_mass_index(weight: float, height: float) -> float:
    """Kilograms over metres squared, one decimal."""
    return round(weight / height**2, 1)


def forced_volume(age: float, height: float, sex: str) -> float:
    """Expected FEV1 in litres of an adult: ECSC 1993 (Quanjer, Eur Respir J 1993;6 Suppl 16:5)."""
    years = max(25.0, age)
    return 4.30 * height - 0.029 * years - 2.49 if sex == "male" else 3.95 * height - 0.025 * years - 2.60
