"""The log that can be proved, as pages show it."""

from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown
from helhed.portals import ports
from helhed.portals.ports.proofs import NotYet
from helhed.trust.evidence.cosigning import PublicLog
from helhed.trust.evidence.exporting import Evidence, NothingSequenced


class PortalProofs:
    """The citizen's proofs."""

    def __init__(self, pool: Pool) -> None:
        self._public, self._evidence = PublicLog(pool), Evidence(pool)

    async def anchors(self) -> ports.LogAnchors:
        """Which log it is, and who witnesses it."""
        try:
            told = await self._public.keys()
        except Unknown:
            return ports.LogAnchors("", ())
        return ports.LogAnchors(
            told["log"], [ports.LogWitness(one["name"], one["public"]) for one in told["witnesses"]]
        )

    async def export(self, ask: Ask) -> bytes:
        """The document. Raises NotYet."""
        try:
            return await self._evidence.export(ask)
        except NothingSequenced:
            raise NotYet from None
