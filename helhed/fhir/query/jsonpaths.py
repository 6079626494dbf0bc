"""Paths of the definitions as PostgreSQL jsonpaths."""

from helhed.fhir.definitions import Path


def jsonpath(path: Path, last: tuple[str, ...]) -> str:
    """The jsonpath to what stands at ``last`` below a path; it walks into arrays by itself."""
    text = "$"
    for depth, step in enumerate(path.steps):
        text += _filter(path, depth) + f'."{step.name}"'
    text += _filter(path, len(path.steps))
    return text + "".join(f'."{name}"' for name in last)


def _filter(path: Path, depth: int) -> str:
    if path.where is None or path.where[2] != depth:
        return ""
    name, wanted, _ = path.where
    return f' ? (@."{name}" == "{wanted}")'


__all__ = ["jsonpath"]
