"""The doors for people: citizen, hospital. Parse, ask, call one room, render."""

from helhed.portals.app import build_portal_app

__all__ = ["build_portal_app"]
