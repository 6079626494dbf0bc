"""FHIRPath text to a tree (http://hl7.org/fhirpath/N1/, grammar in appendix B). Refuses what is too long or too deep."""

import re
from typing import NamedTuple

from helhed.foundation.errors import HelhedError

_LONGEST = 20_000
_DEEPEST = 60
_TALLEST = 120
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
      |(?P<open>/\*)
      |(?P<date>@(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?![\w:])
        |\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?(?![\w:])))
      |(?P<number>\d+(?:\.\d+)?)
      |(?P<text>'(?:[^'\\]|\\.)*')
      |(?P<quoted>`(?:[^`\\]|\\.)*`)
      |(?P<variable>%(?:`[^`]*`|'[^']*'|[A-Za-z][\w-]*))
      |(?P<special>\$(?:this|index|total))
      |(?P<name>[A-Za-z_]\w*)
      |(?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_UNITS = frozenset(
    word + ending
    for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for ending in ("", "s")
)


class NotFhirPath(HelhedError):
    """This is not an expression in FHIRPath that can be evaluated here."""

    code = "invalid"


class Token(NamedTuple):
    """One word of an expression."""

    kind: str
    text: str


class Node(NamedTuple):
    """One part of an expression: what it is, its text, and what it is made of."""

    kind: str  #: literal, name, call, dot, index, unary, binary, type, variable, special, empty
    text: str = ""
    value: object = None
    parts: tuple["Node", ...] = ()


#: tightest last; each level is left-associative
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"implies"}),
    frozenset({"or", "xor"}),
    frozenset({"and"}),
    frozenset({"in", "contains"}),
    frozenset({"=", "~", "!=", "!~"}),
    frozenset({"<=", "<", ">", ">="}),
    frozenset({"|"}),
    frozenset({"is", "as"}),
    frozenset({"+", "-", "&"}),
    frozenset({"*", "/", "div", "mod"}),
)


def parse(text: str) -> Node:
    """The tree of an expression. Raises NotFhirPath."""
    if len(text) > _LONGEST:
        raise NotFhirPath(f"An expression may hold {_LONGEST} characters at most.")
    reader = _Reader(_tokens(text))
    tree = reader.expression(0)
    reader.end()
    if _depth(tree) > _TALLEST:
        raise NotFhirPath("The expression is nested too deep.")
    return tree


def _depth(tree: Node) -> int:
    """How tall a tree is; chains of operators and dots make tall ones."""
    tallest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        tallest = max(tallest, depth)
        waiting += [(part, depth + 1) for part in node.parts]
    return tallest


def _tokens(text: str) -> list[Token]:
    found, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup in {None, "open"}:
            raise NotFhirPath(f"The expression cannot be read from {text[position : position + 20]!r}.")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0]))
        position = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = [*tokens, Token("end", "")]
        self._at = 0
        self._depth = 0

    def end(self) -> None:
        if self._now.kind != "end":
            raise NotFhirPath(f"The expression should end before {self._now.text[:20]!r}.")

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._now
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _expect(self, sign: str) -> None:
        if self._now.text != sign or self._now.kind != "sign":
            raise NotFhirPath(f"The expression lacks {sign!r}.")
        self._at += 1

    def _is(self, sign: str) -> bool:
        return self._now.kind == "sign" and self._now.text == sign

    def expression(self, level: int) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotFhirPath("The expression is nested too deep.")
        left = self._unary()
        while (tightness := self._tightness()) >= level:
            operator = self._take().text
            if operator in {"is", "as"}:
                left = Node("type", operator, self._type_name(), (left,))
            else:
                left = Node("binary", operator, None, (left, self.expression(tightness + 1)))
        self._depth -= 1
        return left

    def _tightness(self) -> int:
        """Level of the operator that comes next, -1 when none does."""
        if self._now.kind not in {"sign", "name"}:
            return -1
        return next((level for level, operators in enumerate(_LEVELS) if self._now.text in operators), -1)

    def _unary(self) -> Node:
        minus = False
        while self._is("-") or self._is("+"):
            minus ^= self._take().text == "-"
        found = self._postfix()
        return Node("unary", "-", None, (found,)) if minus else found

    def _postfix(self) -> Node:
        found = self._term()
        while True:
            if self._is("."):
                self._take()
                found = Node("dot", "", None, (found, self._invocation()))
            elif self._is("["):
                self._take()
                found = Node("index", "", None, (found, self.expression(0)))
                self._expect("]")
            else:
                return found

    def _term(self) -> Node:
        token = self._now
        if token.kind == "sign" and token.text == "(":
            self._take()
            inner = self.expression(0)
            self._expect(")")
            return inner
        if token.kind == "sign" and token.text == "{":
            self._take()
            self._expect("}")
            return Node("empty")
        if token.kind == "number":
            return self._number()
        if token.kind in {"text", "date"}:
            self._take()
            value = unescaped(token.text[1:-1]) if token.kind == "text" else token.text[1:]
            return Node("literal", token.kind, value)
        if token.kind == "variable":
            self._take()
            return Node("variable", token.text[1:].strip("`'"))
        if token.kind == "name" and token.text in {"true", "false"}:
            self._take()
            return Node("literal", "boolean", token.text == "true")
        return self._invocation()

    def _number(self) -> Node:
        text = self._take().text
        unit = self._now
        if unit.kind == "text" or (unit.kind == "name" and unit.text in _UNITS):
            self._take()
            name = unescaped(unit.text[1:-1]) if unit.kind == "text" else unit.text
            return Node("literal", "quantity", (text, name))
        return Node("literal", "number", text)

    def _invocation(self) -> Node:
        token = self._take()
        if token.kind == "special":
            return Node("special", token.text)
        if token.kind not in {"name", "quoted"}:
            raise NotFhirPath(f"The expression has {token.text[:20]!r} where a name should be.")
        name = token.text if token.kind == "name" else unescaped(token.text[1:-1])
        if not self._is("(") or token.kind == "quoted":
            return Node("name", name)
        self._take()
        arguments: list[Node] = []
        while not self._is(")"):
            arguments.append(self.expression(0))
            if not self._is(","):
                break
            self._take()
        self._expect(")")
        return Node("call", name, None, tuple(arguments))

    def _type_name(self) -> str:
        parts = [self._take()]
        while self._is("."):
            self._take()
            parts.append(self._take())
        if any(one.kind not in {"name", "quoted"} for one in parts):
            raise NotFhirPath("A type should stand behind is and as.")
        return ".".join(one.text.strip("`") for one in parts)


def unescaped(text: str) -> str:
    r"""A string literal's text: \' \" \` \\ \/ \t \n \r \f \uXXXX; a backslash before anything else stays away."""

    def one(match: "re.Match[str]") -> str:
        return chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2])

    return re.sub(r"\\(?:u([0-9A-Fa-f]{4})|(.))", one, text, flags=re.DOTALL)


__all__ = ["Node", "NotFhirPath", "parse", "unescaped"]
