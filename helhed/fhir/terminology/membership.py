"""ValueSet ``$validate-code`` (http://hl7.org/fhir/R4/valueset-operation-validate-code.html)."""

from helhed.fhir.terminology.catalogue import Catalogue, same_systems
from helhed.fhir.terminology.compose import Members, Versions, members_of
from helhed.fhir.terminology.concepts import judge_display, said_yes, verdict
from helhed.fhir.terminology.expansion import asked_value_set
from helhed.fhir.terminology.model import Coding, Json, Undecided
from helhed.fhir.terminology.parameters import Inputs
from helhed.fhir.terminology.texts import find_concept
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest

_KNOWN = (
    "url", "valueSet", "valueSetVersion", "code", "system", "systemVersion", "display", "coding", "codeableConcept",
    "date", "abstract", "displayLanguage",
)  # fmt: skip


async def validate_in_value_set(
    connection: Connection, catalogue: Catalogue, parameters: Json, language: str = ""
) -> Json:
    """Whether a code is in a value set. Raises UnknownTerminology, Undecided, BadValueSet, BadRequest."""
    inputs = Inputs(parameters, _KNOWN)
    language = inputs.text("displayLanguage") or language
    value_set = await asked_value_set(connection, catalogue, inputs)
    concepts = inputs.codings("codeableConcept")
    if not concepts:
        one = inputs.coding("coding")
        if one is None:
            one = Coding(
                inputs.text("system"), inputs.needed("code"), inputs.text("systemVersion"), inputs.text("display")
            )
        concepts = [one]
    members = await members_of(
        connection, catalogue, value_set, language=language,
        versions=Versions({one.system: one.version for one in concepts if one.version}),
    )  # fmt: skip
    tried = []
    for one in concepts:
        tried.append(await _judged(connection, catalogue, members, one, inputs, language))
        if said_yes(tried[-1]):
            return tried[-1]
    return tried[0]


async def _judged(
    connection: Connection, catalogue: Catalogue, members: Members, asked: Coding, inputs: Inputs, language: str
) -> Json:
    systems = await systems_with(connection, members, asked.system, asked.code)
    if len(systems) > 1 and not asked.system:
        raise BadRequest(f"{asked.code[:80]} is a code of several systems of the value set: name one.")
    if not systems:
        if members.missing and (not asked.system or asked.system in members.missing):
            raise Undecided(f"Only a part of {', '.join(members.missing)} is held here.")
        return verdict(False, f"{asked.code[:80]} is not in the value set.")
    system = catalogue.find(systems[0], asked.version)
    found = None if system is None else await find_concept(connection, system, asked.code)
    if system is None or found is None:
        return verdict(True, f"The value set lists it; {systems[0]} itself is not held here, so no more was checked.")
    if found.abstract and not inputs.flag("abstract"):
        return verdict(
            False, f"{found.code} only groups others, and is not to be used itself.", found.text(system, language)
        )
    return judge_display(found, system, asked.display, language)


async def systems_with(connection: Connection, members: Members, system: str, code: str) -> list[str]:
    """The systems under which a value set holds a code: of the URIs of ``system``, or of any when it is ""."""
    n = len(members.parameters)
    where = f"m.code = ${n + 1}::text" + (f" and m.system = any(${n + 2}::text[])" if system else "")
    more = [code, list(same_systems(system))] if system else [code]
    rows = await connection.fetch(
        f"select m.system from ({members.sql}) m where {where} order by m.system", *members.parameters, *more
    )
    return [row["system"] for row in rows]
