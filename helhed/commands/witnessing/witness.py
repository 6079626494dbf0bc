"""Following a log: each new head is signed when it goes on from the one signed before, and never otherwise."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from helhed.commands.witnessing.memory import Memory, Signed
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.errors import HelhedError
from helhed.foundation.logging import logger
from helhed.foundation.workers import is_orphan
from helhed.trust.verifier.faults import Faulty
from helhed.trust.verifier.heads import Keys, SeenHead, check_head, check_keys, check_line, cosignature_body
from helhed.trust.verifier.primitives import from_hex
from helhed.trust.verifier.proofs import is_beginning

_SECONDS_BETWEEN_LOOKS = 1.0
_PATIENCE_SECONDS = 10.0
_LOOKS_BEFORE_A_WORD = 30


class Refused(HelhedError):
    """The log says something that cannot be true beside what it said before. This witness signs nothing more of it."""

    def __init__(self, told: str) -> None:
        super().__init__(told)


class Witness:
    """One witness of one log. ``log`` is the id that it expects; without, the one it sees first."""

    def __init__(
        self, memory: Memory, client: httpx.AsyncClient, *, log: str = "", clock: Clock = system_clock
    ) -> None:
        self._memory, self._client, self._log, self._clock = memory, client, log, clock

    async def look(self) -> bool:
        """Signs the newest head; False when it was signed before. Raises Refused, or httpx.HTTPError when nobody answers."""
        before = self._memory.signed()
        told = await self._get("/log/head")
        try:
            heads, keys = await self._checked(before, told)
        except Faulty as fault:
            self._memory.keep_evidence(msgspec.json.encode({"signed": before, "told": told, "wrong": fault.word}))
            raise Refused(f"{fault} ({fault.word})") from None
        if not heads:
            return False
        newest = heads[-1]
        signed = Signed(told["log"], told["head"]["body"], told["head"]["signature"])
        assert keys
        self._memory.remember(signed)
        await self._cosign(signed.log, newest)
        return True

    async def _checked(self, before: Signed | None, told: Any) -> tuple[Sequence[SeenHead], Keys]:
        """The heads since the one that was signed, once all of them hold. Raises Faulty."""
        expected = before.log if before else self._log
        if not isinstance(told, dict) or expected not in {"", told.get("log")}:
            raise Faulty("log", "This is another log.")
        log = from_hex(told["log"], 32)
        keys = check_keys(log, (await self._get("/log/keys")).get("keys", []))
        newest = check_head(log, keys, told.get("head"))
        if before is None:
            return [newest], keys
        known = check_head(log, keys, {"body": before.body, "signature": before.signature})
        if newest.number <= known.number:
            if newest.digest != known.digest:
                raise Faulty("rollback", "The log has gone back behind what it said, or says something else now.")
            return [], keys
        line = await self._line(log, keys, known.number, newest)
        check_line(known, line)
        await self._check_consistency(known, newest)
        return line, keys

    async def _line(self, log: bytes, keys: Keys, after: int, newest: SeenHead) -> list[SeenHead]:
        line: list[SeenHead] = []
        while after < newest.number:
            told = (await self._get(f"/log/heads?after={after}")).get("heads")
            if not isinstance(told, list) or not told:
                raise Faulty("order", "The log does not show the heads between.")
            line += [check_head(log, keys, one) for one in told]
            after = line[-1].number
        line = [head for head in line if head.number <= newest.number]
        if not line or line[-1].digest != newest.digest:
            raise Faulty("order", "The log shows two newest heads.")
        return line

    async def _check_consistency(self, known: SeenHead, newest: SeenHead) -> None:
        told = await self._get(f"/log/consistency?first={known.size}&second={newest.size}")
        proof = [from_hex(one, 32) for one in told.get("consistency", [])]
        if not is_beginning(known.size, known.root, newest.size, newest.root, proof):
            raise Faulty("order", "What the log had is not the beginning of what it has.")

    async def _cosign(self, log: str, head: SeenHead) -> None:
        at = int(self._clock().timestamp() * 1_000_000)
        body = cosignature_body(log, head.digest, at, self._memory.name)
        signature = self._memory.sign(b"helhed log cosignature v1\n" + body).hex()
        content = {"number": head.number, "body": body.decode(), "signature": signature}
        (await self._client.post("/log/cosign", json=content)).raise_for_status()

    async def _get(self, path: str) -> Any:
        answer = await self._client.get(path)
        answer.raise_for_status()
        try:
            return answer.json()
        except ValueError:
            raise Faulty("format", "The log answers with something else than JSON.") from None


async def run_witness(memory: Memory, url: str, log: str = "") -> None:
    """Follow the log until ended, or until whoever started this as its child is gone. Raises Refused; when nobody answers, it waits."""
    told = logger("witness")
    async with httpx.AsyncClient(base_url=url, timeout=_PATIENCE_SECONDS) as client:
        witness, silent = Witness(memory, client, log=log), 0
        while not is_orphan():  # the demo's end with it
            try:
                await witness.look()
                silent = 0
            except httpx.HTTPError as error:
                silent += 1
                if silent == _LOOKS_BEFORE_A_WORD:
                    told.warning("the log does not take or give an answer; it is tried again", error=error)
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
