"""What the upper rooms do inside every transaction that writes: composition for the processes that only store."""

from helhed.fhir.store import Hooks
from helhed.registries.linking import PatientLinks
from helhed.registries.naming import NumbersOfOthers
from helhed.registries.numbers import ReplacementNumbers
from helhed.registries.projections import Citizens, Organisations, Professionals
from helhed.registries.units.stating import Units
from helhed.trust.projections import Employments, Relations

HOOKS = Hooks(
    projections=(Citizens(), Organisations(), Units(), Professionals(), Employments(), Relations()),
    preparers=(ReplacementNumbers(), PatientLinks()),
    witnesses=(NumbersOfOthers(),),
)
