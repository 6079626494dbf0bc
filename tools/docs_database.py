"""The database page: where each table, type and function of the database stands as it is now, among the numbered migrations."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from helhed.foundation.migrations import PACKAGES, Migration, all_migrations
from tools.docs_pages import table

_MADE = re.compile(
    r"(?P<comment>(?:^--[^\n]*\n)*)^create (?:or replace )?(?P<kind>function|procedure|table|type|view|aggregate)"
    r"(?: if not exists)? (?P<name>[a-z_]+\.[a-z_0-9]+)(?P<arguments>\([^)]*\))?",
    re.MULTILINE | re.IGNORECASE,
)
_DROPPED = re.compile(r"^drop (?:function|table|type|view)(?: if exists)? (?P<name>[a-z_]+\.[a-z_0-9]+)", re.MULTILINE)
_CALLABLE = ("function", "procedure", "aggregate")


class Made(NamedTuple):
    """A definition: the newest of its name and number of arguments is the one in force."""

    kind: str
    name: str
    arguments: int
    why: str
    path: str


def database() -> str:
    """The page."""
    made = _in_force()
    return (
        "# The database\n\n"
        "Each room owns a schema; its numbered migrations are run in order and never edited afterwards, so a function that was\n"
        "replaced stands in several files. Here is where the one in force stands. Older signatures are kept for an earlier\n"
        "release that serves beside this one ([why](../decisions/0009-numbered-sql-migrations.md)); each signature has a row.\n"
        + "".join(_schema(name, [one for one in made if one.name.startswith(f"{name}.")]) for name in PACKAGES)
    )


def _schema(name: str, made: list[Made]) -> str:
    parts = []
    for title, wanted in (("tables and types", False), ("functions", True)):
        rows = [_row(one) for one in sorted(made) if (one.kind in _CALLABLE) == wanted]
        if rows:
            parts.append(
                f"\n### {title.capitalize()}\n\n" + table(("name", "what it says of itself", "in force in"), rows)
            )
    return f"\n## `{name}`\n" + "".join(parts) if parts else ""


def _row(one: Made) -> tuple[str, str, str]:
    folder, _, file = one.path.rpartition("/")
    arguments = f" ({one.arguments} arguments)" if one.kind in _CALLABLE else ""
    return f"`{one.name}`{arguments}", one.why, f"[{file.removesuffix('.sql')}](../../{folder}/{file})"


def _in_force() -> list[Made]:
    found: dict[tuple[str, int], Made] = {}
    for migration in all_migrations():
        for name in _DROPPED.findall(migration.sql):
            found = {key: one for key, one in found.items() if key[0] != name}
        found |= {(one.name, one.arguments): _explained(one, found) for one in _made(migration)}
    return list(found.values())


def _explained(one: Made, earlier: dict[tuple[str, int], Made]) -> Made:
    """With what was said when it was first made, if it says nothing itself."""
    before = earlier.get((one.name, one.arguments))
    return one._replace(why=before.why) if before and not one.why else one


def _made(migration: Migration) -> Iterator[Made]:
    path = f"helhed/{migration.package}/migrations/{migration.number:04}_{migration.name}.sql"
    for match in _MADE.finditer(migration.sql):
        kind, arguments = match["kind"].lower(), match["arguments"] or "()"
        count = 0 if kind not in _CALLABLE or arguments == "()" else arguments.count(",") + 1
        yield Made(kind, match["name"].lower(), count, _said(match["comment"], migration), path)


def _said(comment: str, migration: Migration) -> str:
    if not comment or migration.sql.startswith(comment):
        return ""
    text = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
    return text.replace("|", "\\|").strip()
