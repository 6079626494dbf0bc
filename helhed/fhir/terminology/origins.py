"""Where a terminology came from, and what may take whose place.

What a network imported itself stands above what came in a package, and that above what comes with a release: the lower
never replaces the higher, whichever came first.
"""

CORE = "core"
_PACKAGE = "package "


def package_origin(name: str, version: str) -> str:
    """The origin of what came in a version of a package."""
    return f"{_PACKAGE}{name}|{version}"


def file_origin(name: str) -> str:
    """The origin of what was imported from a file."""
    return f"file {name}"


def rank(origin: str) -> int:
    """Origins by what they may replace; a name without a kind is a file's, from before origins had kinds."""
    if origin == CORE:
        return 0
    return 1 if origin.startswith(_PACKAGE) else 2


__all__ = ["CORE", "file_origin", "package_origin", "rank"]
