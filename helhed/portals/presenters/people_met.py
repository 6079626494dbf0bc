"""Who and where is met in a log, as choices of its page."""

from collections.abc import Sequence

from helhed.portals.language import Words
from helhed.trust.log.reader import Met


def people_met(met: Sequence[Met], words: Words) -> list[tuple[str, str]]:
    """Value and words of everybody; of one whose name is withheld the role and the pseudonym."""
    found: dict[str, str] = {}
    for one in met:
        if one.kind == 3:
            label = words("log.system_of", place=one.organisation_name or words("log.no_place"))
        else:
            role = words.role(one.role)
            label = one.name or words("log.withheld_short", role=role or words("log.somebody"), code=one.pseudonym)
            label = f"{label}, {role}" if one.name and role else label
        value = f"w:{one.pseudonym}" if one.pseudonym else f"{one.kind}:{one.actor}"
        found.setdefault(value, label)
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def places_met(met: Sequence[Met]) -> list[tuple[int, str]]:
    """Every place, by name."""
    found = {one.organisation: one.organisation_name or "" for one in met if one.organisation is not None}
    return sorted(found.items(), key=lambda pair: pair[1].casefold())
