"""Whom to block: places you know first, and nothing seems to stand beneath what it does not."""

from helhed.portals.ports import Organisation
from helhed.portals.presenters.blocks import grouped

#: a region with a hospital of two wards, and a clinic by itself
TREE = [
    Organisation(key, name, "", parent, None)
    for key, name, parent in ((1, "Region", None), (2, "Sygehus", 1), (3, "Afdeling A", 2), (4, "Afdeling B", 2), (5, "Lægehus", None))
]  # fmt: skip


def labels(known: set[int]) -> list[list[str]]:
    return [
        [option.label.replace("\u00a0", ".") for option in group] for _, group in grouped(TREE, "", frozenset(known))
    ]


def test_places_in_the_record_come_first_with_what_stands_above_them() -> None:
    assert labels({3}) == [["Region", "...Sygehus", "......Afdeling A"], ["Lægehus", "Afdeling B"]]


def test_nobody_known_leaves_one_tree() -> None:
    assert labels(set()) == [["Lægehus", "Region", "...Sygehus", "......Afdeling A", "......Afdeling B"]]
