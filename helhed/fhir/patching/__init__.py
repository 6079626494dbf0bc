"""Patches: parts of a resource changed by an ordered list of operations. Pure: what goes in stays as it was."""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Patch"]


class Patch(NamedTuple):
    """Operations, and what does them."""

    apply: Callable[[dict[str, Any], Any], dict[str, Any]]
    operations: Any
