"""A second reader of EDIFACT, letter by letter, and a second writer. It shares nothing with the first."""


def segments(text: str) -> list[list[list[str]]]:
    """Segments of elements of components, under the default service string."""
    text = text[9:] if text.startswith("UNA") else text
    found: list[list[list[str]]] = []
    segment, element, component, released = [[""]], 0, 0, False
    for letter in text:
        if released:
            segment[element][component] += letter
            released = False
        elif letter == "?":
            released = True
        elif letter == "'":
            found.append(segment)
            segment, element, component = [[""]], 0, 0
        elif letter == "+":
            segment.append([""])
            element, component = element + 1, 0
        elif letter == ":":
            segment[element].append("")
            component += 1
        elif letter not in "\r\n" or segment != [[""]]:
            segment[element][component] += letter
    return found


def written(found: list[list[list[str]]]) -> str:
    """The interchange, one segment to a line."""
    return "UNA:+.? '\n" + "".join(
        "+".join(":".join(_released(one) for one in element) for element in segment) + "'\n" for segment in found
    )


def _released(text: str) -> str:
    return "".join("?" + letter if letter in "?:+'" else letter for letter in text)
