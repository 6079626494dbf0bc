"""What this room serves instead of the store, put together."""

from collections.abc import Sequence

from helhed.fhir.virtual import Served
from helhed.foundation.database import Pool
from helhed.trust.audit_events import AuditEvents, Deliveries
from helhed.trust.consents.serving import Consents
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.log.reader import LogReader


def served_types(pool: Pool, pseudonyms: Pseudonyms) -> Sequence[Served]:
    """One server for each type of ``trust.virtual``."""
    return (AuditEvents(LogReader(pool, pseudonyms), Deliveries(pool)), Consents(pool))
