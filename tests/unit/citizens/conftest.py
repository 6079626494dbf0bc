"""The doors over one world that the tests of a module share; each test brings people of its own."""

from tests.unit.acting.building import building, doors

__all__ = ["building", "doors"]  # fixtures
