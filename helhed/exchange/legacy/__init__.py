"""MedCom's older messages, EDIFACT and XML, both ways to FHIR without loss. Pure: no store, no HTTP, no clock.

``decode`` and ``encode`` hold the syntax; ``letters`` takes an envelope apart; ``to_fhir`` and ``from_fhir`` map a letter by the tables of
its family; ``page`` shows one; ``follow_ups`` says what the general practice is asked to do.
"""

from helhed.exchange.legacy.fhir import Mapped, to_fhir
from helhed.exchange.legacy.follow_up import FollowUp, follow_ups
from helhed.exchange.legacy.mapping import Kept
from helhed.exchange.legacy.presenting import Page, page
from helhed.exchange.legacy.receipts import receipt
from helhed.exchange.legacy.syntax import decode, encode, letters
from helhed.exchange.legacy.tree import Legacy
from helhed.exchange.legacy.writing import from_fhir

__all__ = [
    "FollowUp",
    "Kept",
    "Legacy",
    "Mapped",
    "Page",
    "decode",
    "encode",
    "follow_ups",
    "from_fhir",
    "letters",
    "page",
    "receipt",
    "to_fhir",
]
