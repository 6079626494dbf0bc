"""From FHIR to a letter: the one it came as, or a new one by the tables."""

from helhed.exchange.legacy.faults import Place, unfit
from helhed.exchange.legacy.places import Json
from helhed.exchange.legacy.returning import returned
from helhed.exchange.legacy.tree import Legacy


def from_fhir(bundle: Json) -> Legacy:
    """The letter that ``to_fhir`` made the message of, with the values it has now.

    Raises Unprocessable when the message did not come as a letter, or no longer fits it.
    """
    found = returned(bundle)
    if found is None:
        raise unfit("The message did not come as a letter of the older kind.", Place("Bundle"))
    return found
