"""The 64-bit tokens that stand for "this parameter has this value" in a row's index.

Index and search build them with the same functions, so they meet. Coded values are hashed (BLAKE2b, RFC 7693, 64
bits); resolved references are arithmetic on the target's random id, so that SQL can compute them for chains too
(``fhir.key(id) # salt`` there).
"""

from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from helhed.foundation.ids import key_of

_MASK = (1 << 64) - 1
#: what is remembered is short
LONGEST_REMEMBERED = 200
#: odd constants of a multiplicative hash (Knuth, The Art of Computer Programming vol. 3, section 6.4)
_PARAMETER_STEP = 0x9E3779B97F4A7C15
_TYPE_STEP = 0xC2B2AE3D27D4EB4F


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _hashed(parameter: int, kind: str, system: str, value: str) -> int:
    text = f"{parameter}\x1f{kind}\x1f{system}\x1f{value}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


def code_token(parameter: int, code: str) -> int:
    """``code``: the code in whatever system."""
    return _hashed(parameter, "code", "", code)


def system_code_token(parameter: int, system: str, code: str) -> int:
    """``system|code``; an empty system is ``|code``, a code that has no system."""
    return _hashed(parameter, "coding", system, code)


def system_token(parameter: int, system: str) -> int:
    """``system|``: any code of the system."""
    return _system(parameter, system) if len(system) <= LONGEST_REMEMBERED else _of_system(parameter, system)


def _of_system(parameter: int, system: str) -> int:
    return _hashed(parameter, "system", system, "")


_system = lru_cache(maxsize=1 << 14)(_of_system)


@lru_cache(maxsize=1 << 12)
def present_token(parameter: int) -> int:
    """The parameter has some value (``:missing=false``)."""
    return _hashed(parameter, "present", "", "")


def literal_reference_token(parameter: int, reference: str) -> int:
    """A reference that is not to a row of this store: absolute URL, or dangling, as written."""
    return _hashed(parameter, "literal", "", reference)


def identifier_reference_token(parameter: int, system: str, value: str) -> int:
    """``parameter:identifier``: a logical reference by business identifier."""
    return _hashed(parameter, "identifier", system, value)


@lru_cache(maxsize=1 << 14)
def reference_salt(parameter: int, type_number: int) -> int:
    """What a target's key is mixed with: ``token = key # salt`` in SQL, ``key ^ salt`` here."""
    return _signed((parameter * _PARAMETER_STEP + type_number * _TYPE_STEP) & _MASK)


def reference_token(parameter: int, type_number: int, target: UUID) -> int:
    """A reference to ``Type/target`` of this store."""
    return key_of(target) ^ reference_salt(parameter, type_number)


_DOUBLE = 11  #: bits to drop so that a double holds the rest exactly


def unit_key(system: str, code: str) -> float:
    """A unit in the index of numbers; short ones are remembered."""
    return _unit(system, code) if len(code) <= LONGEST_REMEMBERED else _of_unit(system, code)


def _of_unit(system: str, code: str) -> float:
    return float(_hashed(0, "unit", system, code) >> _DOUBLE)


_unit = lru_cache(maxsize=4096)(_of_unit)


def number_key(parameter: int, coded: str) -> float:
    """Values of a composite's element whose code is ``coded``; plain values have the parameter's own number as key."""
    return _number_key(parameter, coded) if len(coded) <= LONGEST_REMEMBERED else _of_number_key(parameter, coded)


def _of_number_key(parameter: int, coded: str) -> float:
    return float(_hashed(parameter, "number", "", coded) >> _DOUBLE)


_number_key = lru_cache(maxsize=1 << 14)(_of_number_key)


def pair_token(parameter: int, first: str, second: str) -> int:
    """Two coded values of one element."""
    short = len(first) + len(second) <= LONGEST_REMEMBERED
    return _pair(parameter, first, second) if short else _of_pair(parameter, first, second)


def _of_pair(parameter: int, first: str, second: str) -> int:
    return _hashed(parameter, "pair", first, second)


_pair = lru_cache(maxsize=1 << 14)(_of_pair)


def cell_token(parameter: int, row: int, column: int) -> int:
    """A place lies in this cell of the grid."""
    return _hashed(parameter, "cell", str(row), str(column))


def below_token(parameter: int, uri: str) -> int:
    """A uri, or one that it lies below."""
    return _hashed(parameter, "below", "", uri)


def typed_token(parameter: int, system: str, code: str, value: str) -> int:
    """An identifier by its type and value (``:of-type``)."""
    return _hashed(parameter, "of-type", f"{system}|{code}", value)
