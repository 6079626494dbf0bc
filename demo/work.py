"""Pieces of work between the places of the demo: asked for, accepted, declined, handed on, late and done, counted from the day it is loaded."""

from dataclasses import dataclass

from demo.datatypes import urn
from demo.places import PLACES


@dataclass(frozen=True, slots=True)
class Step:
    """What a place did with it, so many hours before the demo is loaded."""

    place: str
    act: str  #: an act of ``helhed.work.moving``
    hours_ago: float
    reason: str = ""
    to: str = ""  #: the place that it was handed on to

    @property
    def place_url(self) -> str:
        """The place's address."""
        return PLACES[self.place].url

    @property
    def to_url(self) -> str:
        """The other place's address, "" for none."""
        return PLACES[self.to].url if self.to else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One place asks another for something for a citizen, or asks the citizen (``to`` is "")."""

    citizen: str
    kind: str
    by: str
    to: str
    words: str
    hours_ago: float
    due_in_hours: float
    urgent: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def citizen_url(self) -> str:
        """The citizen's address."""
        return urn("patient", self.citizen)

    @property
    def urls(self) -> tuple[str, str]:
        """The addresses of who asks and who is asked: a place, or the citizen, where none is named."""
        return PLACES[self.by].url, PLACES[self.to].url if self.to else self.citizen_url


WORK = (
    Asked("jens", "follow-up-after-discharge", "lunge", "havnegade", "Kontrol af saltbalance og vægt efter ny vanddrivende medicin", 20, 240),
    Asked("jens", "visit-requested", "havnegade", "hjemmesygepleje", "Besøg i dag: ilt og almen tilstand, Jens er blevet dårligere", 3, 5,
          True, (Step("hjemmesygepleje", "accept", 2.5), Step("hjemmesygepleje", "start", 1))),
    Asked("jens", "appointment-to-make", "havnegade", "traening", "Ny plads på KOL-hold", 400, 40, False, (Step("traening", "accept", 390),)),
    Asked("jens", "answer-to-message", "hjemmesygepleje", "havnegade", "Må væskemængden sættes ned?", 80, 60),
    Asked("jens", "other", "lunge", "", "Vej dig hver morgen i en uge, og skriv vægten op til næste kontrol", 30, 130),
    Asked("birthe", "result-to-act-on", "laboratorium", "havnegade", "Kreatinin 212, steget fra 160", 90, -18, True,
          (Step("havnegade", "accept", 70),)),
    Asked("birthe", "visit-requested", "saarcenter", "hjemmesygepleje", "Sårskift hver anden dag", 200, 72, False,
          (Step("hjemmesygepleje", "accept", 190), Step("hjemmesygepleje", "hand-on", 20, to="hjemmepleje"))),
    Asked("lene", "referral-to-accept", "mamma", "onkologi", "Samtale om strålebehandling", 50, 500),
    Asked("lene", "follow-up-after-discharge", "mamma", "havnegade", "Fjern sting efter ti dage", 300, -60, False,
          (Step("havnegade", "accept", 280), Step("havnegade", "done", 70, "Stingene er fjernet, såret er pænt."))),
    Asked("kasper", "follow-up-after-discharge", "psykiatri", "hjemmesygepleje", "Blodprøve hver uge", 60, 120, False,
          (Step("hjemmesygepleje", "decline", 40, "Blodprøver tages på botilbuddet af laboratoriets egne. Bed dem."),)),
    Asked("fatima", "appointment-to-make", "havnegade", "jordemoder", "Ekstra kontrol af blodtryk", 30, 90, False,
          (Step("jordemoder", "accept", 28),)),
)  # fmt: skip
