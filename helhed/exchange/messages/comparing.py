"""Comparing what a message said with the rows that it became, in the transaction that writes them."""

from collections.abc import Sequence

from helhed.exchange.messages import equality
from helhed.exchange.messages.envelope import Message
from helhed.exchange.messages.sharing import Parties, Share, row_key, shared_resources
from helhed.fhir import exact
from helhed.fhir.changes import Written


def compared(
    message: Message, parties: Parties, found: Share, written: Sequence[Written]
) -> tuple[bytes | None, bytes | None]:
    """The fingerprints of what was messaged and of the rows that it became; none where nothing is shared."""
    if not found.origins:
        return None, None
    bodies = {one.id: exact.loads(one.body) for one in written if one.id in found.origins}
    resources = shared_resources(message)
    names = {name: one for name, one in message.entries.items() if any(one is each for each in resources)}
    keys = {row_key(one): f"{one['resourceType']}/{found.keys[row_key(one)]}" for one in resources}
    newer = {key for key in keys if found.keys[key] not in bodies}  # here already, and left as they are
    left_there = {name: f"newer {row_key(one)}" for name, one in names.items() if row_key(one) in newer}
    left_here = {keys[key]: f"newer {key}" for key in newer}
    rows = {f"{one['resourceType']}/{own}": one for own, one in bodies.items()}
    number = next((value for _, value in message.numbers), "")
    units = {f"Organization/{one}": sor for sor, one in parties.organisations.items()}
    there = equality.messaged(message.entries, names, left_there)
    here = equality.stored({f"Patient/{parties.patient}": number}, units, rows, left_here)
    return equality.fingerprint(found.origins.values(), there), equality.fingerprint(bodies.values(), here)
