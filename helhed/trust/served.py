"""What this room serves instead of the store, put together."""

from collections.abc import Sequence

from helhed.fhir.virtual import Served
from helhed.foundation.database import Pool
from helhed.foundation.seal import Seal
from helhed.trust.audit_events import AuditEvents, Deliveries
from helhed.trust.consents.serving import Consents
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.log.reader import LogReader
from helhed.trust.subscriptions.reading import Terms
from helhed.trust.subscriptions.serving import ServedSubscriptions


def served_types(pool: Pool, pseudonyms: Pseudonyms, terms: Terms, seal: Seal) -> Sequence[Served]:
    """One server for each type of ``trust.virtual``. ``terms`` and ``seal`` are those of subscriptions."""
    return (
        AuditEvents(LogReader(pool, pseudonyms), Deliveries(pool)),
        Consents(pool),
        ServedSubscriptions(pool, terms, seal),
    )
