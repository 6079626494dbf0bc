"""The pages and doors of the demo's provider: whom do you want to be?"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jinja2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from demo.identity_provider.provider import FACES, DemoProvider, Face, Person, Refused

HERE = Path(__file__).parent
WORDS: Mapping[str, Mapping[str, str]] = json.loads((HERE / "words.json").read_text("utf-8"))
DOORS = ("hospital", "praksis", "kommune", "drift")
_MOST_FORM = 16_384
_SHORTEST = 2
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)


def build_demo_provider(provider: DemoProvider, path: str = "") -> Starlette:
    """The ASGI app, at ``path`` of its host."""
    doors = [
        Route("/{face}/.well-known/openid-configuration", _metadata, methods=["GET"]),
        Route("/{face}/jwks", _jwks, methods=["GET"]),
        Route("/{face}/authorize", _authorize, methods=["GET", "POST"]),
        Route("/{face}/par", _par, methods=["POST"]),
        Route("/{face}/token", _token, methods=["POST"]),
        Route("/{face}/end-session", _end_session, methods=["GET", "POST"]),
        Route("/style.css", _style, methods=["GET"]),
    ]
    app = Starlette(routes=[Mount(path, routes=doors)] if path else doors, exception_handlers={Refused: _refused})
    app.state.provider, app.state.path = provider, path
    return app


def _face(request: Request) -> Face:
    found = FACES.get(request.path_params["face"])
    if found is None:
        raise Refused("not_found", 404)
    return found


def _provider(request: Request) -> DemoProvider:
    found: DemoProvider = request.app.state.provider
    return found


async def _metadata(request: Request) -> Response:
    return JSONResponse(_provider(request).metadata(_face(request)), headers=_HEADERS)


async def _jwks(request: Request) -> Response:
    return JSONResponse(_provider(request).jwks(), headers=_HEADERS)


async def _authorize(request: Request) -> Response:
    """The people, a search among citizens, and the way back with one of them."""
    provider, face = _provider(request), _face(request)
    query = dict(request.query_params)
    try:
        asked = provider.asked_of(face, query)
        provider.client_of(asked)
    except Refused:
        return _page(request, face, "refused.html", 400)
    if request.method == "GET":
        return await _people(request, face, asked)
    form = await _form(request)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused("access_denied", 403)
    if "person" not in form:
        return await _people(request, face, asked, form.get("soeg", ""))
    person = await provider.people.one(form["person"])
    if person is None or not _belongs(face, person):
        return _page(request, face, "refused.html", 404)
    try:
        asked = provider.asked_of(face, query, last=True)
    except Refused:
        return _page(request, face, "refused.html", 400)
    answer = urlencode(provider.answer(face, asked, person))
    joint = "&" if urlsplit(asked["redirect_uri"]).query else "?"
    back = _on_this_host(provider, asked["redirect_uri"])
    return RedirectResponse(f"{back}{joint}{answer}", 303, headers=_HEADERS)


def _on_this_host(provider: DemoProvider, address: str) -> str:
    """Where the provider shares its host with who asked, browsers stay on it, whatever they call it."""
    own = urlsplit(provider.base)
    return address.removeprefix(f"{own.scheme}://{own.netloc}")


def _belongs(face: Face, person: Person) -> bool:
    return face.for_citizens == (person.door == "borger")


async def _people(request: Request, face: Face, asked: Mapping[str, str], words: str | None = None) -> Response:
    provider = _provider(request)
    shown = [one for one in await provider.people.shown() if _belongs(face, one)]
    short = words is not None and len(words) < _SHORTEST
    found: Sequence[Person] | None = None
    if words and face.for_citizens and not short:
        found = await provider.people.search(words, request.client.host if request.client else "")
        if found is None:
            return _page(request, face, "many.html", 429)
    groups = [("borger", shown)] if face.for_citizens else [(d, [p for p in shown if p.door == d]) for d in DOORS]
    return _page(
        request,
        face,
        "people.html",
        422 if short else 200,
        groups=groups,
        found=found,
        searched=words or "",
        short=short,
        back=asked["redirect_uri"],
    )


async def _par(request: Request) -> Response:
    form = await _form(request)
    told = _provider(request).push(_face(request), form, request.headers.get("authorization", ""))
    return JSONResponse(told, 201, headers=_HEADERS)


async def _token(request: Request) -> Response:
    form = await _form(request)
    told = await _provider(request).token(_face(request), form, request.headers.get("authorization", ""))
    return JSONResponse(told, headers={**_HEADERS, "Pragma": "no-cache"})


async def _end_session(request: Request) -> Response:
    """Nobody has a session here. Back to where the person came from, when that is a place of the client's."""
    asked = await _form(request) if request.method == "POST" else dict(request.query_params)
    back = asked.get("post_logout_redirect_uri", "")
    known = _provider(request).back_to(asked.get("client_id", ""), back)
    if known:
        return RedirectResponse(back, 303, headers=_HEADERS)
    return _page(request, _face(request), "refused.html", 400)


async def _style(_request: Request) -> Response:
    return Response((HERE / "style.css").read_bytes(), media_type="text/css", headers={"Cache-Control": "max-age=300"})


async def _refused(_request: Request, error: Exception) -> Response:
    code, status = (error.code, error.status) if isinstance(error, Refused) else ("server_error", 500)
    return JSONResponse({"error": code}, status, headers=_HEADERS)


async def _form(request: Request) -> dict[str, str]:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_FORM:
            raise Refused("invalid_request", 413)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=40))
    except ValueError:
        raise Refused("invalid_request") from None


def _page(request: Request, face: Face, template: str, status: int = 200, back: str = "", **content: Any) -> Response:
    asked = request.query_params.get("lang", request.cookies.get("helhed-lang", "da"))
    language = asked if asked in WORDS else "da"
    place = urlsplit(back)
    policy = "; ".join((
        "default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'",
        # the choice is sent on to whoever asked: browsers hold forms to where they lead in the end
        f"form-action 'self' {place.scheme}://{place.netloc}" if place.netloc else "form-action 'none'",
    ))  # fmt: skip
    html = _TEMPLATES.get_template(template).render(
        w=WORDS[language], lang=language, face=face, style=f"{request.app.state.path}/style.css", **content
    )
    return HTMLResponse(html, status, headers={**_HEADERS, "Content-Security-Policy": policy})
