"""What the pages about messages between organisations need."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from helhed.exchange.messages.following import Messages
from helhed.exchange.messages.modes import Modes
from helhed.exchange.messages.writing import Writer
from helhed.foundation.ask import Ask


@dataclass(frozen=True, slots=True)
class MessageDesk:
    """``exchange``: following, writing, and keeping it running."""

    follow: Messages
    modes: Modes
    writer: Writer
    asks: Callable[[int, datetime], Ask]  #: the ask of an organisation's system, for what is taken up again
