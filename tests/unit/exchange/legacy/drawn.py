"""Whole letters, drawn: names with æøå, marks that need releasing, long and empty text, segments and elements nobody knows."""

from hypothesis import strategies as st

from tests.unit.exchange.legacy import oracle

LETTERS = st.characters(codec="iso-8859-1", exclude_categories=["Cc"], exclude_characters="\xa0\xad")
WORDS = st.text(LETTERS, max_size=40) | st.sampled_from(
    ["", ".", "\\", "a\\", "Søren ?+ Åse", "':'", "5,10", " ", "  x", "&lt;b>", "<br/>"]
)
NUMBERS = st.sampled_from(["0101809876", "010180AB12", "", "123", "0101809876 "])
MOMENTS = st.sampled_from(
    ["202603021015", "202602300000", "202603290230", "202610250230", "199901011200", "2026", "", "000001010000"]
)
FORMATS = st.sampled_from(["P00", "F00", "PF0", "PK0", "P0H", "XX9", ""])
TEXTS = st.lists(st.tuples(FORMATS, st.lists(WORDS, min_size=1, max_size=5)), min_size=1, max_size=4)
CODES = st.sampled_from(["SKS", "YNR", "SOR", "KOM", "EAN", "", "QQ"])
FREE = st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=6)


@st.composite
def unknown_segments(draw: st.DrawFn) -> list[list[list[str]]]:
    """Segments that no table has, or not so."""
    tags = st.sampled_from(["ZZZ", "RFF", "DTM", "CIN", "NAD", "FTX", "QTY", "S14", "HAN", "GIS", "PNA"])
    return draw(st.lists(st.builds(lambda tag, rest: [[tag], *rest], tags, FREE), max_size=3))


@st.composite
def discharge(draw: st.DrawFn) -> bytes:
    """A discharge letter or a correspondence of EDIFACT."""
    version = draw(st.sampled_from(["D0133L", "D0233L", "D9134L", "D1630C", "D9999X", "H0130R", "R0131K"]))
    sender, receiver = draw(st.sampled_from([("SSP", "PO"), ("PO", "SSP"), ("SLA", "PO")]))
    body = [[["S01"], ["01"]], _unit(draw, sender), [["SEQ"], [""], ["1"]], [["S01"], ["01"]], _unit(draw, receiver)]
    body += [[["ADR"], [""], ["US", draw(WORDS), draw(WORDS)], [draw(WORDS)], [draw(WORDS)]]]
    body += [
        [["S02"], ["02"]],
        [["GIS"], [draw(st.sampled_from("NMCX"))]],
        [["RFF"], ["SRI", draw(st.sampled_from(["Brev", "x"]))]],
    ]
    person = [
        ["PNA"],
        ["PAT"],
        [draw(NUMBERS), "", "", "CPR", "IM"],
        [""],
        [""],
        ["SU", draw(WORDS)],
        ["FO", draw(WORDS)],
    ]
    body += [[["S07"], ["07"]], person, *draw(unknown_segments())]
    body += [[["S11"], ["11"]], *[[["DTM"], [q, draw(MOMENTS), "203"]] for q in ("90", "91")]]
    body += [
        [["S14"], ["14"]],
        [["CIN"], [draw(st.sampled_from(["DM", "TR", "B", "QX"]))], [draw(WORDS), draw(CODES), "SST", draw(WORDS)]],
    ]
    body += [[["DTM"], ["CIS", draw(MOMENTS), "203"]], *draw(unknown_segments()), [["S14"], ["14"]]]
    body += [[["FTX"], ["NC"], [form], [""], text] for form, text in draw(TEXTS)]
    body += [
        [["GIS"], ["N"]],
        [["INV"], ["MQ"], [draw(WORDS), "CQU"]],
        [["RSL"], ["NV"], [draw(WORDS), draw(st.sampled_from(["", "7", "9"]))], [""], ["", "", "", draw(WORDS)]],
    ]
    message = [
        [["UNH"], ["Brev"], ["MEDDIS", "D", "93A", "UN", version], ["DIS01"]],
        [["DTM"], ["137", draw(MOMENTS), "203"]],
        *body,
        *draw(unknown_segments()),
    ]
    message.append([["UNT"], [str(len(message) + 1)], ["Brev"]])
    head = [
        ["UNB"],
        ["UNOC", "3"],
        ["5790001234567", "14"],
        ["5790007654321", "14"],
        ["260302", draw(st.sampled_from(["1020", "9999", ""]))],
        ["K"],
    ]
    return oracle.written([head, *message, [["UNZ"], ["1"], ["K"]]]).encode("iso-8859-1")


def _unit(draw: st.DrawFn, role: str) -> list[list[str]]:
    return [
        ["NAD"],
        [role],
        [draw(WORDS), draw(CODES), draw(st.sampled_from(["SST", "SFU", ""]))],
        [""],
        [draw(WORDS), draw(WORDS), draw(WORDS), "", "", "US"],
    ]


MARKS = st.sampled_from(["Break", "Bold", "Italic", "FixedFont", "Right", "Space", "Zzz"])
FIELDS = st.sampled_from([
    "Identifier", "IdentifierCode", "OrganisationName", "UnitName", "PersonSurnameName", "CivilRegistrationNumber", "DiagnoseCode", "DiagnoseText", "Date",
    "Value", "Unit", "Operator", "Text01", "Other", "Zzz", "LowerLimit", "Priority", "StatusCode", "TypeOfInterval",
])  # fmt: skip
GROUPS = st.sampled_from(["Sender", "Receiver", "Patient", "Relative", "Referral", "Refer", "Diagnose", "Main", "Other", "ClinicalInformation", "LaboratoryResults", "Result", "ReferenceInterval", "Drug", "Zzz", "Admission"])  # fmt: skip
XML_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufffe\uffff"), max_size=30
) | st.sampled_from(["2026-03-02", "nytbrev", "5.10", "5,1", "0101809876", "]]>", " ", "\n"])


@st.composite
def xml_letter(draw: st.DrawFn) -> bytes:
    """A letter of MedCom's XML, with elements where they belong and elsewhere."""
    root, version = draw(
        st.sampled_from(
            [
                ("DischargeLetter", "XD0133L"),
                ("LaboratoryReport", "XR0131K"),
                ("Zzz", "XQ"),
                ("HospitalReferral", "XH0130R"),
                ("Prescription", "XLMS016"),
            ]
        )
    )
    inner = draw(st.lists(_element(3), max_size=6))
    letter = (
        f"<Letter><Identifier>x{_quoted(draw(XML_WORDS))}</Identifier><VersionCode>{version}</VersionCode></Letter>"
    )
    sent = draw(
        st.sampled_from(
            [
                "<Sent><Date>2026-03-02</Date><Time>10:20</Time></Sent>",
                "<Sent><Date>2026-13-02</Date><Time>10:20</Time></Sent>",
                "<Sent/>",
            ]
        )
    )
    text = f'<Emessage xmlns="http://rep.oio.dk/medcom.dk/xml/schemas/2014/10/08/"><Envelope>{sent}</Envelope><{root}>{letter}{"".join(inner)}</{root}></Emessage>'
    return text.encode()


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _element(depth: int) -> st.SearchStrategy[str]:
    leaf = st.builds(
        lambda name, text: f"<{name}>{_quoted(text)}</{name}>" if text else f"<{name}/>", FIELDS, XML_WORDS
    )
    rich = st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>" if parts else f"<{name}/>",
        FIELDS,
        st.lists(_rich(), max_size=4),
    )
    if depth == 0:
        return leaf | rich
    inner = st.lists(_element(depth - 1), min_size=1, max_size=4)
    return leaf | rich | st.builds(lambda name, parts: f"<{name}>{''.join(parts)}</{name}>", GROUPS, inner)


def _rich() -> st.SearchStrategy[str]:
    plain = XML_WORDS.filter(bool).map(_quoted)
    return (
        plain
        | MARKS.map(lambda name: f"<{name}/>")
        | st.builds(lambda name, text: f"<{name}>{text}</{name}>", MARKS, plain)
    )
