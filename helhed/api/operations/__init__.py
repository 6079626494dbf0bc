"""The operations of the FHIR door: ``$name`` on the system, a type or an instance.

Each lives in a module of its own here, which gives an ``Operation``; the list below is what the door answers, what the
CapabilityStatement says and what the tests go through.
"""

from helhed.api.operations.attachment import ATTACHMENT
from helhed.api.operations.everything import EVERYTHING
from helhed.api.operations.glass import BREAK_GLASS
from helhed.api.operations.log_deliveries import LOG_DELIVERIES
from helhed.api.operations.masks import MASKS
from helhed.api.operations.match import MATCH
from helhed.api.operations.merge import MERGING
from helhed.api.operations.messages import MESSAGES
from helhed.api.operations.model import Operation, Place
from helhed.api.operations.name_staff import NAME_STAFF
from helhed.api.operations.number_blocks import NUMBER_BLOCKS
from helhed.api.operations.purging import PURGING
from helhed.api.operations.sources import SOURCES
from helhed.api.operations.subscriptions import SUBSCRIPTIONS
from helhed.api.operations.summary import SUMMARY
from helhed.api.operations.terminology import TERMINOLOGY
from helhed.api.operations.unit_registers import UNIT_REGISTERS
from helhed.api.operations.units import UNITS
from helhed.api.operations.validation import VALIDATE
from helhed.api.operations.work import RECEIPTS
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Forbidden, MethodNotAllowed, NotSupported

__all__ = ["OPERATIONS", "Operation", "Place", "operation_at"]

OPERATIONS: tuple[Operation, ...] = (
    BREAK_GLASS,
    *EVERYTHING,
    *MASKS,
    MATCH,
    *MERGING,
    *MESSAGES,
    *PURGING,
    SUMMARY,
    VALIDATE,
    *TERMINOLOGY,
    *LOG_DELIVERIES,
    NAME_STAFF,
    *UNITS,
    *UNIT_REGISTERS,
    *NUMBER_BLOCKS,
    *SUBSCRIPTIONS,
    RECEIPTS,
    SOURCES,
    ATTACHMENT,
)


def operation_at(ask: Ask, method: str, name: str, place: Place) -> Operation:
    """The operation called ``name`` (without its dollar sign) there. Raises NotSupported, MethodNotAllowed or Forbidden.

    An operation that changes something is never done by GET (http://hl7.org/fhir/R4/operations.html#executing). An app that was opened
    for one patient has those that read rows, and no other.
    """
    for one in OPERATIONS:
        if one.name == name and one.fits(place):
            if ask.for_one and not one.by_rows:
                raise Forbidden(f"${one.name} is not for an app that was opened for one patient.")
            if method == "POST" or (method in {"GET", "HEAD"} and not (one.changes or one.post_only)):
                return one
            raise MethodNotAllowed
    raise NotSupported(f"${name[:40]} is not supported here.")
