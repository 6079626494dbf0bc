"""FHIR in XML says what the JSON says, both ways, for every type; what XML must not be is refused quickly and at its place."""

from contextlib import suppress
from typing import Any
from xml.etree.ElementTree import canonicalize

import orjson
import pytest
from hypothesis import given, strategies as st

from helhed.fhir import exact
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.parsing import Limits
from helhed.fhir.xml import CannotBeXml, json_of, xml_of
from helhed.foundation.errors import BadRequest, HelhedError, InvalidResource, TooLarge
from tests.generative.any_resource import any_resource
from tests.generative.resources import Drawer
from tests.support.published import ABSENT, FOLDER, examples

NS = 'xmlns="http://hl7.org/fhir"'


def meaning(value: Any) -> Any:
    """A parsed document to compare: numbers by their text, narratives by their canonical form."""
    if isinstance(value, dict):
        return {name: canonicalize(one) if name == "div" else meaning(one) for name, one in value.items()}
    if isinstance(value, list):
        return [meaning(one) for one in value]
    # XML does not tell 100 from a decimal of no fraction, nor does FHIR: a number is its text
    return value if isinstance(value, bool | str | None) else value.text if hasattr(value, "text") else str(value)


def there_and_back(resource: dict[str, Any]) -> Any:
    return meaning(exact.loads(json_of(xml_of(exact.dumps(resource)))))


@pytest.mark.parametrize("type_name", sorted(TYPE_NUMBERS))
def test_a_resource_of_every_type_comes_back_from_xml_as_it_was(type_name: str) -> None:
    for seed in range(12):
        resource = any_resource(Drawer.seeded(seed), type_name)
        assert there_and_back(resource) == meaning(resource)


@given(st.data())
def test_whatever_the_definitions_allow_comes_back_from_xml_as_it_was(data: st.DataObject) -> None:
    drawer = Drawer.of(data.draw)
    resource = any_resource(drawer, drawer.pick(sorted(TYPE_NUMBERS)))
    assert there_and_back(resource) == meaning(resource)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)
def test_the_examples_of_the_danish_packages_come_back_from_xml_as_they_were() -> None:
    seen = 0
    for example in examples():
        seen += 1
        resource = exact.loads(orjson.dumps(example.resource))
        assert there_and_back(resource) == meaning(resource), example
    assert seen > 100


PATIENT = (
    '<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="p1"/>'
    '<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">Vera<br/>Testsen</div></text>'
    '<contained><Organization><id value="o"/><name value="Klinik &amp; Ko"/></Organization></contained>'
    '<extension url="http://example.org/e"><valueDecimal value="4.60"/></extension>'
    '<active value="true"/><name id="n"><given value="Vera"/><given><extension url="http://example.org/f">'
    '<valueBoolean value="false"/></extension></given><given value="Ane"/></name>'
    '<birthDate id="b" value="1970-03-30"/><multipleBirthInteger value="2"/></Patient>'
)
SAME = (
    b'{"resourceType":"Patient","id":"p1","text":{"status":"generated",'
    b'"div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">Vera<br/>Testsen</div>"},'
    b'"contained":[{"resourceType":"Organization","id":"o","name":"Klinik & Ko"}],'
    b'"extension":[{"url":"http://example.org/e","valueDecimal":4.60}],"active":true,'
    b'"name":[{"id":"n","given":["Vera",null,"Ane"],'
    b'"_given":[null,{"extension":[{"url":"http://example.org/f","valueBoolean":false}]},null]}],'
    b'"birthDate":"1970-03-30","_birthDate":{"id":"b"},"multipleBirthInteger":2}'
)


def test_a_patient_written_by_hand_in_both_forms_is_the_same_to_the_byte() -> None:
    assert json_of(PATIENT.encode()) == SAME
    assert xml_of(SAME).decode() == PATIENT


def test_a_resource_within_an_element_stands_in_an_element_of_its_own_type() -> None:
    batch = (
        b'{"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"404","outcome":'
        b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}}}]}'
    )
    assert (
        '<outcome><OperationOutcome><issue><severity value="error"/><code value="not-found"/></issue></OperationOutcome>'
        "</outcome>" in xml_of(batch).decode()
    )
    assert json_of(xml_of(batch)) == batch


def test_what_is_out_of_order_in_json_is_in_order_in_xml() -> None:
    shuffled = b'{"birthDate":"1970","name":[{"given":["A"],"family":"B"}],"resourceType":"Patient","id":"x"}'
    assert (
        xml_of(shuffled)
        .decode()
        .endswith(
            '<id value="x"/><name><family value="B"/><given value="A"/></name><birthDate value="1970"/></Patient>'
        )
    )


def test_prefixes_comments_and_white_space_change_nothing() -> None:
    document = (
        b'\n<!-- a --><f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml">\n <f:text>'
        b'<f:status value="empty"/><h:div>a<!-- b --> b<h:hr></h:hr></h:div></f:text>\n</f:Patient>\n'
    )
    div = '<div xmlns="http://www.w3.org/1999/xhtml">a b<hr/></div>'
    assert orjson.loads(json_of(document)) == {"resourceType": "Patient", "text": {"status": "empty", "div": div}}


@pytest.mark.parametrize(
    ("inner", "place"),
    [
        ('<nonsense value="x"/>', "Patient.nonsense"),
        ('<active value="true" colour="red"/>', "Patient.active"),
        ('<active value="yes"/>', "Patient.active"),
        ('<active value=""/>', "Patient.active"),
        ("<active/>", "Patient.active"),
        ('<active value="true"/><active value="true"/>', "Patient.active"),
        ('<birthDate value="1970"/><active value="true"/>', "Patient.active"),
        ("<name/>", "Patient.name[0]"),
        ('<name><given value="a"/></name><name><given value="b"/><family value="c"/></name>', "Patient.name[1].family"),
        ("<name>Vera</name>", "Patient.name[0]"),
        ('<name xmlns="urn:other"><family value="a"/></name>', "Patient.name"),
        ('<multipleBirthInteger value="2.5"/>', "Patient.multipleBirthInteger"),
        ('<extension url="u"><valueDecimal value="NaN"/></extension>', "Patient.extension[0].valueDecimal"),
        ('<extension><url value="u"/></extension>', "Patient.extension[0].url"),
        ("<contained><Nobody/></contained>", "Patient.contained[0]"),
        ("<contained><Basic/><Basic/></contained>", "Patient.contained[0]"),
        ('<text><status value="empty"/><div>a</div></text>', "Patient.text.div"),
        ('<active xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="y" value="true"/>', "Patient.active"),
    ],
)
def test_what_the_definitions_do_not_have_is_refused_at_its_place(inner: str, place: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        json_of(f"<Patient {NS}>{inner}</Patient>".encode())
    assert refused.value.issues[0].expression == place


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b"<Patient/>",
        f"<Nonsense {NS}/>".encode(),
        f"<Patient {NS}><active value='true'></Patient>".encode(),
        f"<Patient {NS}/>".encode("utf-16"),
        f"<?xml version='1.0' encoding='ISO-8859-1'?><Patient {NS}/>".encode(),
        f"<?xml version='1.0' encoding='UTF-7'?><Patient {NS}/>".encode(),
        f"<Patient {NS}><name><family value='\xff'/></name></Patient>".encode("latin-1"),
        f"<Patient {NS}><name><family value='&#0;'/></name></Patient>".encode(),
        f"<Patient {NS}><name><family value='&nbsp;'/></name></Patient>".encode(),
        f"<!DOCTYPE Patient><Patient {NS}/>".encode(),
        f"<!DOCTYPE p SYSTEM 'http://127.0.0.1:1/x.dtd'><Patient {NS}/>".encode(),
        f"<!DOCTYPE p [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Patient {NS}><name><family value='a'/>&x;</name></Patient>"
        .encode(),
    ],
)  # fmt: skip
def test_what_is_not_a_plain_document_is_refused(document: bytes) -> None:
    with pytest.raises(HelhedError) as refused:
        json_of(document)
    assert "root:" not in str(refused.value)


def test_billion_laughs_are_refused_before_the_first() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    document = f'<!DOCTYPE p [<!ENTITY l0 "ha">{laughs}]><Patient {NS}><name><family value="&l9;"/></name></Patient>'
    with pytest.raises(BadRequest, match="DOCTYPE"):
        json_of(document.encode())


def test_what_is_too_deep_too_long_or_too_much_is_refused() -> None:
    deep = "<extension url='u'>" * 100_000
    with pytest.raises(BadRequest, match="deeper than 64"):
        json_of(f"<Patient {NS}>{deep}".encode())
    with pytest.raises(BadRequest, match="deeper than 64"):
        json_of(f"<Patient {NS}><text><div xmlns='http://www.w3.org/1999/xhtml'>{'<b>' * 100_000}".encode())
    many = '<given value="a"/>' * 300_000
    with pytest.raises(TooLarge):
        json_of(f"<Patient {NS}><name>{many}</name></Patient>".encode())
    with pytest.raises(TooLarge):
        json_of(f"<Patient {NS}/>".encode(), limits=Limits(bytes=10))
    with pytest.raises(InvalidResource, match="longer than"):
        json_of(f"<Patient {NS}><multipleBirthInteger value='{'9' * 10_000}'/></Patient>".encode())


@given(st.binary(max_size=300) | st.text(alphabet="<>/&;'\" =axPatient!-[]?", max_size=80).map(str.encode))
def test_whatever_comes_as_xml_is_understood_or_refused(raw: bytes) -> None:
    for document in (raw, f"<Patient {NS}>".encode() + raw + b"</Patient>"):
        with suppress(HelhedError):
            assert isinstance(exact.loads(json_of(document)), dict)


def test_what_xml_cannot_say_is_not_said_wrongly() -> None:
    for text in ("\\u0001", "\\ufffe"):
        with pytest.raises(CannotBeXml):
            xml_of(b'{"resourceType":"Patient","name":[{"family":"%s"}]}' % text.encode())
    with pytest.raises(CannotBeXml):
        xml_of(b'{"resourceType":"Patient","nonsense":1}')
    with pytest.raises(CannotBeXml):
        xml_of(b'{"resourceType":"Patient","text":{"div":"<div></p>"}}')
