"""Static files, text compressed once and kept. Pages themselves are never compressed: they carry secrets beside what
others may have written, and lengths would tell.
"""

import gzip
from pathlib import PurePosixPath

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_TEXT = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class CompressedFiles(StaticFiles):
    """A folder of files; text goes out compressed to browsers that take it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404 by HTTPException."""
        response = await super().get_response(path, scope)
        kind = _TEXT.get(PurePosixPath(path).suffix)
        if kind is None or response.status_code != 200 or scope["method"] != "GET":
            return response
        response.headers["Vary"] = "Accept-Encoding"
        if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            return response
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding", "ETag": response.headers.get("etag", "")}
        return Response(self._packed(path), headers=headers, media_type=kind)

    def _packed(self, path: str) -> bytes:
        """The file's content compressed; kept for as long as the server runs."""
        kept: dict[str, bytes] = self.__dict__.setdefault("kept", {})
        if path not in kept:
            full_path, _ = self.lookup_path(path)
            with open(full_path, "rb") as file:
                kept[path] = gzip.compress(file.read(), 9, mtime=0)
        return kept[path]
