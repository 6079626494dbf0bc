"""The rules of MedCom's messaging, read from dated data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType

ACKNOWLEDGEMENT = "acknowledgement-message"
CARE_COMMUNICATION = "care-communication-message"
NOTIFICATION = "hospital-notification-message"
HOME_CARE = "homecareobservation-message"
IG = "http://medcomfhir.dk/ig/"
TERMS = IG + "terminology/CodeSystem/"
EVENTS = TERMS + "medcom-messaging-eventCodes"
ACTIVITIES = TERMS + "medcom-messaging-activityCodes"
ERRORS = TERMS + "medcom-acknowledgement-error-codes"
CATEGORIES = TERMS + "medcom-careCommunication-categoryCodes"
DESTINATION_USES = TERMS + "medcom-messaging-destinationUse"
DESTINATION_USE = IG + "messaging/StructureDefinition/medcom-messaging-destinationUseExtension"
MESSAGING = IG + "messaging/StructureDefinition/medcom-messaging-"
#: MessageHeader.extension: whether the receiver is asked for a report of admission
REPORT_OF_ADMISSION = IG + "hospitalnotification/StructureDefinition/medcom-messaging-reportOfAdmissionExtension"
ENDPOINT = "https://sor2.sum.dsdn.dk/#id="  #: how a unit of SOR is written as an endpoint


@dataclass(frozen=True, slots=True)
class MessageType:
    """One family of messages."""

    name: str  #: event code
    focus: str | None
    profile: str
    task: str | None  #: the kind of work it asks its receiver for
    activities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds in this version of the network."""

    acknowledge_within: timedelta
    most_resends: int
    kept_in_folders: Mapping[str, timedelta]  #: how long files stay in done and parked
    unaddressed_within: timedelta  #: how long a copy waits for an address before it is its sender's move
    types: Mapping[str, MessageType]
    notifications: Mapping[str, str]  #: activity -> the code of the older notification
    shared: frozenset[str]

    def notification(self, activity: str) -> str:
        """STIN, SLHJ and so on; AN_ in front of what is taken back, RE_ of what is corrected. "" for another activity."""
        for prefix, mark in (("cancel-", "AN_"), ("revise-", "RE_"), ("", "")):
            if activity.startswith(prefix) and (code := self.notifications.get(activity.removeprefix(prefix))):
                return mark + code
        return ""


@cache
def rules() -> Rules:
    """The rules that this version of the network carries."""
    read = json.loads((resources.files("helhed.exchange.messages") / "data" / "rules.json").read_text("utf-8"))
    types = {
        name: MessageType(name, one["focus"], one["profile"], one["task"], frozenset(one["activities"]))
        for name, one in read["types"].items()
    }
    return Rules(
        timedelta(minutes=read["acknowledge_within_minutes"]),
        read["most_resends"],
        MappingProxyType({name: timedelta(days=days) for name, days in read["kept_in_folders_days"].items()}),
        timedelta(hours=read["unaddressed_within_hours"]),
        MappingProxyType(types),
        MappingProxyType(read["notifications"]),
        frozenset(read["shared"]),
    )
