"""Files that are made once and then stand: the first process to make one decides what is in it."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def create_once(path: Path, content: bytes) -> None:
    """Make ``path`` with ``content``, readable by its owner only, unless it is there already.

    The file appears whole or not at all, also when the machine stops in between, so that processes that start together
    agree on one content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):  # another process was first
            os.link(draft, path)
    finally:
        draft.unlink()
