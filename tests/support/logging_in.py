"""Logging in at a running network by its demo's provider, and allowing an app, as a browser does it."""

import html
import re

import httpx

CITIZENS = frozenset({"jens", "ulla", "birthe", "fatima", "kasper", "lene", "noah", "sara"})


def log_in(pages: httpx.Client, handle: str) -> httpx.Response:
    """The answer that brings the session's cookie. ``pages`` has the network's address and follows nothing by itself."""
    face = "mitid" if handle in CITIZENS or handle.startswith("patient:") else "arbejde"
    begun = pages.get(f"/log-ind/{face}")
    chosen = pages.post(begun.headers["location"], data={"person": handle})
    return pages.get(chosen.headers["location"])


def allowed(pages: httpx.Client, address: str, answer: str = "ja") -> str:
    """Where a browser is sent when somebody says yes to everything an app asks, or no."""
    page = pages.get(pages.get(address).headers["location"])
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    boxes = dict(re.findall(r'name="(lov\d+)" value="([^"]+)" checked', page.text))
    said = {name: html.unescape(value) for name, value in {**fields, **boxes}.items()}
    return pages.post("/oauth/samtykke", data={**said, "svar": answer}).headers["location"]
