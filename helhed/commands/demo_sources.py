"""The demo's sources: four that are asked when somebody looks, which stand in the same process, and some that deliver by themselves."""

from uuid import UUID

from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Target, connected
from helhed.foundation.settings import Settings
from helhed.registries.sources import Described, SourceKind, Terms, Way, put_source

_ID = "select id from registries.organisation where sor = $1"
_ROWS = ("Encounter", "Condition", "Observation", "DiagnosticReport", "DocumentReference")
#: place, kind, way, types
_DELIVERING = (
    ("medicinsk", SourceKind.HOSPITAL, Way.STORING, _ROWS),
    ("havnegade", SourceKind.GENERAL_PRACTICE, Way.STORING, _ROWS),
    ("hjemmesygepleje", SourceKind.MUNICIPALITY, Way.MESSAGING, ("Condition", "CarePlan", "Observation")),
    ("vaccinationsregister", SourceKind.VACCINATIONS, Way.STORING, ("Immunization",)),
)
_KEEPER = "Helhed Drift, 70 00 04 00"


async def put_demo_sources(settings: Settings, target: Target) -> None:
    """Registered at the address that is served now."""
    from demo.places import PLACES
    from demo.sources import DEMO_SOURCES

    async with connected(target.owner) as connection:
        for one in DEMO_SOURCES:
            base = f"http://127.0.0.1:{settings.port}{one.path}"
            terms = Terms(
                f"{base}/fhir",
                deadline_ms=one.deadline_ms,
                internal_network=True,
                images=f"{base}/wado" if one.kind == "images" else "",
            )
            organisation = await _organisation(connection, PLACES[one.place].sor)
            described = Described(
                organisation, one.name, SourceKind(one.kind), Way.LIVE, one.types, _KEEPER, one.withholds, terms
            )
            await put_source(connection, described, system_clock())
        for place, kind, way, types in _DELIVERING:
            organisation = await _organisation(connection, PLACES[place].sor)
            await put_source(
                connection, Described(organisation, PLACES[place].name, kind, way, types, _KEEPER), system_clock()
            )


async def _organisation(connection: Connection, sor: str) -> UUID:
    found: UUID = await connection.fetchval(_ID, sor)
    return found
