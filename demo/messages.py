"""Messages between the places of the demo, written in the days before it is loaded."""

from dataclasses import dataclass

from demo.datatypes import urn
from demo.places import PLACES, Place


@dataclass(frozen=True, slots=True)
class Letter:
    """A CareCommunication."""

    thread: str
    citizen: str
    by: str
    to: str
    writer: str
    role: str
    category: str
    topic: str
    text: str
    hours_ago: float
    answers: bool = False  #: the letter before it in the thread

    @property
    def citizen_url(self) -> str:
        """The citizen's address."""
        return urn("patient", self.citizen)

    @property
    def places(self) -> tuple[Place, Place]:
        """Who writes, and who is written to."""
        return PLACES[self.by], PLACES[self.to]


LETTERS = (
    Letter("jens-udskrevet", "jens", "medicinsk", "havnegade", "Signe Test Holst", "Læge", "discharge", "Udskrevet efter KOL-forværring",
           "Indlagt med influenza A og KOL-forværring. Ilt er stoppet. Egen læge bedes se patienten om en uge: saturation og inhalationsteknik.", 70),
    Letter("jens-udskrevet", "jens", "havnegade", "medicinsk", "Mette Test Friis", "Læge", "discharge", "Udskrevet efter KOL-forværring",
           "Tak. Han har tid hos os på tirsdag.", 46, True),
    Letter("jens-hjem", "jens", "hjemmesygepleje", "havnegade", "Karen Test Lind", "Sygeplejerske", "nursing", "Måling i hjemmet",
           "Saturation 90 % i hvile. Han hoster mere end i går. Skal vi måle igen i aften?", 5),
    Letter("birthe-saar", "birthe", "hjemmesygepleje", "saarcenter", "Karen Test Lind", "Sygeplejerske", "nursing", "Sår på venstre fod",
           "Såret måler nu 2,1 x 1,6 cm. Der er lidt rødme i kanten. Ønsker jeres vurdering.", 28),
    Letter("kasper-medicin", "kasper", "botilbud", "havnegade", "Bo Test Kragh", "Pædagog", "medicine", "Medicin ved ferie",
           "Kasper rejser med sin søster i fem dage. Hvordan skal medicinen doseres med?", 18),
)  # fmt: skip
