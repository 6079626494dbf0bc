"""The app of docs/how-to/register-an-app.md, served as its maker would serve it: static files of an origin of its own."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.assets import KEPT, ROOT

HOW_TO = ROOT / "docs" / "how-to" / "register-an-app.md"
LIBRARY = "fhir-client.min.js"
_BUILT = KEPT / "node_modules" / "fhirclient" / "build" / LIBRARY
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True)
class BrowserApp:
    """Where an app runs, and what its operator registers."""

    port: int
    described: Mapping[str, object]

    @property
    def url(self) -> str:
        """Where people come back to."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def elsewhere(self) -> str:
        """The same pages at an origin that nobody registered."""
        return f"http://localhost:{self.port}/"


@contextmanager
def serving_the_how_to(network: str, client: str) -> Iterator[BrowserApp]:
    """The pages as they stand in the how-to, but for the addresses and the name of the client."""
    files: dict[str, bytes] = {"/" + LIBRARY: _BUILT.read_bytes()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _serving(files))
    port = int(server.server_address[1])
    here = {"https://helhed.example/": f"{network}/", "https://app.example/": f"http://127.0.0.1:{port}/", "blodtryk\"": f'{client}"'}  # fmt: skip
    described, launch, index = _blocks(here)
    files |= {"/launch.html": launch.encode(), "/": index.encode()}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield BrowserApp(port, json.loads(described))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _blocks(here: Mapping[str, str]) -> list[str]:
    """What is registered, and the two pages."""
    text = HOW_TO.read_text("utf-8")
    for written, meant in here.items():
        text = text.replace(written, meant)
    return re.findall(r"^```(?:json|html)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _serving(files: Mapping[str, bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = files.get(path)
            self.send_response(404 if body is None else 200)
            self.send_header("content-type", _TYPES.get(Path(path).suffix, _TYPES[".html"]))
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler


__all__ = ["BrowserApp", "serving_the_how_to"]
