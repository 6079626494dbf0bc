"""The door to population figures, for everybody: what was released, and tables of it. Nothing about a person is here."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import orjson

from helhed.foundation.asgi import Receive, Scope, Send
from helhed.foundation.errors import BadRequest, HelhedError, MethodNotAllowed, Unknown
from helhed.foundation.logging import logger
from helhed.insight.figures import Figures, Wanted
from helhed.insight.printed import as_csv, as_json, of_release

_STATUS = {BadRequest: 400, Unknown: 404, MethodNotAllowed: 405}
_MOST_FIELDS = 64
#: parameters of a table, and how often each may be there
_PARAMETERS = {"measure": 1, "by": 3, "place": 40, "sex": 2, "age": 8, "release": 1, "format": 1}
_FORMATS = {"json": b"application/json", "csv": b"text/csv; charset=utf-8"}


class InsightDoor:
    """The ASGI application behind ``/insight``."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3, http only."""
        kind = _FORMATS["json"]
        try:
            status, kind, body = await self._answer(scope)
        except HelhedError as error:
            status, body = _STATUS.get(type(error), 503), orjson.dumps({"error": str(error)})
        except Exception as error:
            logger("insight").error("unexpected", error=error)
            status, body = 500, orjson.dumps({"error": "Something went wrong."})
        head = [
            (b"content-type", kind),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"access-control-allow-origin", b"*"),
        ]
        if kind is _FORMATS["csv"]:
            head.append((b"content-disposition", b'attachment; filename="helhed-figures.csv"'))
        head.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope) -> tuple[int, bytes, bytes]:
        if scope["path"] not in {"/insight/releases", "/insight/figures"}:
            raise Unknown("There is nothing here: /insight/releases, or /insight/figures?measure=.")
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowed("This is read.")
        asked = _asked(scope["query_string"])
        if scope["path"] == "/insight/releases":
            if asked:
                raise BadRequest("The list of releases takes no parameters.")
            return 200, _FORMATS["json"], orjson.dumps([of_release(one) for one in await self._figures.releases()])
        written = asked.get("format", ["json"])[0]
        if written not in _FORMATS:
            raise BadRequest("The format is json or csv.")
        table = await self._figures.table(_wanted(asked))
        return 200, _FORMATS[written], as_csv(table) if written == "csv" else orjson.dumps(as_json(table))


def _asked(query: bytes) -> Mapping[str, Sequence[str]]:
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            strict_parsing=bool(query),
            errors="strict",
        )
    except ValueError:
        raise BadRequest("The address cannot be read.") from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    if any(len(values) > _PARAMETERS.get(name, 0) for name, values in found.items()):
        raise BadRequest(f"A table is asked for by {', '.join(_PARAMETERS)}.")
    return found


def _wanted(asked: Mapping[str, Sequence[str]]) -> Wanted:
    number = asked.get("release", [""])[0]
    if number and not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise BadRequest("A release is named by its number.")
    if "measure" not in asked:
        raise BadRequest("Say which measure: /insight/releases names them.")
    return Wanted(
        asked["measure"][0], tuple(asked.get("by", ())), tuple(asked.get("place", ())), tuple(asked.get("sex", ())),
        tuple(asked.get("age", ())), int(number) if number else None,
    )  # fmt: skip
