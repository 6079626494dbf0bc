"""Staff of the demo world: who they are, and where they work as what from when to when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from demo.catalogue import load
from demo.datatypes import (
    AUTHORISATION,
    ROLE,
    URI,
    Json,
    coding,
    compact,
    concept,
    human_name,
    identifier,
    period,
    reference,
    urn,
)
from demo.places import PLACES


@dataclass(frozen=True, slots=True)
class Job:
    """Work at one place; open when it has no end."""

    place: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works."""

    handle: str
    name: str
    gender: str
    role: str  #: a role of the policy: doctor, nurse, midwife, ...
    title: str  #: what it says on the badge, in Danish
    authorisation: str  #: authorisation identifier, "" for those who have none
    jobs: tuple[Job, ...]

    @property
    def url(self) -> str:
        """Where references point."""
        return urn("practitioner", self.handle)

    @property
    def reference(self) -> Json:
        """A Reference to them, with their name."""
        return reference(self.url, self.name)

    @property
    def workplace(self) -> str:
        """Handle of the place where they work now."""
        return next(job.place for job in self.jobs if not job.end)

    def resource(self) -> Json:
        """The Practitioner."""
        number = identifier(AUTHORISATION, self.authorisation) if self.authorisation else identifier(URI, self.url)
        qualification = {"identifier": [number], "code": concept(self.title)} if self.authorisation else None
        return compact(
            {
                "resourceType": "Practitioner",
                "identifier": [number],
                "active": True,
                "name": [human_name(self.name)],
                "gender": self.gender,
                "qualification": [qualification] if qualification else None,
            }
        )

    def roles(self) -> Iterator[tuple[str, Json]]:
        """Address and PractitionerRole of each job."""
        for job in self.jobs:
            url = urn("practitioner-role", self.handle, job.place)
            yield (
                url,
                {
                    "resourceType": "PractitionerRole",
                    "identifier": [identifier(URI, url)],
                    "active": True,
                    "period": {key: day[:10] for key, day in period(job.start, job.end or None).items()},
                    "practitioner": self.reference,
                    "organization": PLACES[job.place].reference,
                    "code": [concept(self.title, coding(ROLE, self.role))],
                },
            )


def _member(
    handle: str, name: str, gender: str, role: str, title: str, authorisation: str, jobs: list[list[str]]
) -> Member:
    return Member(handle, name, gender, role, title, authorisation, tuple(Job(*job) for job in jobs))


STAFF: Mapping[str, Member] = {row[0]: _member(*row) for row in load("staff.json")["staff"]}
