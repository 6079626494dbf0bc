"""How large an answer may be. What is beyond it stays in the database: it is never read from its pages, nor sent here."""

from helhed.foundation.errors import TooCostly

#: what a row costs besides its body, on the way here and in a Bundle
ROW_BYTES = 200


def within(columns: str, source: str, order: str, budget: str) -> str:
    """A statement over ``source``, which has a body: its rows until their sum is over ``budget`` bytes.

    The first row that is too much comes without its body and says so in the column ``over``; nothing comes after it.
    ``order`` is the window the rows are counted in, in the order in which ``source`` gives them.
    """
    cost = f"coalesce(octet_length(body), 0) + {ROW_BYTES}"
    return (
        f"select {columns}, case when spent <= {budget} then body end as body, spent > {budget} as over from "
        f"(select *, sum({cost}) over ({order}) as spent from {source}) as counted where spent - ({cost}) <= {budget}"
    )


def too_costly(budget: int) -> TooCostly:
    """The refusal of an answer."""
    size = f"{budget // 2**20} MiB" if budget >= 2**20 else f"{budget} bytes"
    return TooCostly(
        f"The answer would be larger than {size}: ask for fewer (_count, a narrower search, no _include or _revinclude)."
    )


class Budget:
    """What is left of an answer that is put together from several."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most

    def check(self) -> None:
        """Raises TooCostly when nothing is left: what cannot be answered is not looked at."""
        if self._left < 0:
            raise too_costly(self._most)

    def take(self, size: int) -> None:
        """Take a part of the answer in. Raises TooCostly when it is too much."""
        self._left -= size + ROW_BYTES
        self.check()
