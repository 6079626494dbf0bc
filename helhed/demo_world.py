"""Placeholder until the demo people arrive."""
