"""The scene of the store's tests, to be attacked."""

from tests.unit.store.conftest import library, scene, stage

__all__ = ["library", "scene", "stage"]
