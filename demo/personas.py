"""Who may be logged in as, and the blocks they have set before the demo begins."""

from dataclasses import dataclass

from demo.catalogue import load
from demo.places import PLACES
from demo.staff import STAFF
from demo.world import charts


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a citizen; "" is everybody, or everything."""

    who_url: str  #: address of the Organization that may not see
    what_url: str  #: address of the Organization whose data are hidden


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody, or a system, that can be logged in as."""

    handle: str
    kind: str  #: citizen, professional, system or operator
    name: str
    url: str  #: address of the Patient, Practitioner or (for a system) Organization
    organisation_url: str  #: where they work, "" for citizens
    role: str  #: a role of the policy, "" for citizens, "system" for systems
    door: str  #: borger, hospital, praksis, kommune or drift
    about_da: str
    about_en: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Acting:
    """One citizen acts for another before the demo begins."""

    citizen_url: str
    actor_url: str
    basis: str  #: a basis of the policy
    scopes: tuple[str, ...]  #: the parts of a mandate


def _acting() -> tuple[Acting, ...]:
    urls = {chart.citizen.handle: chart.url for chart in charts()}
    return tuple(
        Acting(urls[citizen], urls[actor], basis, tuple(scopes))
        for citizen, actor, basis, scopes in load("personas.json")["acting"]
    )


def _personas() -> tuple[Persona, ...]:
    facts = load("personas.json")
    citizens = {chart.citizen.handle: (chart.citizen.name, chart.url) for chart in charts()}
    blocks = {
        handle: (*(_block(who, what) for owner, who, what in facts["blocks"] if owner == handle),)
        for handle in citizens
    }
    return tuple(_persona(*row, citizens=citizens, blocks=blocks) for row in facts["personas"])


def _block(who: str, what: str) -> Block:
    return Block(PLACES[who].url if who else "", PLACES[what].url if what else "")


def _persona(
    handle: str,
    kind: str,
    door: str,
    place: str,
    about_da: str,
    about_en: str,
    *,
    citizens: dict[str, tuple[str, str]],
    blocks: dict[str, tuple[Block, ...]],
) -> Persona:
    if kind == "citizen":
        name, url = citizens[handle]
        return Persona(handle, kind, name, url, "", "", door, about_da, about_en, blocks[handle])
    work = PLACES[place]
    if kind == "system":
        return Persona(handle, kind, work.name, work.url, work.url, "system", door, about_da, about_en)
    member = STAFF[handle]
    return Persona(handle, kind, member.name, member.url, work.url, member.role, door, about_da, about_en)


PERSONAS: tuple[Persona, ...] = _personas()
ACTING: tuple[Acting, ...] = _acting()
