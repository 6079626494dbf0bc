"""Who still sends SHAK: counted when a request that names its system was answered, and nothing else of it is kept."""

from contextlib import suppress

from helhed.api.door import Door
from helhed.api.request import Request
from helhed.foundation.errors import HelhedError
from helhed.registries.shak import ShakCodes, names_shak

_WRITES = {"create", "update", "patch", "bundle"}


async def note_shak(door: Door, request: Request, interaction: str) -> None:
    """Count it. An answer that is ready is given, whether or not it could be counted."""
    if not (request.names_shak or names_shak(request.query)):
        return
    act = "write" if interaction in _WRITES else "search"
    with suppress(HelhedError, OSError):
        await ShakCodes(door.store.pool).note(request.ask, act, request.parts[0] if request.parts else "")
