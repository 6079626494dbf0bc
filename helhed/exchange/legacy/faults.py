"""What can be wrong with a message, and where, in plain words. The exceptions are the network's own."""

from typing import NamedTuple

from helhed.foundation.errors import BadRequest, HelhedError, Issue, NotSupported, TooLarge, Unprocessable

MOST_BYTES = (
    4 * 1024 * 1024
)  #: of one file; letters are some thousand bytes, and the largest report some hundred thousand
MOST_PIECES = 200_000  #: elements and components of one file, in either syntax
DEEPEST = 32  #: elements within elements; MedCom's schemas have fewer than ten


class Place(NamedTuple):
    """Where in the message: a segment and its number in the interchange, or a path of elements."""

    name: str
    number: int = 0
    element: int = 0
    component: int = 0

    def __str__(self) -> str:
        place = f"segment {self.number} ({self.name})" if self.number else self.name
        if self.element:
            place += f", element {self.element}, component {self.component}"
        return place


def broken(sentence: str, place: Place) -> HelhedError:
    """It does not follow its syntax: BadRequest."""
    return _at(BadRequest, "structure", sentence, place)


def not_taken(sentence: str, place: Place) -> HelhedError:
    """It is right, and this network does not take it: NotSupported."""
    return _at(NotSupported, "not-supported", sentence, place)


def unfit(sentence: str, place: Place) -> HelhedError:
    """The FHIR message cannot be said in the older format: Unprocessable."""
    return _at(Unprocessable, "business-rule", sentence, place)


def too_large(limit: str) -> HelhedError:
    """It is larger than anything MedCom sends: TooLarge."""
    return TooLarge(f"The message is larger than {limit}.")


def _at(kind: type[HelhedError], code: str, sentence: str, place: Place) -> HelhedError:
    where = str(place)
    return kind(issues=[Issue(code, f"{sentence} At {where}." if where else sentence, where)])
