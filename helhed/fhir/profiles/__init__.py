"""Validation by profile: what a StructureDefinition asks of a resource, as findings at FHIRPath expressions."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import orjson

from helhed.fhir.definitions import facts
from helhed.fhir.packages import Known
from helhed.fhir.profiles.base import BaseRules
from helhed.fhir.profiles.compiler import compile_structure
from helhed.fhir.profiles.containment import check_bundle, check_domain
from helhed.fhir.profiles.extensions import check_extensions
from helhed.fhir.profiles.findings import Finding, Place, errors, root, sorted_once
from helhed.fhir.profiles.library import Library, Source
from helhed.fhir.profiles.run import Json, Run, parts
from helhed.fhir.profiles.structure import CORE
from helhed.fhir.profiles.terminology import Terminology, Vocabulary

__all__ = ["KINDS", "Finding", "Profiles", "Terminology", "Vocabulary", "errors"]

#: the kinds of artefacts that validation reads
KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
_DEEPEST = 8  #: resources inside resources


class Profiles:
    """Everything that is installed, ready to check resources against. Never changes; newer knowledge makes another."""

    def __init__(self, known: Iterable[Known] = (), terminology: Terminology | None = None) -> None:
        some = list(known)
        sources = [Source(one["url"], one["version"], orjson.dumps(one)) for one in _published()]
        sources += [Source(one.url, one.version, one.body) for one in some if one.type_name == KINDS[0]]
        self.vocabulary = Vocabulary(some)
        self.library = Library(sources, terminology or self.vocabulary, compile_structure)
        self._base = BaseRules(self.library)

    def validate(
        self,
        resource: Json,
        profiles: Sequence[str] = (),
        *,
        place: str = "",
        elsewhere: Callable[[str], Json | None] | None = None,
        at: datetime | None = None,
    ) -> list[Finding]:
        """What is wrong with a resource whose structure was checked (``helhed.fhir.validation.validate``).

        It is held to FHIR's own rules, to ``profiles``, or else to those it claims in ``meta.profile``; what it contains
        is held to its own claims. ``place`` prefixes the expressions. ``elsewhere`` leads from a literal reference to the
        resource, where the caller has it at hand. ``at`` is what rules mean by today and now; those that ask are not
        checked without it.
        """
        run = Run(elsewhere, at)
        self._visit(resource, root(place or str(resource.get("resourceType", ""))), run, profiles, 0)
        return sorted_once(run.findings)

    def _visit(self, resource: Json, place: Place, run: Run, profiles: Sequence[str], depth: int) -> None:
        kind = resource.get("resourceType")
        if not isinstance(kind, str):
            return
        if depth > _DEEPEST:
            run.add("error", "too-costly", f"Resources stand deeper than {_DEEPEST} within each other.", place)
            return
        with run.within(resource, place):
            if kind == "Bundle":
                with run.inside(resource, place):
                    check_bundle(resource, place, run)
                    self._resource(resource, kind, place, run, profiles)
                    for position, entry in parts(resource, "entry"):
                        if isinstance(inner := entry.get("resource"), dict):
                            at = ((place, "entry", position), "resource", -1)
                            self._visit(inner, at, run, (), depth + 1)
                return
            self._resource(resource, kind, place, run, profiles)
            for position, inner in parts(resource, "contained"):
                self._visit(inner, (place, "contained", position), run, (), depth + 1)

    def _resource(self, resource: Json, kind: str, place: Place, run: Run, profiles: Sequence[str]) -> None:
        check_domain(resource, place, run)
        base = self._base.of(kind)
        if base is not None:
            base(resource, None, place, run)
        check_extensions(resource, place, self.library, run)
        for profile in profiles or _claims(resource):
            self._profile(resource, profile, place, run, asked=bool(profiles))

    def _profile(self, resource: Json, profile: str, place: Place, run: Run, *, asked: bool) -> None:
        if profile.partition("|")[0] == f"{CORE}{resource['resourceType']}":
            return
        checked = self.library.checked(profile)
        if checked is None:
            sentence = f"Not checked: {self.library.problem(profile)}"
            run.add("error" if asked else "warning", "not-supported", sentence, place, profile, "meta.profile")
            return
        if version := self.library.stand_in(profile):
            sentence = f"Checked against version {version} of {profile[:200]}, which is the one installed."
            run.add("information", "informational", sentence, place, profile, "meta.profile")
        run.findings.extend(run.trying(checked, resource, None, place))


def _published() -> list[Json]:
    """The profiles that FHIR itself publishes for data types."""
    return list(facts.document("quantity_profiles.json")["profiles"])


def _claims(resource: Json) -> list[str]:
    meta = resource.get("meta")
    some = meta.get("profile") if isinstance(meta, dict) else None
    return [one for one in some if isinstance(one, str)] if isinstance(some, list) else []
