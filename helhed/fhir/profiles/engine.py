"""Rules in FHIRPath, compiled: the one place where validation meets the FHIRPath engine."""

from collections.abc import Callable
from typing import Any

from helhed.fhir.profiles.run import Json, Run
from helhed.fhir.profiles.terminology import Terminology

#: True when the rule holds, False when it is broken, None when that cannot be told here
Rule = Callable[[Any, Json | None, Run], bool | None]


def rule_of(expression: str, type_name: str, terminology: Terminology) -> Rule | None:
    """The rule as a function; None when the engine cannot evaluate it."""
    return None
