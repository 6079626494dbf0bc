"""Names as people write them, out of FHIR's HumanName."""

from typing import Any

_PREFERRED = {"official": 0, "usual": 1, None: 2, "maiden": 9, "old": 9}


def human_name(names: list[dict[str, Any]]) -> str:
    """The official name, else the usual one, else the first; "" when there is none."""
    if not names:
        return ""
    best = min(names, key=lambda name: _PREFERRED.get(name.get("use"), 5))
    if best.get("text"):
        return str(best["text"])
    return " ".join([*best.get("given", ()), *([best["family"]] if best.get("family") else [])])
