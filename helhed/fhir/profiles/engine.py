"""Rules in FHIRPath, compiled: the one place where validation meets the FHIRPath engine."""

from collections.abc import Callable
from typing import Any

from helhed.fhir.fhirpath import Environment, NotFhirPath, NotOne, compile_expression
from helhed.fhir.profiles.discriminators import Item, conforms
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Json, Run

#: True when the rule holds, False when it is broken, None when that cannot be told here
Rule = Callable[[Any, Json | None, Run], bool | None]


def rule_of(expression: str, type_name: str, library: Library) -> Rule | None:
    """The rule as a function; None when the engine cannot evaluate it.

    A rule without an answer is broken, as in HL7's own validator, unless it asked for something that is not here. It raises
    TooMuch when it, or all rules of one validation together, cost more than they may.
    """
    try:
        made = compile_expression(expression, type_name)
    except NotFhirPath:
        return None

    def rule(value: Any, extra: Json | None, run: Run) -> bool | None:
        environment = run.environment
        if environment is None:
            environment = run.environment = _environment(run, library)
        run.spend(0)
        environment.again()
        try:
            verdict = made.holds(value, environment, extra)
        except (NotOne, NotFhirPath):
            return None
        finally:
            run.spend(environment.steps)
        if verdict is not True and environment.undecided:
            return None
        return verdict is True

    return rule


def _environment(run: Run, library: Library) -> Environment:
    def follows(resource: Json, profile: str) -> bool | None:
        item = Item(resource, None, str(resource.get("resourceType", "")), run.place_of(resource, (None, "", -1)))
        return conforms(item, profile, library, run)

    return Environment(
        resource=run.resource,
        root=run.outer,
        resolve=run.resolve,
        member_of=library.terminology.member,
        now=run.now,
        conforms_to=follows,
        subsumes=library.terminology.subsumes,
    )


__all__ = ["Rule", "rule_of"]
