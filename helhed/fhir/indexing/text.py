"""Text as string search compares it."""

import unicodedata
from functools import lru_cache

#: letters that stay themselves in Danish, although Unicode would take them apart or leave them whole
_DANISH = str.maketrans({"æ": "\ue000", "ø": "\ue001", "å": "\ue002"})
_BACK = str.maketrans({"\ue000": "æ", "\ue001": "ø", "\ue002": "å"})


_LONGEST_REMEMBERED = 100


def normalise(text: str) -> str:
    """Case, accents and surplus white space folded (FHIR R4 search, section 3.1.1.4.8); æ, ø and å stay letters."""
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _folded(text)


def _folded(text: str) -> str:
    lowered = unicodedata.normalize("NFC", text).casefold().translate(_DANISH)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return " ".join(bare.translate(_BACK).split())


_remembered = lru_cache(maxsize=1 << 16)(_folded)
