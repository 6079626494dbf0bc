"""What may be asked of ``AuditEvent``, and the identity of one."""

from uuid import UUID

from helhed.fhir.virtual import VirtualShape

AUDIT_EVENTS = VirtualShape(
    "AuditEvent",
    {
        "patient": "reference", "date": "date", "agent": "reference", "agent-role": "token", "entity": "reference",
        "entity-type": "token", "type": "token", "subtype": "token", "action": "token", "outcome": "token",
        "source": "reference",
    },
    frozenset({"POST"}),
)  # fmt: skip

#: a UUID of version 8 (RFC 9562): the number of the row behind a mark of ours
_MARK = 0x6865_6C68_6564_8000 << 64
_VARIANT = 0b10 << 62
_NUMBER = (1 << 62) - 1


def event_id(row: int) -> UUID:
    """The id of the AuditEvent of a row."""
    return UUID(int=_MARK | _VARIANT | row)


def row_of(identifier: UUID) -> int | None:
    """The row behind an id; None when no AuditEvent is called that."""
    row = identifier.int & _NUMBER
    return row if event_id(row) == identifier else None
