"""One search parameter as a condition."""

from datetime import datetime

from helhed.fhir.definitions import TYPE_NUMBERS, SearchParameter, TypeDefinition, type_definition
from helhed.fhir.indexing.text import normalise
from helhed.fhir.indexing.uris import ancestors
from helhed.fhir.query.chains import HAS, Hops
from helhed.fhir.query.composites import composite_test
from helhed.fhir.query.filter import FILTER, Filter
from helhed.fhir.query.model import (
    AnyOf,
    CitizenTest,
    CodesTest,
    Condition,
    DateTest,
    IdTest,
    NoneOf,
    NumberTest,
    StringTest,
    UpdatedTest,
)
from helhed.fhir.query.near import near_test
from helhed.fhir.query.numbers import number_alternative, quantity_alternative
from helhed.fhir.query.refusals import Unsupported
from helhed.fhir.query.text import date_alternative, split, unescape, values
from helhed.fhir.query.texts import coded_text
from helhed.fhir.tokens import (
    below_token,
    code_token,
    identifier_reference_token,
    literal_reference_token,
    present_token,
    reference_token,
    system_code_token,
    system_token,
    typed_token,
)
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import key_of, parse_id

_MOST_VALUES = 100
#: kinds that migration 0009 of fhir brought
_YOUNG = frozenset({"number", "quantity", "uri", "composite"})
_CODES_BY = frozenset({"in", "not-in", "above", "below"})
_STRING_MODES = {"": "starts", "exact": "exact", "contains": "contains"}


class Reader:
    """Reads the conditions of one request."""

    def __init__(self, base_url: str, now: datetime) -> None:
        self._base = base_url.rstrip("/") + "/fhir/" if base_url else ""
        self._now = now
        self.identifying: list[tuple[str, Condition]] = []  #: what a filter says of business identifiers, by type
        self.named_citizens: list[int] = []  #: whom references name outright, wherever they stand
        self._hops = Hops(self.condition, self._note)
        self.custom: dict[int, None] = {}  #: numbers of parameters beside R4's own
        self.young = False
        self.near = False  #: whether places are asked for, which migration 0024 brought
        self.names_codes = False  #: whether a condition waits for the terminology
        self.exact_codes: dict[int, int | None] = {}

    def condition(self, definition: TypeDefinition, name: str, value: str, depth: int = 0) -> Condition:
        """The condition behind ``name=value``. Raises Unsupported or BadRequest."""
        if name.startswith(HAS):
            return self._hops.has(definition, name, value, depth)
        if "." in name:
            return self._hops.chain(definition, name, value, depth)
        if name == FILTER:
            return self._filter(definition, value, depth)
        code, _, modifier = name.partition(":")
        if name == "_list":
            return self._hops.listed(definition, values(name, value, _MOST_VALUES), depth)
        if code == "_id" and not modifier:
            return self._ids(value)
        if code == "_lastUpdated" and not modifier:
            found = values(name, value, _MOST_VALUES)
            return UpdatedTest(tuple(date_alternative(name, one, self._now) for one in found))
        parameter = self._parameter(definition, code)
        self.young |= (parameter.kind in _YOUNG and parameter.custom is None) or code in {"_tag", "_security"}
        self.near |= parameter.kind == "special"
        if modifier == "missing":
            return self._missing(definition, parameter, name, value)
        found = values(name, value, _MOST_VALUES)
        if modifier == "text" and parameter.kind == "token":
            return coded_text(definition, parameter, name, found, depth)
        if parameter.kind == "token":
            return self._token(parameter, modifier, name, found)
        if parameter.kind == "reference":
            return self._reference(definition, parameter, modifier, name, found)
        if parameter.kind == "string":
            return self._string(parameter, modifier, name, found)
        if parameter.kind == "uri":
            return self._uri(parameter, modifier, name, found)
        if modifier:
            raise Unsupported(f"The parameter {name} has a modifier that a {parameter.kind} does not have.")
        if parameter.kind == "special":
            return near_test(parameter.number, name, found)
        if parameter.kind == "composite":
            return composite_test(
                definition, parameter, name, found, lambda code, text: self.condition(definition, code, text, depth)
            )
        if parameter.kind in {"number", "quantity"}:
            read = number_alternative if parameter.kind == "number" else quantity_alternative
            return NumberTest(definition.keys_of(parameter), tuple(read(name, one) for one in found))
        alternatives = tuple(date_alternative(name, one, self._now) for one in found)
        return DateTest(parameter.number, parameter is definition.primary_date, alternatives)

    def _filter(self, definition: TypeDefinition, text: str, depth: int) -> Condition:
        expression = Filter(self.condition, definition, text, depth)
        found = expression.condition()
        self.identifying += expression.identifying
        return found

    def _parameter(self, definition: TypeDefinition, code: str) -> SearchParameter:
        parameter = definition.parameters.get(code)
        if parameter is None or not parameter.supported:
            raise Unsupported(f"{definition.name} has no search parameter called {code[:60]!r} here.")
        self._note(parameter)
        return parameter

    def _note(self, parameter: SearchParameter) -> None:
        if parameter.custom is not None:
            self.custom[parameter.number] = None

    def _ids(self, value: str) -> Condition:
        found = [parse_id(one) for one in values("_id", value, _MOST_VALUES)]
        return IdTest(tuple(one for one in found if one is not None))

    def _missing(self, definition: TypeDefinition, parameter: SearchParameter, name: str, value: str) -> Condition:
        if value not in {"true", "false"}:
            raise BadRequest(f"The parameter {name} is true or false.")
        if parameter.code in definition.own_patient_parameters:  # every row has its citizen
            return NoneOf(()) if value == "false" else AnyOf(())
        if parameter.kind == "composite":
            raise Unsupported(f"The parameter {name} has no :missing: ask for the missing of its parts.")
        numbers = definition.keys_of(parameter) if parameter.kind in {"number", "quantity"} else (parameter.number,)
        tokens = tuple(present_token(number) for number in numbers)
        return AnyOf(tokens) if value == "false" else NoneOf(tokens)

    # --- tokens -------------------------------------------------------------------------------------------------------

    def _token(self, parameter: SearchParameter, modifier: str, name: str, found: list[str]) -> Condition:
        if modifier in _CODES_BY:
            self.names_codes = True
            bare = any(path.kind == "code" for path in parameter.paths)
            named = tuple(self._named(modifier, name, one) for one in found)
            return CodesTest(parameter.number, modifier, named, bare)
        if modifier == "of-type":
            return AnyOf(tuple(self._of_type(parameter, name, one) for one in found))
        if modifier not in {"", "not"}:
            raise Unsupported(
                f"The parameter {name} has a modifier that is not supported: use :not, :in, :not-in, :above, :below, "
                ":of-type, :text or :missing."
            )
        if parameter.asks_whether:
            return self._whether(parameter, name, found, negated=modifier == "not")
        tokens = tuple(self._one_token(parameter, name, one) for one in found)
        if modifier == "not":
            return NoneOf(tokens)
        exact = len(found) == 1 and len(parts := split(found[0], "|")) == 2 and all(parts)
        if parameter.number not in self.exact_codes:
            self.exact_codes[parameter.number] = tokens[0] if exact else None
        return AnyOf(tokens)

    @staticmethod
    def _whether(parameter: SearchParameter, name: str, found: list[str], *, negated: bool) -> Condition:
        """A parameter such as Patient.deceased, which is false of what does not say that it is true."""
        if not {"true", "false"}.issuperset(found):
            raise BadRequest(f"The parameter {name} is true or false.")
        wanted = {("true" if one == "false" else "false") if negated and len(found) == 1 else one for one in found}
        if len(wanted) > 1:
            return AnyOf(()) if negated else NoneOf(())
        tokens = (code_token(parameter.number, "true"),)
        return AnyOf(tokens) if wanted == {"true"} else NoneOf(tokens)

    @staticmethod
    def _named(modifier: str, name: str, text: str) -> tuple[str, str]:
        """A value set by its URL, or system|code."""
        if modifier in {"in", "not-in"}:
            return "", unescape(text)
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) != 2 or not all(parts):
            raise BadRequest(f"The parameter {name} is system|code.")
        return parts[0], parts[1]

    def _of_type(self, parameter: SearchParameter, name: str, text: str) -> int:
        self.young = True
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) != 3 or not all(parts):
            raise BadRequest(f"The parameter {name} is system|code|value: the type of an identifier, and its value.")
        return typed_token(parameter.number, *parts)

    def _one_token(self, parameter: SearchParameter, name: str, text: str) -> int:
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) == 1:
            return code_token(parameter.number, parts[0])
        if len(parts) != 2 or parts == ["", ""]:
            raise BadRequest(f"The parameter {name} is a code, system|code, |code or system|.")
        system, code = parts
        return system_code_token(parameter.number, system, code) if code else system_token(parameter.number, system)

    # --- strings ------------------------------------------------------------------------------------------------------

    def _string(self, parameter: SearchParameter, modifier: str, name: str, found: list[str]) -> Condition:
        if modifier not in _STRING_MODES:
            raise Unsupported(
                f"The parameter {name} has a modifier that is not supported: use :exact, :contains or :missing."
            )
        texts = [unescape(one) for one in found]
        if modifier != "exact":
            texts = [normalise(one) for one in texts]
            if not all(texts):
                raise BadRequest(f"The parameter {name} has an empty value.")
        return StringTest(parameter.number, _STRING_MODES[modifier], tuple(texts))

    # --- uris ---------------------------------------------------------------------------------------------------------

    def _uri(self, parameter: SearchParameter, modifier: str, name: str, found: list[str]) -> Condition:
        uris = [unescape(one) for one in found]
        if modifier == "below":
            return AnyOf(tuple(below_token(parameter.number, one.rstrip("/")) for one in uris))
        if modifier == "above":
            return AnyOf(tuple(code_token(parameter.number, part) for one in uris for part in ancestors(one)))
        if modifier:
            raise Unsupported(
                f"The parameter {name} has a modifier that is not supported: use :above, :below or :missing."
            )
        return AnyOf(tuple(code_token(parameter.number, one) for one in uris))

    # --- references ---------------------------------------------------------------------------------------------------

    def _reference(
        self, definition: TypeDefinition, parameter: SearchParameter, modifier: str, name: str, found: list[str]
    ) -> Condition:
        if modifier == "identifier":
            self._note_numbers(parameter, name, found)
            return AnyOf(tuple(self._identifier(parameter, name, one) for one in found))
        if modifier and modifier not in (parameter.targets or TYPE_NUMBERS):
            raise Unsupported(
                f"The parameter {name} has a modifier that is not supported: use :identifier, :missing or a type it refers to."
            )
        own = parameter.code in definition.own_patient_parameters
        citizens: list[int] = []
        tokens: list[int] = []
        for one in found:
            self._target(parameter, modifier, unescape(one), own, citizens, tokens)
        if own:
            return CitizenTest(tuple(citizens), tuple(tokens))
        return AnyOf(tuple(tokens))

    def _note_numbers(self, parameter: SearchParameter, name: str, found: list[str]) -> None:
        """Business identifiers of patients that a reference names."""
        if "Patient" in parameter.targets:
            numbers = type_definition("Patient").parameters["identifier"]
            tokens = tuple(self._one_token(numbers, name, one) for one in found if split(one, "|")[-1])
            self.identifying.append(("Patient", AnyOf(tokens)))

    def _identifier(self, parameter: SearchParameter, name: str, text: str) -> int:
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) > 2 or not parts[-1]:
            raise BadRequest(f"The parameter {name} is system|value.")
        return identifier_reference_token(parameter.number, parts[0] if len(parts) == 2 else "", parts[-1])

    def _target(
        self, parameter: SearchParameter, modifier: str, text: str, own: bool, citizens: list[int], tokens: list[int]
    ) -> None:
        local = text[len(self._base) :] if self._base and text.startswith(self._base) else text
        type_name, slash, rest = local.rpartition("/")
        if slash and (type_name not in TYPE_NUMBERS or (modifier and modifier != type_name)):
            tokens.append(literal_reference_token(parameter.number, text))
            return
        target = parse_id(rest)
        if target is None:
            tokens.append(literal_reference_token(parameter.number, text))
            return
        types = [type_name] if slash else [modifier] if modifier else list(parameter.targets or TYPE_NUMBERS)
        if "Patient" in types:
            self.named_citizens.append(key_of(target))
        for one in types:
            if own and one == "Patient":
                citizens.append(key_of(target))
            elif one in TYPE_NUMBERS:
                tokens.append(reference_token(parameter.number, TYPE_NUMBERS[one], target))


__all__ = ["Reader", "Unsupported"]
