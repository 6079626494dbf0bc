"""PostgreSQL's own programs, and how they find the server."""

import os
from urllib.parse import parse_qsl, unquote, urlsplit

from helhed.foundation.database import Target
from helhed.foundation.postgres import find_programs
from helhed.foundation.settings import Settings

#: what an address may say beside the place, and PostgreSQL's programs take from the environment
_SAID = ("host", "sslmode", "sslrootcert", "sslcert", "sslkey")


def program(settings: Settings, name: str) -> str:
    """The path of a program. Raises PostgresUnavailable."""
    return str(find_programs(settings.postgres_bin) / name)


def server_of(target: Target) -> tuple[str, dict[str, str]]:
    """The database's name, and the environment in which a program reaches it as its owner.

    A password travels in the environment, never on a command line that others can list.
    """
    owner = target.owner
    parts = urlsplit(owner.get("dsn", ""))
    said = {f"PG{name.upper()}": value for name, value in parse_qsl(parts.query) if name in _SAID}
    wanted = {
        **said,
        "PGHOST": owner.get("host") or parts.hostname or said.get("PGHOST") or "localhost",
        "PGPORT": str(parts.port or ""),
        "PGUSER": owner.get("user") or unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
    }
    return owner["database"], {**os.environ, **{name: value for name, value in wanted.items() if value}}
