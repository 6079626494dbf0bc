"""The portal application: routes, templates and errors put together."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import jinja2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from helhed.portals.context import Portal
from helhed.portals.http import SafeHeaders
from helhed.portals.language import capital
from helhed.portals.ports import Ports
from helhed.portals.routes import (
    about,
    acting,
    appointments,
    apps,
    assistants,
    blocks,
    blocks_for,
    calendar,
    citizen,
    citizen_log,
    consents,
    drift,
    emergency,
    emergency_device,
    errors,
    figures,
    glass,
    help,
    hiding,
    hiding_parts,
    hospital,
    images,
    incidents,
    links,
    log_for,
    log_office,
    log_proof,
    login,
    messages,
    my_log_ins,
    new_number,
    notices,
    operations,
    passkeys,
    questions,
    read_for,
    register,
    relations,
    relatives,
    reviews,
    security,
    sources,
    stamkort,
    step_up,
    unit_desk,
    unit_listings,
    units,
    warnings,
    whose_move,
    work,
    work_mail,
)
from helhed.portals.static_files import CompressedFiles

HERE = Path(__file__).parent
STATIC = HERE / "static"


def build_portal_app(ports: Ports) -> Starlette:
    """The ASGI app of all pages, to be mounted at ``/``."""
    routes = [
        *passkeys.ROUTES,
        *login.ROUTES,
        *step_up.ROUTES,
        *my_log_ins.ROUTES,
        *citizen.ROUTES,
        *calendar.ROUTES,
        *citizen_log.ROUTES,
        *log_proof.ROUTES,
        *questions.ROUTES,
        *notices.ROUTES,
        *log_office.ROUTES,
        *acting.ROUTES,
        *log_for.ROUTES,
        *blocks_for.ROUTES,
        *read_for.ROUTES,
        *blocks.ROUTES,
        *consents.ROUTES,
        *hospital.ROUTES,
        *new_number.ROUTES,
        *appointments.ROUTES,
        *glass.ROUTES,
        *emergency.ROUTES,
        *emergency_device.ROUTES,
        *reviews.ROUTES,
        *work_mail.ROUTES,  # before the pieces, whose addresses are of the same shape
        *work.ROUTES,
        *whose_move.ROUTES,
        *relations.ROUTES,
        *hiding.ROUTES,
        *hiding_parts.ROUTES,
        *assistants.ROUTES,
        *relatives.ROUTES,
        *stamkort.ROUTES,
        *help.ROUTES,
        *register.ROUTES,
        *links.ROUTES,
        *operations.ROUTES,
        *drift.ROUTES,
        *incidents.ROUTES,
        *warnings.ROUTES,
        *images.ROUTES,
        *security.ROUTES,
        *sources.ROUTES,
        *about.ROUTES,
        *figures.ROUTES,
        *messages.ROUTES,
        *apps.ROUTES,
        *unit_desk.ROUTES,
        *unit_listings.ROUTES,
        *units.ROUTES,
        Mount("/static", CompressedFiles(directory=STATIC), name="static"),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(SafeHeaders)], exception_handlers=errors.HANDLERS)
    app.state.portal = Portal(ports, templates(), assets())
    return app


def templates() -> jinja2.Environment:
    """Jinja2 with everything escaped and nothing undefined passed over in silence."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["capital"] = capital
    return found


class _Assets(dict[str, str]):
    """Addresses by path; a file that the build step has not brought is addressed without a version."""

    def __missing__(self, path: str) -> str:
        return f"/static/{path}"


def assets(folder: Path = STATIC) -> Mapping[str, str]:
    """The address of each file that pages name, with a version that changes when the file does."""
    named = [
        path for path in folder.rglob("*") if path.suffix in (".css", ".js", ".svg", ".webmanifest") and path.is_file()
    ]
    return _Assets({str(path.relative_to(folder)): _address(path, folder) for path in named})


def _address(path: Path, folder: Path) -> str:
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"/static/{path.relative_to(folder)}?v={version}"
