"""The types that this room serves instead of the store, and what may be asked of each."""

from collections.abc import Mapping

from helhed.fhir.virtual import VirtualShape
from helhed.trust.audit_events.shape import AUDIT_EVENTS
from helhed.trust.consents.shape import CONSENTS
from helhed.trust.subscriptions.shape import SUBSCRIPTIONS

SHAPES: Mapping[str, VirtualShape] = {one.name: one for one in (AUDIT_EVENTS, CONSENTS, SUBSCRIPTIONS)}
