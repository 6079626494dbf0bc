"""The log as a file: the same rows and the same words as on the page, for a spreadsheet or a program."""

import csv
import io
from collections.abc import Iterator, Sequence

import orjson

from helhed.foundation.spreadsheets import plain
from helhed.portals.language import Words
from helhed.portals.ports import LogEntry
from helhed.portals.presenters.log import told_alone

_COLUMNS = (
    "when", "place", "who", "role", "did", "data", "why", "shown", "source", "arrived", "app", "ticket", "request", "number",
)  # fmt: skip


def as_csv(entries: Sequence[LogEntry], words: Words) -> bytes:
    """RFC 4180 in UTF-8, with the mark that spreadsheets know it by. No cell is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([words(f"log.column.{name}") for name in _COLUMNS])
    for row in _rows(entries, words):
        writer.writerow([plain(cell) for cell in row.values()])
    return out.getvalue().encode("utf-8-sig")


def as_json(entries: Sequence[LogEntry], words: Words) -> bytes:
    """A list of rows."""
    return orjson.dumps(list(_rows(entries, words)), option=orjson.OPT_INDENT_2)


def _rows(entries: Sequence[LogEntry], words: Words) -> Iterator[dict[str, str]]:
    for entry in entries:
        told = told_alone(entry, words)
        yield {
            "when": entry.at.isoformat(), "place": entry.organisation_name or "", "who": entry.actor_name or entry.pseudonym,
            "role": words.role(entry.role) or entry.local_role, "did": told.did, "data": told.seen, "why": told.why,
            "shown": words("log.column.yes" if entry.permitted else "log.column.no"), "source": entry.source_name or "",
            "arrived": entry.arrived.isoformat() if entry.arrived else "", "app": entry.app, "ticket": entry.ticket,
            "request": entry.request, "number": str(entry.id),
        }  # fmt: skip
