"""The tables, as JSON with a date and a source each."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """One table by its name."""
    found: dict[str, Any] = json.loads((resources.files(__package__) / f"{name}.json").read_text("utf-8"))
    return found


def lists() -> dict[str, dict[str, str]]:
    """MedCom's value lists: neutral word -> EDIFACT's code, or FHIR's."""
    found: dict[str, dict[str, str]] = table("lists")["lists"]
    return found
