"""What the pages of those who watch over the network need: cases, incidents, warnings and assessments, served by ``trust``."""

from dataclasses import dataclass

from helhed.trust.watch.assessments import Assessments
from helhed.trust.watch.cases import Cases
from helhed.trust.watch.incidents import Incidents
from helhed.trust.watch.warnings import Warnings


@dataclass(frozen=True, slots=True)
class Watch:
    """The desks of a security officer. Each asks the database as the officer, who decides and logs."""

    cases: Cases
    incidents: Incidents
    warnings: Warnings
    assessments: Assessments
