"""What an XML document would cost, told from its bytes before any of it is parsed.

A parser has to build what it reads until it meets what is refused: a million small elements, or one start tag with a
million attributes (which expat compares with each other) would be paid for before the first complaint.
"""

import re

from helhed.foundation.errors import BadRequest, TooLarge

#: XML costs more per element than JSON; a full Bundle of the size that is taken has fewer
MOST_ELEMENTS = 250_000
#: FHIR has three (id, url, value) and names of namespaces beside them; an XHTML element of a narrative has a handful
MOST_ATTRIBUTES = 32
_ATTRIBUTE = rb"\s++[^\s=<>\"']++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+')"
#: nothing in it can be matched in two ways, and a value holds no "<": each byte is looked at about once
_CROWDED = re.compile(rb"<[^\s<>/!?]++(?:%s){%d}" % (_ATTRIBUTE, MOST_ATTRIBUTES + 1))


def check_cost(raw: bytes) -> None:
    """Raises TooLarge for too many elements and BadRequest for too many attributes of one.

    A "<" in a comment or a CDATA section counts as an element: documents that hold a great many are refused with the rest.
    """
    if raw.count(b"<") - raw.count(b"</") > MOST_ELEMENTS:
        raise too_many_elements(MOST_ELEMENTS)
    if _CROWDED.search(raw):
        raise BadRequest(f"An element has at most {MOST_ATTRIBUTES} attributes here.")


def too_many_elements(most: int) -> TooLarge:
    """The refusal of a document."""
    return TooLarge(f"The document holds more than {most} elements.")
