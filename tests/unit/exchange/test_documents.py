"""NDJSON comes in parts; a citizen's resources stay together where they stand together."""

from collections.abc import Sequence
from pathlib import Path

from helhed.exchange.foreign.documents import Document, documents


def parts(folder: Path, lines: Sequence[str]) -> list[Document]:
    path = folder / "some.ndjson"
    path.write_text("\n".join(lines) + "\n\n", "utf-8")
    return list(documents([path]))


def citizens(number: int, results: int) -> list[str]:
    return [
        line
        for one in range(number)
        for line in (f'{{"resourceType":"Patient","id":"p{one}"}}', *(f'{{"resourceType":"Observation","id":"o{one}-{n}"}}' for n in range(results)))
    ]  # fmt: skip


def test_a_part_ends_before_a_patient(tmp_path: Path) -> None:
    lines = citizens(40, 60)
    found = parts(tmp_path, lines)
    assert len(found) > 1
    assert all(one.raw.startswith(b'{"resourceType":"Patient"') for one in found)
    assert b"\n".join(one.raw for one in found).decode().split("\n") == lines


def test_lines_of_one_type_are_cut_by_number(tmp_path: Path) -> None:
    found = parts(tmp_path, [f'{{"resourceType":"Observation","id":"o{n}"}}' for n in range(1200)])
    assert [one.raw.count(b"\n") + 1 for one in found] == [500, 500, 200]


def test_a_citizen_without_end_is_cut_all_the_same(tmp_path: Path) -> None:
    found = parts(tmp_path, citizens(1, 12_000))
    assert next(one.raw.count(b"\n") + 1 for one in found) == 5_000
    assert sum(one.raw.count(b"\n") + 1 for one in found) == 12_001
