"""The people whom the demo shows by name."""

from collections.abc import Mapping

from helhed.foundation.ask import ActorKind
from helhed.portals import ports
from helhed.portals.sessions import Principal
from helhed.registries.directory import Directory
from helhed.trust.tokens.personas import Persona, Personas


class PortalPersonas:
    """The demo's people; nobody outside demo mode."""

    def __init__(self, personas: Personas, names: Directory, *, demo: bool) -> None:
        self._personas = personas
        self._names = names
        self._demo = demo

    async def all(self) -> list[ports.Persona]:
        """Everybody, in order."""
        if not self._demo:
            return []
        everybody = await self._personas.all()
        names = await self._names.organisation_names({one.organisation for one in everybody if one.organisation})
        return [_persona(one, names) for one in everybody]


def _persona(one: Persona, names: Mapping[int, str]) -> ports.Persona:
    principal = None
    if one.kind in {ActorKind.CITIZEN, ActorKind.PROFESSIONAL}:
        place = names.get(one.organisation, "") if one.organisation else ""
        principal = Principal(one.kind, one.actor, one.name, one.organisation, place, one.role, one.handle)
    return ports.Persona(one.handle, principal, {"da": one.about_da, "en": one.about_en}, one.door)
