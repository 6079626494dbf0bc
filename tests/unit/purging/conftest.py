"""A hospital with records custodians, which the tests of a module share."""

from tests.unit.store.purging import place, ward

__all__ = ["place", "ward"]
