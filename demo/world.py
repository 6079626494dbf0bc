"""The whole demo world in the order it is loaded: places, staff, then one citizen after the other."""

from collections.abc import Callable

from demo.bundles import SourceBundle, entry, transaction
from demo.chart import Chart
from demo.listings import listings
from demo.people.birthe import birthe
from demo.people.fatima import fatima
from demo.people.jens import jens
from demo.people.kasper import kasper
from demo.people.lene import lene
from demo.people.neighbours import neighbours
from demo.people.noah import alma, camilla, noah
from demo.people.sara import sara
from demo.people.ulla import ulla
from demo.places import PLACES
from demo.staff import STAFF

#: the register that places and staff come from
DIRECTORY = "sor"
NETWORK_REVIEWERS = "nationalt"  #: whose reviewers review what places do not
SECURITY_OFFICE = "drift"  #: whose security officers watch over the whole network
_PEOPLE: tuple[Callable[[], Chart], ...] = (jens, ulla, birthe, fatima, kasper, lene, noah, alma, camilla, sara)


def charts() -> list[Chart]:
    """The records of all demo citizens, written anew."""
    return [*(write() for write in _PEOPLE), *neighbours()]


def directory_bundles() -> list[SourceBundle]:
    """Places (each after the one it belongs to), and then staff with their jobs."""
    places = [entry(place.url, place.resource()) for place in PLACES.values()]
    staff = [entry(member.url, member.resource()) for member in STAFF.values()]
    jobs = [entry(url, role) for member in STAFF.values() for url, role in member.roles()]
    source = PLACES[DIRECTORY].url
    return [
        SourceBundle(DIRECTORY, source, "", transaction(places)),
        SourceBundle(
            DIRECTORY, source, "", transaction([*staff, *jobs, *(entry(url, one) for url, one in listings())])
        ),
    ]


def demo_bundles() -> list[SourceBundle]:
    """Everything, in loading order: what a bundle refers to stands in it or in an earlier one."""
    return [*directory_bundles(), *(bundle for chart in charts() for bundle in chart.bundles())]
