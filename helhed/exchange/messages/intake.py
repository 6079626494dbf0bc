"""Taking a message: everything that is acknowledged is durable in the transaction in which it is, and nothing is half done.

Read, judged, shared, acknowledged. A message that was here before gets the answer it got. What cannot be taken is kept as it came,
answered by what says so, and shown to who runs the network.
"""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson

from helhed.exchange.messages import acknowledging
from helhed.exchange.messages.envelope import Message, Unfit, digest_of, read_message, sor_of
from helhed.exchange.messages.judging import MESSAGED, MOST_TOLD, SHARED, Refused, Taken, check, judge, outcome
from helhed.exchange.messages.keeping import Kept, Outcome, begin, keep, keep_again, own_row, park
from helhed.exchange.messages.many import Many, Turns
from helhed.exchange.messages.rules import ACKNOWLEDGEMENT
from helhed.exchange.messages.sharing import Share, keys_of
from helhed.exchange.messages.written import loads
from helhed.fhir.parsing import DEFAULT_LIMITS, Limits, parse_compact
from helhed.fhir.store import Store, WriteSession
from helhed.fhir.validation import validate
from helhed.fhir.weight import check_weight
from helhed.foundation.aside import aside
from helhed.foundation.ask import Ask
from helhed.foundation.errors import Conflict, Forbidden, HelhedError, InvalidResource, Overloaded, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.settings import RESOURCE_ELEMENTS

_MOST_TRIES = 4


class Forged(Forbidden):
    """A message is sent by the organisation that its sender is, or by one above it."""


class Altered(Conflict):
    """A message with this id was here before and said something else. What is changed is a new message, under an id of its own."""


class Intake:
    """Takes messages of whoever asks."""

    def __init__(
        self, store: Store, *, limits: Limits = DEFAULT_LIMITS, most_elements: int = RESOURCE_ELEMENTS
    ) -> None:
        self._store = store
        self._many = Many(store)
        self._turns = Turns()
        self._limits = limits
        self._most_elements = most_elements

    async def take(self, ask: Ask, raw: bytes, channel: str = "rest", *, verbatim: bytes | None = None) -> Taken:
        """Take a message, whose JSON is ``raw``, as it came (``verbatim``, where that is something else). Raises BadRequest, InvalidResource or TooLarge for what is no message, Forged, Altered, and
        Overloaded; all but the last are parked.
        """
        came = raw if verbatim is None else verbatim
        message = await self.readable(ask, raw, channel, came)
        if message.type.name == ACKNOWLEDGEMENT:
            raise Unprocessable("An acknowledgement is settled, not taken.")
        return await self.take_read(ask, message, came, channel)

    async def readable(self, ask: Ask, raw: bytes, channel: str, came: bytes) -> Message:
        """The message in a document; what is none is kept, and raised."""
        try:
            message = await aside(len(raw), lambda: self.read(raw))
            return replace(message, about=await own_row(self._store, ask, message))
        except Unfit as error:
            raise await self._parked(
                ask, came, channel, "unfit", error, InvalidResource(issues=error.issues)
            ) from error
        except HelhedError as error:
            raise await self._parked(ask, came, channel, "unreadable", error, error) from error

    async def take_read(self, ask: Ask, message: Message, raw: bytes, channel: str = "rest") -> Taken:
        """The same for a message that was read. What waits at the same time is taken together; what does not fit goes on alone."""
        if (taken := await self._many.take(ask, message, raw)) is not None:
            return taken
        async with self._turns.of(ask, message):
            return await self._alone(ask, message, raw, channel)

    async def _alone(self, ask: Ask, message: Message, raw: bytes, channel: str) -> Taken:
        for attempt in range(_MOST_TRIES):
            try:
                return await self._once(ask, message, raw)
            except Altered as error:
                raise await self._parked(ask, raw, channel, "altered", error, error) from error
            except Conflict as error:
                if attempt + 1 == _MOST_TRIES:
                    raise Overloaded from error
            except Overloaded:
                raise
            except Forged as error:
                raise await self._parked(ask, raw, channel, "forged", error, error) from error
            except HelhedError as error:
                return await self._refuse(ask, message, raw, channel, error)
        raise Overloaded

    async def unreadable(self, ask: Ask, raw: bytes, channel: str, error: HelhedError) -> None:
        """Keep what could not even be read."""
        await self._parked(ask, raw, channel, "unreadable", error, error)

    async def put_aside(self, ask: Ask, raw: bytes, channel: str, reason: str, error: HelhedError) -> None:
        """Keep what was read and could not be used, for who keeps the network running."""
        await self._parked(ask, raw, channel, reason, error, error)

    def read(self, raw: bytes) -> Message:
        """The message in a document. Raises BadRequest, InvalidResource, TooLarge or Unfit."""
        check_weight(raw, self._most_elements)
        plain, compact = parse_compact(raw, limits=self._limits)
        if issues := validate(plain):
            raise InvalidResource(issues=issues[:MOST_TOLD])
        return read_message(loads(compact, plain), digest_of(plain))

    async def _once(self, ask: Ask, message: Message, raw: bytes) -> Taken:
        session: WriteSession | None = None
        found = Share()
        try:
            async with self._store.session(ask) as session:
                known = await begin(session.connection, ask, message, keys_of(message))
                if known is None:
                    raise Forged
                if (before := await self._before(session, ask, message, known)) is not None:
                    return before
                judged = judge(self._store.knowledge, ask, message, known)
                found = judged.share
                await aside(len(raw), lambda: check(found))
                written = await session.write(found.changes) if found.changes else []
                kept = outcome(ask, message, raw, judged, written)
                await keep(session.connection, [kept], proven=bool(found.changes))
                return Taken(kept.kept.id, acknowledging.OK, kept.kept.ack)
        except HelhedError:
            if session is not None and found.changes:
                await self._store.log_refusal(ask, session, found.changes)
            raise

    async def _before(self, session: WriteSession, ask: Ask, message: Message, known: Any) -> Taken | None:  # fmt: skip
        """The answer it got, when it was here before; None for a new one, and for one that was answered *not yet*."""
        if known["envelope_message"] is not None and known["envelope_message"] != known["message"]:
            raise Altered("An envelope with this Bundle.id brought another message.")
        if known["message"] is None:
            return None
        if known["digest"] != message.digest:
            raise Altered
        if known["envelope_ack"] is not None and known["code"] != acknowledging.TRANSIENT:
            await keep_again(session.connection, ask, known["message"], message.envelope, known["envelope_ack"])
            return Taken(known["message"], known["code"], known["envelope_ack"], again=True)
        if known["code"] == acknowledging.TRANSIENT:
            return None
        answer = acknowledging.again(known["ack"], uuid4(), ask.at)
        await keep_again(session.connection, ask, known["message"], message.envelope, answer)
        return Taken(known["message"], known["code"], answer, again=True)

    # --- what cannot be taken ---------------------------------------------------------------------------------------------------

    async def _refuse(self, ask: Ask, message: Message, raw: bytes, channel: str, error: HelhedError) -> Taken:
        """Answer that it was not taken, and keep it as it came. Nothing of it is applied."""
        later = isinstance(error, Refused) and error.later
        code = acknowledging.TRANSIENT if later else acknowledging.FATAL
        error_code = error.error if isinstance(error, Unfit) else "MSG_VALUESET_VALUE_UNKNOWN"
        sentence = "; ".join(f"{one.expression}: {one.diagnostics}" if one.expression else one.diagnostics for one in error.issues[:MOST_TOLD])  # fmt: skip
        async with self._store.session(ask) as session:
            known = await begin(session.connection, ask, message, [])
            if known is None:
                raise Forged
            if (before := await self._before(session, ask, message, known)) is not None:
                return before
            own = known["message"] or uuid4()
            built = acknowledging.acknowledgement(
                message, own, uuid4(), ask.at, code, error=error_code, sentence=sentence
            )
            patients = known["patients"] or []
            citizen = key_of(patients[0]) if len(patients) == 1 else None
            ack = orjson.dumps(built)
            kept = Kept(
                own, known["sender"], known["receiver"], citizen, code, sentence, ack, known["sender_mode"],
                known["receiver_mode"], late=False, messaged=None, shared=None,
            )  # fmt: skip
            steps = ["received", "refused", "acknowledged"]
            await keep(session.connection, [Outcome(ask, message, raw, kept, steps)])
            await park(session.connection, ask, channel, "later" if later else "refused", sentence, own, raw)
        return Taken(own, code, ack)

    async def _parked(
        self, ask: Ask, raw: bytes, channel: str, reason: str, why: HelhedError, raised: HelhedError
    ) -> HelhedError:
        """Kept as it came; what is larger than is taken is not kept."""
        async with self._store.session(ask) as session:
            await park(session.connection, ask, channel, reason, str(why), None, raw[: self._limits.bytes])
        return raised


__all__ = ["MESSAGED", "SHARED", "Altered", "Forged", "Intake", "Refused", "Taken", "sor_of"]
