"""What can be wrong with what a log says."""

from helhed.foundation.errors import HelhedError


class Faulty(HelhedError):
    """What the log says does not hold."""

    def __init__(self, word: str, told: str) -> None:
        super().__init__(told)
        self.word = word  #: one of those in docs/reference/log-format.md
