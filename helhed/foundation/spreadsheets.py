"""What a cell of a file must be for a spreadsheet to show it, and not to calculate it."""

#: what makes a spreadsheet take a cell for a formula (https://owasp.org/www-community/attacks/CSV_Injection)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def plain(cell: str) -> str:
    """A cell that no spreadsheet calculates: what looks like a formula stands behind an apostrophe."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) or cell.startswith(_FORMULA) else cell
