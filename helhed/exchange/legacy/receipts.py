"""The receipt of a letter, in the letter's own syntax: CTL03 for one that was taken, CTL02 for one that was not.

A receipt answers an envelope, names its letters, and is never answered itself.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from helhed.exchange.legacy import edifact
from helhed.exchange.legacy.families import family
from helhed.exchange.legacy.faults import Place, not_taken, unfit
from helhed.exchange.legacy.fhir import family_of, resources, to_fhir
from helhed.exchange.legacy.from_edifact import rest_of
from helhed.exchange.legacy.oioxml import escaped, read_text
from helhed.exchange.legacy.syntax import BESIDE, letters
from helhed.exchange.legacy.tables import lists
from helhed.exchange.legacy.texts import PLAIN, Runs, to_children, wrapped
from helhed.exchange.legacy.tree import Document, Element, Interchange, Legacy, Segment
from helhed.foundation.clock import DANISH_TIME

UNSPECIFIED, UNKNOWN_RECEIVER, WRONG_VERSION, SYNTAX = (
    "ikke_specificeret", "problem_med_modtagerID", "problem_med_version", "syntaksfejl",
)  # fmt: skip


def receipt(letter: Legacy, number: str, at: datetime, *, refused: str = "", why: str = UNSPECIFIED) -> Legacy:
    """The receipt of an envelope: positive, or negative with a sentence and one of MedCom's reasons (``lists.refusal``).

    ``number`` names the receipt's envelope and letter, at most 14 characters; ``at`` has a zone. Raises NotSupported for a receipt.
    """
    if any(_is_receipt(one) for one in letters(letter)):
        raise not_taken("A receipt is never answered.", Place("the envelope"))
    code = "CTL02" if refused else "CTL03"
    local = at.astimezone(DANISH_TIME)
    said = re.sub(
        r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f]", " ", refused.encode(letter.charset, "replace").decode(letter.charset)
    )
    runs: Runs = [(PLAIN, said.rstrip("\n") + "\n")] if refused else []
    if isinstance(letter.content, Interchange):
        return _interchange(letter, letter.content, code, number, local, runs, why)
    return _document(letter.content, code, number, local, runs, why)


def receipt_read(letter: Legacy) -> tuple[str, str, str]:
    """Of a receipt: the number of the envelope that it answers, a code of MessageHeader.response, and the reason it gives.

    Raises Unprocessable for one that names no envelope.
    """
    found = list(resources(to_fhir(letter).bundle))
    response: dict[str, str] = next((one.get("response", {}) for one in found if "response" in one), {})
    if not response.get("identifier"):
        raise unfit(
            "The receipt names no envelope that could have been sent from here.", Place("MessageHeader.response")
        )
    issues = [issue for one in found if one["resourceType"] == "OperationOutcome" for issue in one.get("issue", ())]
    told = "; ".join(str(one["diagnostics"]).strip() for one in issues if one.get("diagnostics"))
    return response["identifier"], response["code"], "" if response["code"] == "ok" else told


def is_receipt(letter: Legacy) -> bool:
    """Whether a letter is a receipt, of either syntax."""
    return family_of(letter).code.startswith("CTL")


def _interchange(
    letter: Legacy, content: Interchange, code: str, number: str, at: datetime, runs: Runs, why: str
) -> Legacy:
    unb = content.segments[0]
    action = "4" if runs else "7"
    found = [Segment("UNH", ((number,), ("CONTRL", "D", "93A", "ZZ", family(code).versions["edifact"]), (code,)))]
    found.append(Segment("UCI", ((unb.at(5, 1),), (unb.at(2, 1), "14"), (unb.at(3, 1), "14"), (action,))))
    for message in edifact.messages(content):
        head = message[0]
        found.append(
            Segment("UCM", ((head.at(1, 1),), head.elements[1] if len(head.elements) > 1 else ("",), (action,)))
        )
        found += list(_reasons(runs, why))
    found.append(Segment("UNT", ((str(len(found) + 1),), (number,))))
    sent = ((f"{at:%y%m%d}", f"{at:%H%M}"), (number,))
    first = Segment("UNB", (unb.elements[0], (unb.at(3, 1), "14"), (unb.at(2, 1), "14"), *sent))
    last = Segment("UNZ", (("1",), (number,)))
    whole = Interchange((first, *found, last), una=content.una, gap=content.gap)
    edifact.check(whole)
    return Legacy(whole, letter.charset)


def _reasons(runs: Runs, why: str) -> Iterator[Segment]:
    if runs:
        told = lists()["refusal"][why]
        written = f"FTX+{told}" + rest_of(wrapped(runs), told) + "'UNZ'"
        yield from edifact.read_text(written)[0].segments[:-1]


def _document(content: Document, code: str, number: str, at: datetime, runs: Runs, why: str) -> Legacy:
    root = content.root
    kind = family(code)
    envelope = next((one for one in _elements(root) if one.local == "Envelope"), Element("Envelope"))
    original = _said(envelope, "Identifier")
    ends = [_end(root, name) for name in ("Sender", "Receiver")]
    inner = "".join(_letter(one, runs, why) for one in _elements(root) if one.local not in BESIDE)
    text = (
        f'<Emessage xmlns="{kind.schema}"><Envelope><Sent><Date>{at:%Y-%m-%d}</Date><Time>{at:%H:%M}</Time></Sent>'
        f"<Identifier>{escaped(number)}</Identifier><AcknowledgementCode>minuspositivkvitt</AcknowledgementCode></Envelope>"
        f"<{kind.root}><Letter><Identifier>{escaped(number)}</Identifier><VersionCode>{kind.versions['xml']}</VersionCode>"
        f"<StatisticalCode>X{code}</StatisticalCode></Letter>{_party('Sender', ends[1])}{_party('Receiver', ends[0])}"
        f"<OriginalEmessage><OriginalEnvelopeIdentifier>{escaped(original)}</OriginalEnvelopeIdentifier>"
        f"{_party('OriginalSender', ends[0])}{_party('OriginalReceiver', ends[1])}{inner}</OriginalEmessage></{kind.root}></Emessage>"
    )
    prolog = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return Legacy(Document(read_text(text)[0].root, prolog, "\n"))


def _letter(letter: Element, runs: Runs, why: str) -> str:
    head = next((one for one in _elements(letter) if one.local == "Letter"), Element("Letter"))
    reason = f"<RefuseCode>{why}</RefuseCode><RefuseText>{to_children(runs, '')}</RefuseText>" if runs else ""
    named = f"<OriginalLetterIdentifier>{escaped(_said(head, 'Identifier'))}</OriginalLetterIdentifier>"
    version = f"<OriginalVersionCode>{escaped(_said(head, 'VersionCode'))}</OriginalVersionCode>"
    return f"<OriginalLetter>{named}{version}{reason}</OriginalLetter>"


def _party(name: str, ean: str) -> str:
    return f"<{name}><EANIdentifier>{escaped(ean)}</EANIdentifier></{name}>"


def _end(root: Element, name: str) -> str:
    for letter in _elements(root):
        for one in _elements(letter):
            if one.local == name and letter.local not in BESIDE:
                return _said(one, "EANIdentifier")
    return ""


def _said(one: Element, name: str) -> str:
    found = next((child for child in _elements(one) if child.local == name), Element(name))
    return "".join(text for text in found.children if isinstance(text, str))


def _elements(one: Element) -> Iterator[Element]:
    return (child for child in one.children if isinstance(child, Element))


def _is_receipt(letter: Legacy) -> bool:
    if isinstance(letter.content, Interchange):
        return any(one.tag == "UNH" and one.at(2, 1) == "CONTRL" for one in letter.content.segments)
    return any(_RECEIPT.fullmatch(one.local) for one in _elements(letter.content.root))


_RECEIPT = re.compile(r"(Negative(Vans)?|Positive)Receipt")
