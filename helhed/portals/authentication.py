"""Who is logged in, as apps are told of it, and the way to the log-in page and back to where somebody came from."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from helhed.foundation.logging import scrub
from helhed.portals.sessions import Session

LOG_IN, BACK = "/", "tilbage"
_DEMO = "urn:helhed:acr:demo"  #: nobody proved anything
_OURS = re.compile(r"/(?:oauth|borger|hospital)(?:/[\w-]+)*(?:\?[\w.~%&=+-]*)?", re.ASCII)
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Authentication:
    """How somebody proved who they are, and when."""

    at: datetime
    acr: str  #: how sure it is (OpenID Connect Core 1.0)
    amr: tuple[str, ...]  #: by which means (RFC 8176)


def authentication_of(session: Session) -> Authentication:
    """What a session knows of its log-in."""
    login = session.login
    if login is None or not login.acr:
        return Authentication(session.authenticated, _DEMO, login.amr if login else ())
    return Authentication(login.at, login.acr, login.amr)


def login_address(back: str) -> str:
    """The log-in page, which sends whoever logs in on to ``back``, an address of ours."""
    return f"{LOG_IN}?{urlencode({BACK: own_address(back)})}"


def own_address(told: str) -> str:
    """An address of ours that somebody may be sent to; "" for anything that could lead elsewhere, or names a number."""
    return told if len(told) <= _LONGEST and _OURS.fullmatch(told) and scrub(told) == told else ""
