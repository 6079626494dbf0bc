"""Population figures for everybody, logged in or not: a table, its bars, and what may not be told."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from helhed.insight.figures import Release, Wanted
from helhed.portals.context import Visit, visit
from helhed.portals.presenters.figures import heads, lines, places_of

_FIRST = "diabetes"
_PLACES = {"region": "region", "kommune": "municipality"}


async def figures(request: Request) -> Response:
    """One table of the newest release."""
    visitor = await visit(request)
    port = visitor.ports.figures
    released = await port.releases() if port else []
    if port is None or not released:
        return visitor.page("figures_none.html")
    wanted, problem = _wanted(visitor, released[0])
    table = await port.table(wanted)
    everybody = None
    if wanted.measure != "citizens":
        everybody = await port.table(Wanted("citizens", wanted.divided_by, wanted.places, release=wanted.release))
    return visitor.page(
        "figures.html", status=422 if problem else 200, problem=problem, release=released[0], day=visitor.words.day(released[0].day),
        wanted=wanted, heads=heads(table, visitor.words), lines=lines(table, everybody, visitor.words), places=places_of(released[0]),
        download=_download(wanted), shares=everybody is not None,
    )  # fmt: skip


def _wanted(visitor: Visit, release: Release) -> tuple[Wanted, bool]:
    """What is asked for; the first table, and that something is wrong, when it is not understood."""
    asked = visitor.request.query_params
    place = _PLACES.get(asked.get("sted", ""))
    by = (*((place,) if place else ()), *(("sex",) if "koen" in asked else ()), *(("age",) if "alder" in asked else ()))
    only = asked.get("kun", "")
    measure = asked.get("maal", "")
    if not measure:
        return Wanted(
            _FIRST if _FIRST in release.measures else release.measures[0], ("age",), release=release.number
        ), False
    wanted = Wanted(measure, by, (only,) if only else (), release=release.number)
    known = measure in release.measures and (not only or only in places_of(release))
    return (wanted, False) if known else (Wanted(release.measures[0], ("age",), release=release.number), True)


def _download(wanted: Wanted) -> str:
    fields = [
        ("measure", wanted.measure),
        *(("by", one) for one in wanted.divided_by),
        *(("place", one) for one in wanted.places),
    ]
    return "/insight/figures?" + urlencode([*fields, ("release", wanted.release), ("format", "csv")])


ROUTES = [Route("/tal", figures, methods=["GET"])]
