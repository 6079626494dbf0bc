"""How children grow: the middle of each age, and where one child lies to it."""

from helhed.population.facts import facts, slope

_FACTS = facts("growth")
_AGES = _FACTS["ages"]


def growth(age: float, sex: str) -> tuple[float, float]:
    """A middling child's height in metres and weight in kilograms."""
    return slope(_AGES, _FACTS[sex]["height"], age), slope(_AGES, _FACTS[sex]["weight"], age)


def head(age: float, sex: str) -> float:
    """A middling child's head, in centimetres."""
    return slope(_FACTS["head_ages"], _FACTS[sex]["head"], age)
