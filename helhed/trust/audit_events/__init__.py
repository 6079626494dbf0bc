"""``AuditEvent``: the log over FHIR. Read by the citizen, by whoever acts for them, and by an organisation about its own
staff; delivered by sources from logs of their own; never changed.
"""

from helhed.trust.audit_events.delivering import Deliveries
from helhed.trust.audit_events.serving import AuditEvents
from helhed.trust.audit_events.shape import AUDIT_EVENTS

__all__ = ["AUDIT_EVENTS", "AuditEvents", "Deliveries"]
