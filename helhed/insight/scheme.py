"""What is counted, how it is divided, and how it is protected: dated data with a source (``data/scheme.json``)."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from helhed.fhir.definitions import type_definition

_COUNTED = ("Condition", "Encounter", "Immunization")


def scheme(more_areas: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The definition to release figures by.

    ``more_areas``: municipalities beside the real ones, with their region, as they stand in ``Patient.address.district``.
    """
    found: dict[str, Any] = json.loads((resources.files("helhed.insight") / "data" / "scheme.json").read_text("utf-8"))
    found["areas"] |= more_areas or {}
    found["types"] = {name: type_definition(name).number for name in _COUNTED}
    return found
