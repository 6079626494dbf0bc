"""Regular expressions from outside, taken only in a form that cannot cost much.

No back references, no looking around, no repetition of what repeats already: what is left is found by an automaton in one
pass over the text.
"""

import re

from helhed.fhir.terminology.model import BadValueSet

_LONGEST, _MOST_REPEATS = 200, 50
_ESCAPES = frozenset("dDwWsS.^$|?*+()[]{}\\/-")
_BOUNDS = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")


def checked_pattern(pattern: str) -> str:
    """The pattern, anchored at both ends. Raises BadValueSet for one that could be costly or is none."""
    if len(pattern) > _LONGEST:
        raise BadValueSet(f"A regular expression is at most {_LONGEST} characters long here.")
    if "(?" in pattern or "[[" in pattern or pattern.startswith("*"):
        raise _refused()
    _walk(pattern)
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        raise BadValueSet("This is no regular expression.") from None
    return f"^(?:{pattern})$"


def _walk(pattern: str) -> None:
    """Follow the groups: whether each holds a repetition, and whether one is repeated."""
    holds = [False]  # for each open group: whether something in it repeats
    before = False  # whether what stands just before this place repeats inside
    place = 0
    while place < len(pattern):
        char = pattern[place]
        step = 1
        if char == "\\":
            if pattern[place + 1 : place + 2] not in _ESCAPES:
                raise _refused()
            step, before = 2, False
        elif char == "[":
            step, before = _class_length(pattern, place), False
        elif char == "(":
            holds.append(False)
            before = False
        elif char == ")" and len(holds) > 1:
            before = holds.pop()
            holds[-1] = holds[-1] or before
        elif char in "*+?{":
            step = _repeat_length(pattern, place)
            if before:
                raise _refused()
            before = holds[-1] = True
        else:
            before = False
        place += step


def _class_length(pattern: str, start: int) -> int:
    place = start + (2 if pattern[start + 1 : start + 2] in {"^", "]"} else 1)
    while place < len(pattern) and pattern[place] != "]":
        if pattern[place] == "\\":
            if pattern[place + 1 : place + 2] not in _ESCAPES:
                raise _refused()
            place += 1
        place += 1
    return place - start + 1


def _repeat_length(pattern: str, place: int) -> int:
    if pattern[place] != "{":
        return 1
    bounds = _BOUNDS.match(pattern, place)
    if bounds is None or max(int(bounds[1]), int(bounds[3] or 0)) > _MOST_REPEATS:
        raise _refused()
    return len(bounds[0])


def _refused() -> BadValueSet:
    return BadValueSet(
        "This regular expression is not taken: no back references, no looking around, no repeated repetition, "
        f"no more than {_MOST_REPEATS} repeats."
    )
