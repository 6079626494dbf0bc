"""Search requests that find something in a generated world: built from a resource that is there, hidden ones preferred."""

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from hypothesis import strategies as st

from helhed.fhir.definitions import Ownership
from helhed.foundation.ask import Ask
from tests.generative import memory_search
from tests.generative.resources import (
    AMOUNTS,
    CODES,
    DATES,
    DIAGNOSES,
    FAMILIES,
    LOCAL,
    NPU,
    PLACES,
    UCUM,
    Drawer,
    Resource,
)
from tests.generative.worlds import Case, Kept, World, a_world, an_ask, for_one

#: reference parameters that can be chained, as they are written: one target type, or the type named
CHAINS = {
    "Encounter": ("patient", "subject:Patient", "part-of", "location"),
    "Condition": ("patient", "subject:Patient", "encounter:Encounter"),
    "Observation": ("patient", "subject:Patient", "encounter:Encounter", "performer:Practitioner", "derived-from:Observation", "around:Observation"),
    "MedicationRequest": ("patient", "subject:Patient", "encounter:Encounter", "requester:Practitioner"),
    "DiagnosticReport": ("patient", "subject:Patient", "encounter:Encounter", "result"),
    "List": ("item:Observation", "item:Encounter", "item:Condition", "patient", "subject:Patient"),
    "Organization": ("partof",),
}  # fmt: skip
#: reverse references that _has can come along
REVERSE = {
    "Patient": ("Encounter:patient", "Condition:subject", "Observation:patient", "MedicationRequest:subject", "DiagnosticReport:patient", "List:subject"),
    "Encounter": ("Observation:encounter", "Condition:encounter", "Encounter:part-of", "List:item", "Observation:around"),
    "Observation": ("DiagnosticReport:result", "Observation:derived-from", "List:item", "Observation:around"),
    "Condition": ("List:item",),
    "Organization": ("Organization:partof",),
    "Practitioner": ("Observation:performer", "MedicationRequest:requester"),
    "Location": ("Encounter:location",),
}  # fmt: skip
#: what goes on from what was included
AGAIN = ("_include:iterate=Observation:encounter", "_include:iterate=Encounter:part-of", "_include:iterate=Encounter:subject",
         "_revinclude:iterate=Observation:encounter", "_revinclude:iterate=DiagnosticReport:result", "_include:iterate=DiagnosticReport:*",
         "_include:iterate=Observation:around")  # fmt: skip
INCLUDES = {
    "Patient": ("_revinclude=Observation:subject", "_revinclude=Encounter:patient", "_revinclude=Condition:subject",
                "_revinclude=List:patient"),
    "Encounter": ("_include=Encounter:subject", "_include=Encounter:part-of", "_include=Encounter:location", "_revinclude=Observation:encounter",
                  "_revinclude=Condition:encounter", "_revinclude=Encounter:part-of", "_revinclude=Observation:around"),
    "Condition": ("_include=Condition:encounter", "_include=Condition:patient"),
    "Observation": ("_include=Observation:encounter", "_include=Observation:subject:Patient", "_include=Observation:performer",
                    "_include=Observation:derived-from", "_revinclude=DiagnosticReport:result",
                    "_revinclude=Observation:derived-from", "_revinclude=List:item", "_include=Observation:around",
                    "_revinclude=Observation:around"),
    "MedicationRequest": ("_include=MedicationRequest:encounter", "_include=MedicationRequest:requester:Practitioner"),
    "DiagnosticReport": ("_include=DiagnosticReport:result", "_include=DiagnosticReport:subject"),
    "List": ("_include=List:item", "_include=List:item:Observation", "_include=List:subject"),
    "Organization": ("_include=Organization:partof", "_revinclude=Organization:partof"),
    "Practitioner": ("_revinclude=Observation:performer", "_revinclude=MedicationRequest:requester"),
    "Location": ("_revinclude=Encounter:location",),
}  # fmt: skip
SORTS = {
    "Patient": ("-gender,_id", "family", "-birthdate", "_id"),
    "Encounter": ("status", "-subject", "date", "-date", "-date,_id", "from"),
    "Condition": ("-code", "onset-date", "-recorded-date", "_id"),
    "Observation": ("status,-date", "-encounter", "-date", "date", "-date,_id", "said,-around", "part"),
    "MedicationRequest": ("-status", "authoredon", "-authoredon"),
    "DiagnosticReport": ("encounter", "-date", "issued"),
    "List": ("title", "-date"),
    "Organization": ("-partof", "name", "-name"),
    "Practitioner": ("family", "-_id"),
    "Location": ("name", "_id"),
}
_PREFIXES = ("eq", "ge", "le", "gt", "lt", "sa", "eb", "ne", "")
_FILTERED = frozenset({"token", "string", "date", "reference"})
_ELSE = {"token": (CODES[0][1], f"{NPU}|", "|".join(DIAGNOSES[0]), "none"), "string": (FAMILIES[0], "z"), "date": DATES}


@st.composite
def cases(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Case:
    """Cases, drawn by hypothesis."""
    return a_case(Drawer.of(draw))


def seeded_case(seed: int) -> Case:
    """The case of a seed: for long runs, where even choices find more than shrinking explains."""
    return a_case(Drawer.seeded(seed))


def a_case(drawer: Drawer) -> Case:
    """A world, an ask, and a search for something in it."""
    world = a_world(drawer)
    return a_search(drawer, world, an_ask(drawer, world))


def a_search(drawer: Drawer, world: World, ask: Ask) -> Case:
    """A search of ``ask`` for something in ``world``."""
    url = _url(drawer, world, _wanted(drawer, Case(world, ask, "")))
    number = int.from_bytes(blake2b(f"{ask.actor} {url}".encode(), digest_size=4).digest(), "big")
    return Case(world, for_one(ask, world, number // 6) if number % 6 == 0 else ask, url)


def a_search_for(drawer: Drawer, world: World, ask: Ask, wanted: Kept) -> Case:
    """A search of ``ask`` that looks for this resource, mostly."""
    return Case(world, ask, _url(drawer, world, wanted))


def _wanted(drawer: Drawer, case: Case) -> Kept:
    """A hidden resource, so that the law has something to hide; or a shown one, or any one, deleted ones too."""
    whole = {
        one.resource["id"]: one for one in case.world.kept
    }  # of what is shown in part, too: it is searched for by what it says whole
    shown = [whole[one.resource["id"]] for one in case.visible() if one.row.ownership is not Ownership.PUBLIC]
    kind = drawer.number(0, 99)
    if kind < 36 and (hidden := case.hidden()):
        return drawer.pick(hidden)
    if kind > 94 and (torn := [one for one in shown if _names(one, case.world.deleted)]):
        return drawer.pick(torn)
    if kind in range(36, 39):
        return drawer.pick([one for one in case.world.kept if one.row.type_name == "Location"])
    return drawer.pick(shown if kind < 92 and shown else case.world.kept)


def _names(one: Kept, others: Sequence[Kept]) -> bool:
    """Whether it refers to one of the others."""
    text = str(one.resource)
    return any(other.resource["id"] in text for other in others if other is not one)


def _url(drawer: Drawer, world: World, wanted: Kept) -> str:
    type_name = wanted.row.type_name
    among = [one.resource for one in world.kept]
    gone = frozenset(str(one.resource["id"]) for one in world.deleted)
    pairs = [
        _criterion(drawer, wanted.resource, among, gone, depth=0) for _ in range(drawer.pick((1, 0, 0, 2, 1, 0, 0)))
    ]
    if drawer.chance(8):
        pairs += _about_a_text(drawer, wanted.resource)
    if drawer.chance(18) and wanted.resource["id"] not in gone:
        pairs.append(f"_filter={_expression(drawer, wanted.resource, among, 0)}")
    if drawer.chance(40):
        pairs.append(drawer.pick((*INCLUDES[type_name], f"_include={type_name}:*", "_include=*")))
    if drawer.chance(15):
        pairs.append(drawer.pick(INCLUDES[type_name]))
    if drawer.chance(15):
        pairs.append(drawer.pick(AGAIN))
    place = _place(drawer, wanted.resource, among, pairs)
    if drawer.chance(40) and place.rpartition("/")[2] == type_name:
        pairs.append(f"_sort={drawer.pick(SORTS[type_name])}")
    if drawer.chance(40):
        pairs.append(f"_count={drawer.pick((1, 2, 5, 200))}")
    if drawer.chance(50):
        pairs.append(f"_total={drawer.pick(('accurate', 'estimate', 'none'))}")
    return f"{place}?{'&'.join(dict.fromkeys(pairs))}"


def _place(drawer: Drawer, wanted: Resource, among: Sequence[Resource], pairs: list[str]) -> str:
    """Where the search is asked: of the type, mostly; of several, or of a compartment that ``wanted`` is in."""
    type_name = wanted["resourceType"]
    if drawer.chance(12):
        others = [one for one in memory_search.PARAMETERS if _all_know(one, pairs) and one != type_name]
        pairs.append(f"_type={','.join([type_name, *(drawer.pick(others) for _ in range(2) if others)])}")
        return ""
    if drawer.chance(15):
        found = [
            f"{owner}/{one['id']!s}"
            for owner, members in memory_search.COMPARTMENTS.items() if type_name in members
            for one in among if one["resourceType"] == owner
            and any(f"{owner}/{one['id']}" in memory_search.texts(wanted, by) for by in members[type_name])
        ]  # fmt: skip
        if found and (
            drawer.chance(60) or not all(name.startswith(("_id=", "_include", "_revinclude")) for name in pairs)
        ):
            return f"{drawer.pick(found)}/{type_name}"
        if found:
            pairs.append(f"_type={','.join(memory_search.COMPARTMENTS[found[0].partition('/')[0]])}")
            return f"{found[0]}/*"
    return str(type_name)


def _about_a_text(drawer: Drawer, wanted: Resource) -> list[str]:
    """A text beside one of its codes, and whose it is: nobody looks for texts in everybody's rows."""
    subject = wanted.get("subject", {}).get("reference")
    known = memory_search.PARAMETERS[wanted["resourceType"]]
    said = [
        (code, text)
        for code, (kind, _) in known.items() if kind == "token" for value in memory_search.values(wanted, code)
        if isinstance(value, dict)
        for text in [value.get("text"), *(one.get("display") for one in value.get("coding", ()))] if text
    ]  # fmt: skip
    if not said or subject is None:
        return []
    code, text = drawer.pick(said)
    begun = text[: drawer.number(1, len(text))].replace(",", "\\,").strip()
    return [f"{code}:text={begun.lower() if drawer.chance(40) else begun}", f"patient={subject}"]


def _near(drawer: Drawer, value: Resource) -> str:
    """A circle around a place, or around another, so wide that something else may be in it or not."""
    latitude, longitude = drawer.pick(((value["latitude"], value["longitude"]), drawer.pick(PLACES)))
    distance = drawer.pick(("|1", "", "|26", "|28000|m", "|80|km", "|90", "|2500", "|20000"))
    return f"{latitude}|{longitude}{distance}"


def _all_know(type_name: str, pairs: Sequence[str]) -> bool:
    """Whether a type has the parameters of all pairs, alike."""
    return all(pair.startswith(("_id=", "_include:", "_revinclude:")) for pair in pairs) and type_name != "List"


def _criterion(drawer: Drawer, wanted: Resource, among: Sequence[Resource], gone: frozenset[str], depth: int) -> str:
    """``name=value`` that ``wanted`` meets, mostly. What is deleted has lost everything but its id."""
    type_name = wanted["resourceType"]
    if depth < 2 and type_name in REVERSE and drawer.chance(38):
        source, _, by = drawer.pick(REVERSE[type_name]).partition(":")
        naming = [one for one in among if one["resourceType"] == source and memory_search.reference_to(wanted) in memory_search.texts(one, by)]  # fmt: skip
        if naming:
            inner = _criterion(drawer, drawer.pick(naming), among, gone, depth + 1)
            return f"_has:{source}:{by}:{inner}"
    if drawer.chance(4) and (lists := [one["id"] for one in among if one["resourceType"] == "List"]):
        return f"_list={drawer.pick(lists)}"
    if depth < 2 and type_name in CHAINS and drawer.chance(45):
        chain = drawer.pick(CHAINS[type_name])
        target = _target(drawer, wanted, chain, among)
        if target is not None:
            rest = _criterion(drawer, target, among, gone, depth + 1)
            fits_few = not chain.startswith("item") and not rest.startswith("_")
            return f"{chain.partition(':')[0] if fits_few and drawer.chance(40) else chain}.{rest}"
    if drawer.chance(70 if depth and wanted["id"] in gone else 8):
        return f"_id={_ids(drawer, wanted, among)}"
    known = list(memory_search.PARAMETERS[type_name])
    valued = [code for code in known if any(True for _ in memory_search.values(wanted, code))]
    return _plain(drawer, wanted, drawer.pick(known if drawer.chance(8) else valued))


def _expression(drawer: Drawer, wanted: Resource, among: Sequence[Resource], depth: int) -> str:
    """A ``_filter`` expression that ``wanted`` meets, mostly; its joints have parentheses around them."""
    if depth < 2 and drawer.chance(45):
        parts = [_expression(drawer, wanted, among, depth + 1) for _ in range(2)]
        joined = drawer.pick((" and ", " or ")).join(parts)
        return f"not ({joined})" if drawer.chance(15) else f"({joined})"
    return _comparison(drawer, wanted, among, "", 0)


def _comparison(drawer: Drawer, wanted: Resource, among: Sequence[Resource], before: str, hops: int) -> str:
    type_name = wanted["resourceType"]
    if hops < 2 and type_name in CHAINS and drawer.chance(30):
        chain = drawer.pick(CHAINS[type_name])
        target = _target(drawer, wanted, chain, among)
        if target is not None:
            return _comparison(drawer, target, among, f"{before}{chain}.", hops + 1)
    known = memory_search.PARAMETERS[type_name]
    valued = [code for code in known if any(True for _ in memory_search.values(wanted, code))]
    code = drawer.pick([code for code in valued if known[code][0] in _FILTERED])
    if drawer.chance(10):
        return f"{before}{code} pr {drawer.pick(('true', 'false'))}"
    value = drawer.pick(list(memory_search.values(wanted, code)))
    kind = known[code][0]
    if kind == "string":
        text = re.sub(r"[^\w ]", "", str(value))[: drawer.number(1, 9)].strip() or "x"
        return f'{before}{code} {drawer.pick(("eq", "ne", "co", "sw", "ew"))} "{text}"'
    if kind == "date":
        found = value if isinstance(value, str) else drawer.pick(list(value.values()))
        operator = drawer.pick(("eq", "ne", "ge", "le", "gt", "lt", "sa", "eb", "po"))
        return f"{before}{code} {operator} {drawer.pick((found, found[:7], found[:10]))}"
    if kind == "reference":
        return f"{before}{code} {drawer.pick(('re', 'eq', 'ne'))} {value['reference']}"
    written = _token(drawer, code, value).partition("=")[2].split(",")[-1]
    return f"{before}{code} {drawer.pick(('eq', 'eq', 'ne'))} {written}"


def _target(drawer: Drawer, wanted: Resource, chain: str, among: Sequence[Resource]) -> Resource | None:
    code, _, type_name = chain.partition(":")
    names = set(memory_search.texts(wanted, code))
    found = [one for one in among if memory_search.reference_to(one) in names]
    fitting = [one for one in found if type_name in ("", one["resourceType"])]
    return drawer.pick(fitting) if fitting else None


def _ids(drawer: Drawer, wanted: Resource, among: Sequence[Resource]) -> str:
    other = drawer.pick(among)
    return f"{wanted['id']},{other['id']}" if drawer.chance(50) else str(wanted["id"])


def _plain(drawer: Drawer, wanted: Resource, code: str) -> str:
    kind = memory_search.PARAMETERS[wanted["resourceType"]][code][0]
    found = list(memory_search.values(wanted, code))
    if kind == "composite":
        return _composite(drawer, wanted, code)
    if not found or drawer.chance(6):
        present = bool(found) != drawer.chance(30)
        return f"{code}:missing={'false' if present else 'true'}"
    value = drawer.pick(found)
    if kind == "token":
        return _token(drawer, code, value)
    if kind == "string":
        return _string(drawer, code, str(value))
    if kind == "date":
        return _date(drawer, code, value)
    if kind == "uri":
        return _uri(drawer, code, str(value))
    if kind == "quantity":
        return f"{code}={_amount(drawer, value)}"
    if kind == "near":
        return f"{code}={_near(drawer, value)}"
    return _reference(drawer, code, value["reference"])


def _uri(drawer: Drawer, code: str, value: str) -> str:
    modifier = drawer.pick(("", ":below", ":above"))
    parent = value.rpartition("/")[0]
    other = drawer.pick((parent, value)) if modifier == ":below" and parent else f"{value}/more"
    return f"{code}{modifier}={other if modifier else value}"


def _amount(drawer: Drawer, value: Resource) -> str:
    """The amount as it is, coarser, or another one; with its unit, by its name, in another unit, or without."""
    number, unit = drawer.pick(AMOUNTS)
    if "system" in value and drawer.chance(75):
        unit = value["code"]
        number = drawer.pick((str(value["value"]), str(value["value"]), f"{value['value']:.0f}", number))
    measure = drawer.pick(
        (f"|{UCUM}|{unit}", f"|{value.get('system', LOCAL)}|{unit}", f"||{value.get('unit', unit)}", "")
    )
    return f"{drawer.pick((*_PREFIXES, 'ap', '', 'ge', 'le', 'ge', 'le'))}{number}{measure}"


def _composite(drawer: Drawer, wanted: Resource, code: str) -> str:
    elements: list[Resource] = list(memory_search.values(wanted, code))
    element = drawer.pick(elements) if elements else wanted
    coding: Resource = drawer.pick(element["code"]["coding"])
    coded = drawer.pick((coding["code"], f"{coding.get('system', '')}|{coding['code']}"))
    if code.endswith("quantity"):
        return f"{code}={coded}${_amount(drawer, element.get('valueQuantity', {'value': 5.4}))}"
    said: Resource = element.get("valueCodeableConcept") or wanted["code"]
    value = drawer.pick(said["coding"])
    return f"{code}={coded}${drawer.pick((value['code'], value.get('system', '') + '|' + value['code']))}"


def _token(drawer: Drawer, code: str, value: Any) -> str:
    if isinstance(value, bool | str):
        text = str(value).lower() if isinstance(value, bool) else value
    else:
        coding = drawer.pick(value.get("coding", [value]))
        system, inner = coding.get("system", ""), coding.get("code", coding.get("value", ""))
        text = drawer.pick((inner, f"{system}|{inner}", f"{system}|") if system else (inner, f"|{inner}"))
    if drawer.chance(15):
        text = f"{drawer.pick(_ELSE['token'])},{text}"
    return f"{code}{':not' if drawer.chance(25) else ''}={text}"


def _string(drawer: Drawer, code: str, value: str) -> str:
    modifier = drawer.pick(("", "", ":exact", ":contains"))
    if modifier == ":exact":
        text = value
    elif modifier == ":contains":
        text = value[drawer.number(0, len(value) - 1) :]
    else:
        text = value[: drawer.number(1, len(value))]
        text = text.upper() if drawer.chance(30) else text
    escaped = re.sub(r"([\\,|$])", r"\\\1", text.strip() or value)
    return f"{code}{modifier}={escaped}" + (f",{_ELSE['string'][1]}" if drawer.chance(10) else "")


def _date(drawer: Drawer, code: str, value: Any) -> str:
    known = value if isinstance(value, str) else drawer.pick(list(value.values()))
    text = drawer.pick((known, known[:4], known[:7], known[:10], drawer.pick(DATES)))
    found = f"{code}={drawer.pick(_PREFIXES)}{text}"
    return f"{found},{drawer.pick(('ge', 'lt'))}{drawer.pick(DATES)}" if drawer.chance(10) else found


def _reference(drawer: Drawer, code: str, reference: str) -> str:
    type_name, _, identifier = reference.partition("/")
    return drawer.pick((f"{code}={reference}", f"{code}={identifier}", f"{code}:{type_name}={identifier}"))
