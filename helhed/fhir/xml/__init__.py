"""FHIR in XML (http://hl7.org/fhir/R4/xml.html): turned into JSON at the way in, and out of JSON at the way out.

Everything behind the doors knows JSON alone. Both ways follow the compiled definitions, so that there is no type without its XML.
"""

from helhed.fhir.xml.reading import json_of
from helhed.fhir.xml.writing import CannotBeXml, xml_of

__all__ = ["CannotBeXml", "json_of", "xml_of"]
