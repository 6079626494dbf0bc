"""Population figures as a table with bars: a number, its share of those who live there, or that it is hidden."""

from dataclasses import dataclass

from helhed.insight.figures import Release, Row, Table
from helhed.portals.language import Words

_WIDTH = 100  #: of the longest bar, in the units of its picture


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it is shown."""

    names: tuple[str, ...]  #: what it is of, a cell for each division; the whole when there is none
    value: str  #: with a thousands separator; "" when it is hidden
    share: str  #: of the citizens of the same cell, in whole percent; "" when it cannot be told
    bar: int  #: length, 0 to 100


def heads(table: Table, words: Words) -> list[str]:
    """What the columns before the number are called."""
    return [words(f"figures.by.{name}") for name in table.wanted.divided_by] or [words("figures.by.whole")]


def lines(table: Table, citizens: Table | None, words: Words) -> list[Line]:
    """Rows in the order of the table. ``citizens``: the same table of everybody, when shares are to be shown."""
    longest = max((row.value or 0 for row in table.rows), default=0)
    living = {(row.place, row.sex, row.band): row.value for row in citizens.rows} if citizens else {}
    return [_line(row, table, longest, living.get((row.place, row.sex, row.band)), words) for row in table.rows]


def _line(row: Row, table: Table, longest: int, living: int | None, words: Words) -> Line:
    value, share = "", ""
    if row.value is not None:
        value = words.number(row.value)
        if living and row.value <= living:
            share = words("figures.percent", n=words.number(round(100 * row.value / living)))
    return Line(_names(row, table, words), value, share, round(_WIDTH * (row.value or 0) / longest) if longest else 0)


def _names(row: Row, table: Table, words: Words) -> tuple[str, ...]:
    told = {
        "region": row.place or words("figures.no_place"),
        "municipality": row.place or words("figures.no_place"),
        "sex": words(f"figures.sex.{row.sex}") if row.sex else "",
        "age": ages(row.band, words) if row.band else "",
    }
    return tuple(told[name] for name in table.wanted.divided_by) or (words("figures.everybody"),)


def ages(band: str, words: Words) -> str:
    """``40-64`` or ``80-`` in words."""
    lowest, _, highest = band.partition("-")
    return words("figures.age_band", low=lowest, high=highest) if highest else words("figures.age_on", low=lowest)


def places_of(release: Release) -> list[str]:
    """What a table can be kept to: regions, then municipalities."""
    areas = release.definition["areas"]
    return [*sorted(set(areas.values())), *sorted(areas)]
