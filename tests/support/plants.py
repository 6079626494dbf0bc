"""Planted secrets: numbers, names and tokens that nobody has, and the search for them in whatever form they got out."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Plant:
    """What was planted at one door."""

    door: str
    number: str  #: ten digits, as a CPR number
    name: str
    secret: str  #: as a token

    def forms(self, *, number_only: bool = False) -> Iterator[str]:
        """Each of the three as it is, and as it would look quoted, escaped, in hexadecimal or in base 64."""
        yield f"{self.number[:6]}-{self.number[6:]}"
        for text in (self.number,) if number_only else (self.number, self.name, self.secret):
            yield text
            yield quote(text)
            yield text.encode("unicode_escape").decode()
            yield binascii.hexlify(text.encode()).decode()
            yield from _in_base64(text.encode())


def _in_base64(value: bytes) -> Iterator[str]:
    """The part that stays the same wherever it stands in a longer text."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).decode()
        yield encoded[(0, 2, 3)[before] + (before > 0) : -4]


class Garden:
    """Everything that was planted."""

    def __init__(self) -> None:
        self.plants: list[Plant] = []

    def plant(self, door: str) -> Plant:
        """New ones, for one door."""
        n = len(self.plants)
        word = "".join(chr(ord("a") + int(digit)) for digit in f"{n:03}")
        one = Plant(door, f"3112{n:02}{7000 + n}", f"Hemmæl{word}sen", f"sEcReTwOrD{word}QQ")
        self.plants.append(one)
        return one

    def found(self, text: str, number_only: bool = False) -> list[str]:
        """The doors whose plants stand in a text, with the form and what is around it."""
        lowered = text.lower()
        return [
            f"{one.door}: …{text[max(0, place - 60) : place + len(form) + 30]}…"
            for one in self.plants
            for form in dict.fromkeys(one.forms(number_only=number_only))
            if (place := lowered.find(form.lower())) >= 0
        ]
