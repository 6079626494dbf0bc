"""Package archives made in memory."""

import io
import tarfile
from collections.abc import Mapping
from typing import Any

import orjson

MANIFEST = {"name": "example.fhir.test", "version": "1.0.0", "fhirVersions": ["4.0.1"], "dependencies": {}}


def archive(files: Mapping[str, Any], manifest: Mapping[str, Any] | None = None) -> bytes:
    """A package with these files (JSON or bytes by path) and a manifest."""
    everything = {"package/package.json": {**MANIFEST, **(manifest or {})}, **files}
    return tar([plain(path, content) for path, content in everything.items()])


def plain(path: str, content: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A plain file."""
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    member = tarfile.TarInfo(path)
    member.size = len(raw)
    return member, raw


def tar(members: list[tuple[tarfile.TarInfo, bytes]], mode: Any = "w:gz") -> bytes:
    """An archive of any members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as writer:
        for member, raw in members:
            writer.addfile(member, io.BytesIO(raw))
    return out.getvalue()
