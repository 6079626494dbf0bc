"""The body behind the measurements: where each lies, how it wanders from visit to visit, what a treatment changes."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from helhed.population.facts import facts, step

_SMOKING = facts("diseases")["smoking"]
_WORDS = {"now": "Ryger", "before": "Tidligere ryger", "never": "Aldrig røget"}
_MEMORY, _NEW = 0.6, 0.8  #: a value keeps this much of its last deviation; the variance stays what it is
_SETTLED = 30  #: days until a treatment shows
_FOUND_AFTER = 40  #: days a disease shows in the values before it is a diagnosis
_NO_LIMIT = 1000.0
_NEVER = 10**9
#: how low a value can become once it is a disease's
_LEAST = {"filtration": 14.0, "sugar": 40.0, "systolic": 100.0, "ldl": 0.8, "tsh": 0.3, "urate": 0.2, "psa": 0.1}
_YEARLY = 0.993


@dataclass(slots=True)
class Body:
    """What is behind the measurements; diseases and treatments change it."""

    sex: str
    height: float
    smoker: str  #: now, before or never
    levels: dict[str, float]
    effects: list[tuple[int, str, float]] = field(default_factory=list)  #: since when, on what, how much
    floors: dict[str, float] = field(default_factory=dict)
    ceilings: dict[str, float] = field(default_factory=dict)
    ill: dict[str, tuple[int, float]] = field(
        default_factory=dict
    )  #: since when other limits hold, and what is most then
    _last: dict[str, float] = field(default_factory=dict)

    @property
    def smoking(self) -> str:
        """In a reader's words."""
        return _WORDS[self.smoker]

    def at(self, rng: Random, what: str, day: int, spread: float) -> float:
        """The value on a day: the level, what diseases and treatments change, and a deviation that remembers the last one."""
        deviation = _MEMORY * self._last.get(what, 0.0) + _NEW * rng.gauss(0, spread)
        self._last[what] = deviation
        changed = sum(much for since, of, much in self.effects if of == what and since <= day)
        found = self.levels[what] + deviation + changed
        since, most = self.ill.get(what, (_NEVER, 0.0))
        if day >= since:
            return max(_LEAST.get(what, found), min(most, found))
        return max(self.floors.get(what, found), min(self.ceilings.get(what, found), found))

    def final(self, what: str) -> float:
        """Where it lies when every disease and treatment has come."""
        return self.levels[what] + sum(much for _, of, much in self.effects if of == what)

    def treat(self, what: str, since: int, much: float) -> None:
        """A treatment shows after a month."""
        self.effects.append((since + _SETTLED, what, -much))

    def fail(self, what: str, level: float, onset: int, *, most: float = _NO_LIMIT) -> None:
        """From shortly before the diagnosis, the value is another."""
        self.effects.append((onset - _FOUND_AFTER, what, level - self.levels[what]))
        self.ill[what] = (onset - _FOUND_AFTER, most)

    def change(self, rng: Random, disease: dict[str, Any], onset: int) -> None:
        """What a disease does, untreated."""
        for what, (mean, spread) in disease.get("sets", {}).items():
            self.fail(what, rng.gauss(mean, spread), onset)
        for what, (mean, spread) in disease.get("raises", {}).items():
            self.levels[what] += max(0.0, rng.gauss(mean, spread))


def draw_body(rng: Random, sex: str, age: float) -> Body:
    """A grown body that fits sex and age, without disease. Ceilings are where a disease would begin."""
    height = rng.gauss(1.80, 0.065) if sex == "male" else rng.gauss(1.67, 0.06)
    levels = {
        "bmi": min(40.0, max(19.0, rng.gauss(26.0 if age > 35 else 24.0, 3.6))),
        "systolic": rng.gauss(112 + age * 0.22, 6),
        "filtration": max(66.0, min(112.0, 138 - age * 0.6, rng.gauss(118 - age * 0.6, 9))),
        "sugar": rng.gauss(33 + age * 0.05, 2),
        "ldl": max(1.5, min(3.9, rng.gauss(2.8, 0.5))),
        "haemoglobin": rng.gauss((9.2 if sex == "male" else 8.3) - max(0.0, age - 70) * 0.02, 0.35),
        "tsh": max(0.6, min(3.3, rng.gauss(1.7, 0.6))),
        "lung": max(0.84, rng.gauss(1.0, 0.08)),
        "urate": rng.gauss(0.34 if sex == "male" else 0.27, 0.03),
        "psa": 0.5 + max(0.0, age - 40) * 0.03,
        "phq9": max(2.0, rng.gauss(7, 3)),
    }
    floors = {
        "bmi": 17.5,
        "systolic": 96,
        "filtration": 61,
        "sugar": 26,
        "ldl": 0.8,
        "haemoglobin": 6.0,
        "tsh": 0.2,
        "psa": 0.1,
        "phq9": 0,
        "urate": 0.16,
    }
    ceilings = {"sugar": 45, "systolic": 178, "bmi": 52, "filtration": 118, "psa": 3.8, "tsh": 3.9, "urate": 0.46}
    return Body(sex, round(min(2.04, max(1.48, height)), 2), _smoker(rng, age), levels, [], floors, ceilings)


def pulse(rng: Random, usual: float) -> float:
    """Beats a minute at rest or in illness; never what would have been acted upon at once."""
    return max(48.0, min(126.0, rng.gauss(usual, 7)))


def smoking_factor(smoker: str, age: float) -> float:
    """How much likelier a smoker's disease is than that of everybody of the age."""
    factor = _SMOKING["factor"]
    now, before = step(_SMOKING["now"], age), step(_SMOKING["before"], age)
    everybody = now * factor["now"] + before * factor["before"] + (1 - now - before) * factor["never"]
    return float(factor[smoker] / everybody)


def _smoker(rng: Random, age: float) -> str:
    now, before = step(_SMOKING["now"], age), step(_SMOKING["before"], age)
    return rng.choices(("now", "before", "never"), (now, before, 1 - now - before))[0] if age >= 15 else "never"


_SCALE: dict[str, tuple[float, float, float]] = {"male": (79.6, -0.411, 141.0), "female": (61.9, -0.329, 141.0 * 1.018)}
_UPPER = -1.209
MOST_REPORTED = 90  #: laboratories write no higher eGFR than this


def egfr(creatinine: float, age: float, sex: str) -> int:
    """Filtration in mL/min/1.73 m² from creatinine in µmol/L: CKD-EPI 2009 (Levey, Ann Intern Med 2009;150:604)."""
    scale, lower, factor = _SCALE[sex]
    ratio = creatinine / scale
    found: float = factor * min(ratio, 1) ** lower * max(ratio, 1) ** _UPPER * _YEARLY**age
    return min(MOST_REPORTED, round(found))


def creatinine(filtration: float, age: float, sex: str) -> int:
    """The creatinine that gives this filtration: the same equation solved."""
    scale, lower, factor = _SCALE[sex]
    left = filtration / (factor * _YEARLY**age)
    found: float = scale * left ** (1 / (_UPPER if left < 1 else lower))
    return round(found)


def expected_lung(age: float, height: float, sex: str) -> float:
    """Expected FEV1 in litres of an adult: ECSC 1993 (Quanjer, Eur Respir J 1993;6 Suppl 16:5)."""
    years = max(25.0, age)
    return 4.30 * height - 0.029 * years - 2.49 if sex == "male" else 3.95 * height - 0.025 * years - 2.60
