"""CPR numbers that are nobody's: they fail modulus 11, on days on which no such number was ever given."""

from datetime import date

from helhed.foundation.errors import BadRequest
from helhed.population.facts import facts

_FACTS = facts("cpr")
_WEIGHTS = _FACTS["weights"]
_SEVENTHS = _FACTS["sevenths"]
_NEVER = _FACTS["never_born_on"]
_GROUPS, _LAST_DIGITS = 400, 4
SLOTS = _GROUPS * _LAST_DIGITS  #: numbers that a day has for each sex, whatever modulus 11 takes away
CLASSES = 40  #: days are shared out among blocks that use the same slot
MOST_BLOCKS = SLOTS * CLASSES
_STRIDE = 617  #: without a divisor in common with SLOTS: neighbours' numbers do not look alike


def check_block(block: int) -> None:
    """Raises BadRequest for a block beyond those that can have numbers of their own."""
    if not 0 <= block < MOST_BLOCKS:
        raise BadRequest(
            f"A population has at most {MOST_BLOCKS * 100:,} citizens: there are no more CPR numbers for it."
        )


def may_be_born(day: int, block: int) -> bool:
    """Whether the citizens of a block may be born on this day: blocks that share a slot never share a day."""
    return day % CLASSES == (block // SLOTS + block * 7) % CLASSES and not date.fromordinal(day).isoformat().endswith(
        _NEVER
    )


def cpr_number(day: int, sex: str, block: int) -> str:
    """The number of the one person of this sex in a block who was born on a day."""
    born = date.fromordinal(day)
    slot = (block * _STRIDE + day) % SLOTS
    group, choice = divmod(slot, _LAST_DIGITS)
    sevenths = next(digits for first, last, digits in _SEVENTHS if first <= born.year <= last)
    digits = f"{born:%d%m%y}{sevenths[group // 100]}{group % 100:02}"
    rest = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11
    possible = [last for last in range(sex == "male", 10, 2) if (rest + last) % 11 != 0]
    return digits + str(possible[choice])


def fails_modulus_11(cpr: str) -> bool:
    """Whether the ten digits do not add up as numbers before October 2007 do."""
    return bool(sum(int(digit) * weight for digit, weight in zip(cpr, _WEIGHTS, strict=True)) % 11)
