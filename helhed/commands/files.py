"""A file that an operator names: read, or refused in a sentence."""

from pathlib import Path

from helhed.foundation.errors import BadRequest


def bytes_of(path: Path) -> bytes:
    """What is in it. Raises BadRequest."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}.") from None
