"""The desks of a security officer."""

from helhed.foundation.database import Pool
from helhed.portals.ports.watch import Watch
from helhed.trust.watch.assessments import Assessments
from helhed.trust.watch.cases import Cases
from helhed.trust.watch.incidents import Incidents
from helhed.trust.watch.warnings import Warnings


def portal_watch(pool: Pool) -> Watch:
    """All of them, on one pool."""
    return Watch(Cases(pool), Incidents(pool), Warnings(pool), Assessments(pool))
