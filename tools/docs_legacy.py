"""The page of MedCom's older messages: which field of which family is where in FHIR, from the tables that map them."""

from collections.abc import Iterator

from helhed.exchange.legacy import families
from helhed.exchange.legacy.families import Family, Group
from tools.docs_pages import table

HEAD = """# MedCom's older messages

EDIFACT and MedCom's XML both ways to FHIR, by the tables in `helhed/exchange/legacy/tables`: this page is made of them. What no table has a
place for is kept word for word, with its place in the message and the reason; it is shown with the letter, and comes back with it.

A letter becomes a FHIR message: `MessageHeader` first, then what its table says. One `DocumentReference` more
(`type` `urn:helhed:legacy-frame`) holds the *frame*: what stands between the values, in order, and which value belongs where. A letter that
is written again is the frame with every value read from FHIR, so a corrected name is corrected in the letter, and the rest is byte for byte
what came. A message that did not come as a letter has no frame and is refused: new letters are not written from FHIR yet, but for receipts. A value that is spelt otherwise than it would be written (5,1 for 5.1) keeps its spelling while it stands. A message that lost a
value its letter had is refused, with the place.

The time of a letter is the time of Danish clocks; in FHIR it has its zone.

## The normal form

What `encode` writes. A letter that is not in it is taken, says so (`normalised`, `differences`), and is in it afterwards.

| | |
| --- | --- |
| EDIFACT | the service string as it came, or none; one gap after every segment (nothing, or an end of line); a release character only before `:`, `+`, `?` and `'`; counts as numbers |
| XML | what stands before and after the root word for word; white space within it as it was; empty elements as `<Break/>`; double quotes; `&amp;`, `&lt;`, `&gt;`; no comments within the root |
| text | EDIFACT: lines of at most 70 characters, five to an FTX; a line that goes on ends in a backslash; an empty line is a full stop. Kept as it was cut while it is not changed |

## What is refused

A document type, an entity, elements deeper than 32, more than 200,000 elements or components, more than 4 MiB; UTF-16; a character set that is
none of those below; a character that is not of its set, or a control character; an end that is missing; a count or a reference that is wrong;
groups of messages (UNG) and binary objects (UNO). Each with the segment or line. An envelope with several letters is taken apart first.

Character sets: UNOA and UNOB (ASCII), UNOC (ISO 8859-1), UNOW (UTF-8); XML in UTF-8, ASCII, ISO 8859-1, ISO 8859-15, Windows-1252.

## What the general practice is asked to do

`follow_ups` gives each thing with its words, the earliest day it names, and how it was found: a section that says so by its code, a heading, or
a turn of phrase (`tables/follow_up.json`). No public schema has a field for it, so in a letter of the older kind it is always read from the text.

## The families
"""


def legacy() -> str:
    """The page."""
    every = [families.family(code) for code in families.codes()]
    rows = [
        (
            one.code,
            one.danish,
            one.english,
            one.versions.get("edifact", "–"),
            one.versions.get("xml", "–"),
            one.root or "not public",
            one.table,
        )
        for one in every
    ]
    shown = {one.table: one for one in reversed(every)}
    parts = [HEAD, table(["family", "Danish", "English", "EDIFACT", "XML", "element", "table"], rows)]
    parts += [_table(name, family) for name, family in reversed(shown.items())]
    return "".join(parts)


def _table(name: str, family: Family) -> str:
    unknown = "".join(f"- {line}\n" for line in family.unknown)
    fields = [row for group in family.groups.values() for row in _group(group)]
    return f"\n## The table `{name}`\n\nSource: {family.source} As of {family.dated}.\n\n{unknown}\n" + table(
        ["field", "resource", "place"], fields
    )


def _group(group: Group) -> Iterator[tuple[str, str, str]]:
    owner = group.made or group.of or f"{group.into[0]}, an entry of `{group.into[1]}`"
    for field in group.fields.values():
        places = " or ".join(f"`{option.place.text}`" for option in field.options)
        yield f"{group.name}/{field.name}".strip("/").removesuffix("/."), owner, places
