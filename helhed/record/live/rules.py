"""What a question to a live source may cost: ``record/data/sources.json``."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import msgspec


@dataclass(frozen=True, slots=True)
class Rules:
    """Each with its reason in the file."""

    failures_before_rest: int
    rest_seconds: int
    trial_seconds: int
    at_once: int
    at_once_of_one: int
    searches_at_once: int
    most_bytes: int
    most_pages: int
    most_rows: int
    most_token_bytes: int
    most_image_bytes: int
    image_seconds: int
    purge_seconds: int


@cache
def rules() -> Rules:
    """The rules in force."""
    said = msgspec.json.decode((resources.files("helhed.record") / "data" / "sources.json").read_bytes())
    return Rules(**{name: said[name]["value"] for name in Rules.__slots__})
