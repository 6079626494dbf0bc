"""Hierarchies: every concept above each concept, worked out once when a code system is stored."""

import re
from collections.abc import Callable, Sequence

from helhed.fhir.terminology.model import Concept

_ICD10 = re.compile(r"[A-Z]\d\d(\.\d+)?")
_ATC_LENGTHS = (1, 3, 4, 5, 7)


def closure(concepts: Sequence[Concept]) -> tuple[list[list[int]], list[set[int]], list[tuple[str, str]]]:
    """Numbers of the parents and of all ancestors of each concept, and the (code, parent) pairs that were left out.

    Left out is a parent that no concept is, and one that would make a concept its own ancestor.
    """
    number = {concept.code: place for place, concept in enumerate(concepts)}
    parents: list[list[int]] = [[] for _ in concepts]
    above: list[set[int]] = [set() for _ in concepts]
    dropped: list[tuple[str, str]] = []
    tried = [0] * len(concepts)  # parents looked at so far
    on_path = [False] * len(concepts)
    for start in range(len(concepts)):
        path = [start]
        on_path[start] = True
        while path:
            here = path[-1]
            if tried[here] == len(concepts[here].parents):
                path.pop()
                on_path[here] = False
                for parent in parents[here]:
                    above[here] |= above[parent] | {parent}
                continue
            name = concepts[here].parents[tried[here]]
            tried[here] += 1
            found = number.get(name)
            if found is None or on_path[found]:
                dropped.append((concepts[here].code, name))
                continue
            if found not in parents[here]:
                parents[here].append(found)
            path.append(found)
            on_path[found] = True
    return parents, above, dropped


def atc_parent(code: str) -> str:
    """The class above an ATC code: levels are 1, 3, 4, 5 and 7 characters long (https://atcddd.fhi.no/atc/structure_and_principles/)."""
    shorter = [length for length in _ATC_LENGTHS if length < len(code)]
    return code[: shorter[-1]] if shorter else ""


def icd10_parent(code: str) -> str:
    """The category above an ICD-10 code: A00.0 stands under A00, A00.01 under A00.0."""
    if not _ICD10.fullmatch(code) or "." not in code:
        return ""
    return code[:-1].rstrip(".")


def put_parents(concepts: Sequence[Concept], parent_of: Callable[[str], str]) -> None:
    """Give concepts without parents the nearest one above that exists, by the shape of their codes."""
    codes = {concept.code for concept in concepts}
    for concept in concepts:
        above = parent_of(concept.code)
        while above and above not in codes:
            above = parent_of(above)
        if above and not concept.parents:
            concept.parents.append(above)
