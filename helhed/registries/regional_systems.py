"""The identifier systems of old regional replacement numbers, as dated data (``regional_numbers.json``)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def regional_systems() -> Mapping[str, Mapping[str, str]]:
    """Each system with its region's name by language."""
    found = json.loads((resources.files("helhed.registries") / "regional_numbers.json").read_text("utf-8"))
    return {one["system"]: {"da": one["da"], "en": one["en"]} for one in found["systems"]}


def is_regional(system: str) -> bool:
    """Whether a number of this system is an alias that several people may share."""
    return system in regional_systems()
