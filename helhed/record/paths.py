"""Small, forgiving walks through parsed resources: what is absent or of another shape reads as nothing."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def objects(value: object) -> list[Json]:
    """The objects in a list, or the object itself as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def walk(value: object, path: str) -> Iterator[object]:
    """Every value at a dotted path, looking into lists on the way."""
    head, _, rest = path.partition(".")
    for item in objects(value):
        found = item.get(head)
        if found is None:
            continue
        if rest:
            yield from walk(found, rest)
        elif isinstance(found, list):
            yield from found
        else:
            yield found


def first(value: object, *paths: str) -> object:
    """The first value found at any of the paths, or None."""
    return next((found for path in paths for found in walk(value, path)), None)


def text(value: object, *paths: str) -> str:
    """The first string found at any of the paths, or the empty string."""
    return next((found for path in paths for found in walk(value, path) if isinstance(found, str)), "")


def extension(value: object, url_end: str) -> object:
    """The value of the first extension whose address ends like this, or None."""
    for item in walk(value, "extension"):
        if isinstance(item, dict) and str(item.get("url", "")).rsplit("/", 1)[-1] == url_end:
            return next((found for name, found in item.items() if name.startswith("value")), item)
    return None
