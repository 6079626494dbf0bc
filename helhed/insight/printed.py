"""A table of figures for programs: JSON, and CSV that no spreadsheet calculates."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from helhed.foundation.spreadsheets import plain
from helhed.insight.figures import DIVISIONS, PLACES, Release, Row, Table


def of_release(release: Release) -> dict[str, Any]:
    """What was released and how it is protected."""
    told = release.definition
    return {
        "release": release.number, "day": release.day.isoformat(), "measures": list(release.measures), "bands": list(release.bands),
        "divided_by": list(DIVISIONS), "rounded_to": release.base, "least": release.least, "smallest_group": told["smallest_group"],
        "source": told["source"], "dated": told["date"], "groups": told["groups"], "areas": told["areas"],
        "vaccination": told["vaccination"], "contacts": told["contacts"],
    }  # fmt: skip


def as_json(table: Table) -> dict[str, Any]:
    """The table with what it is of. ``value`` is null, and ``hidden`` true, where a number might stand for too few."""
    return {
        "release": table.release.number, "day": table.release.day.isoformat(), "measure": table.wanted.measure,
        "rounded_to": table.release.base, "least": table.release.least,
        "rows": [{**_of(table, row), "value": row.value, "hidden": row.value is None} for row in table.rows],
    }  # fmt: skip


def as_csv(table: Table) -> bytes:
    """RFC 4180 in UTF-8, with the mark that spreadsheets know it by. A hidden number is an empty cell, and ``hidden`` says so."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    names = list(_of(table, Row(None, None, None, None)))
    writer.writerow(["day", "measure", *names, "value", "hidden"])
    for row in table.rows:
        fixed = [table.release.day.isoformat(), table.wanted.measure]
        value = "" if row.value is None else str(row.value)
        writer.writerow(
            [
                plain(cell)
                for cell in (
                    *fixed,
                    *(str(one) for one in _of(table, row).values()),
                    value,
                    str(row.value is None).lower(),
                )
            ]
        )
    return out.getvalue().encode("utf-8-sig")


def _of(table: Table, row: Row) -> dict[str, str]:
    """What a row is of, by the divisions of its table."""
    names: Sequence[str] = table.wanted.divided_by
    place = {name: row.place or "" for name in PLACES if name in names}
    return {
        **place,
        **({"sex": row.sex or ""} if "sex" in names else {}),
        **({"age": row.band or ""} if "age" in names else {}),
    }
