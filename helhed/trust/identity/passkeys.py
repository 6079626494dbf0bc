"""Passkeys (W3C Web Authentication): made by who is at work, used with a PIN, finger or face, bound to the name of this network.

The challenge of each ceremony is kept by the caller, once. A counter that does not go up revokes the key: there may be a copy.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Forbidden, HelhedError
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.identity.authenticators import Authenticators
from helhed.trust.identity.log_ins import Job
from helhed.trust.policy import document

ACR = "urn:helhed:acr:passkey"  #: phishing-resistant, with user verification
AMR = ("hwk", "user", "mfa")
_ADD = "select trust.add_passkey($1::fhir.ask, $2, $3, $4, $5, $6)"
_OWN = "select * from trust.own_passkeys($1::fhir.ask)"
_REVOKE = "select trust.revoke_passkey($1::fhir.ask, $2)"
_OF = "select * from trust.passkey_of($1)"
_USED = "select trust.passkey_used($1, $2, $3)"
_JOBS = "select * from trust.jobs_beneath($1, $2, $3)"
_INVITE = "select trust.invite_to_passkey($1::fhir.ask, $2, $3, $4)"
_COLLEAGUES = "select * from trust.colleagues_to_invite($1::fhir.ask)"
_ACCEPT = "select * from trust.use_invitation($1, $2)"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_LONGEST_LABEL = 40
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_SIGNS = 16


class PasskeyWrong(HelhedError):
    """This passkey proves nothing here."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey, as its owner sees it."""

    id: bytes
    label: str
    made_at: datetime
    used_at: datetime | None


@cache
def passkey_policy() -> dict[str, Any]:
    """How many, and how long an invitation holds."""
    return document("passkeys.json")


class Passkeys:
    """Making, using and revoking passkeys."""

    def __init__(self, pool: Pool, secret: bytes, base_url: str, authenticators: Authenticators | None = None) -> None:
        self._pool = pool
        self._key = blake2b(secret, digest_size=32, person=b"passkey codes").digest()
        home = urlsplit(base_url)
        host = home.hostname or ""
        if host in _LOOPBACK:  # browsers know this machine by its name alone
            home, host = home._replace(netloc=f"localhost:{home.port}"), "localhost"
        self.origin = f"{home.scheme}://{home.netloc}"
        #: browsers make passkeys for names, not for numeric addresses
        self.available = any(sign.isalpha() for sign in host) and ":" not in host
        entity = PublicKeyCredentialRpEntity(name="Helhed", id=host)
        self._authenticators = authenticators or Authenticators()
        self._server = Fido2Server(entity, self._authenticators.asked, verify_origin=self._is_ours)

    def _is_ours(self, origin: str) -> bool:
        return origin == self.origin

    async def begin_making(self, ask: Ask, name: str) -> tuple[str, bytes]:
        """What the browser is asked, as JSON, and what to keep."""
        user = PublicKeyCredentialUserEntity(id=self._user(ask.actor), name=name, display_name=name)
        known = [AttestedCredentialData(row["public_key"]) for row in await self._rows(_OWN, ask_row(ask))]
        options, state = self._server.register_begin(
            user, known, ResidentKeyRequirement.REQUIRED, UserVerificationRequirement.REQUIRED
        )
        return json.dumps(dict(options.public_key)), json.dumps(state).encode()

    async def make(self, ask: Ask, state: bytes, answer: str, label: str) -> None:
        """Keeps the passkey that the browser made.

        Raises PasskeyWrong, AuthenticatorRefused, or Forbidden when the asker may have none.
        """
        try:
            response = _response(answer)
            data = self._server.register_complete(json.loads(state), response)
            told = RegistrationResponse.from_dict(response).response
            self._authenticators.judge(told.attestation_object, told.client_data.hash)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError):
            raise PasskeyWrong from None
        made = data.credential_data
        if made is None:
            raise PasskeyWrong
        short = "".join(sign for sign in label if sign.isprintable())[:_LONGEST_LABEL]
        most = passkey_policy()["most"]
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            kept = await connection.fetchval(
                _ADD, ask_row(ask), made.credential_id, bytes(made), data.counter, short, most
            )
        if not kept:
            raise Forbidden

    def begin_using(self) -> tuple[str, bytes]:
        """What the browser is asked, as JSON: any passkey it has for us; and what to keep."""
        options, state = self._server.authenticate_begin(None, UserVerificationRequirement.REQUIRED)
        return json.dumps(dict(options.public_key)), json.dumps(state).encode()

    async def use(self, state: bytes, answer: str, now: datetime) -> list[Job]:
        """The jobs of whoever proved to have a passkey. Raises PasskeyWrong."""
        try:
            response = _response(answer)
            parsed = AuthenticationResponse.from_dict(response)
            (row,) = await self._rows(_OF, parsed.raw_id)
            self._server.authenticate_complete(json.loads(state), [AttestedCredentialData(row["public_key"])], response)
            handle = parsed.response.user_handle
            if handle is not None and handle != self._user(row["professional"]):
                raise PasskeyWrong
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError):
            raise PasskeyWrong from None
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            fresh = await connection.fetchval(_USED, parsed.raw_id, parsed.response.authenticator_data.counter, now)
        if not fresh:
            raise PasskeyWrong
        return [Job(**one) for one in await self._rows(_JOBS, row["professional"], row["organisation"], now)]

    async def own(self, ask: Ask) -> list[Passkey]:
        """The asker's."""
        rows = await self._rows(_OWN, ask_row(ask))
        return [Passkey(row["id"], row["label"], row["made_at"], row["used_at"]) for row in rows]

    async def revoke(self, ask: Ask, passkey: bytes) -> bool:
        """One of the asker's lets nobody in any more."""
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            return bool(await connection.fetchval(_REVOKE, ask_row(ask), passkey))

    async def colleagues(self, ask: Ask) -> Sequence[tuple[int, str, str, str]]:
        """Whom the asker may invite: key, name, place and role."""
        rows = await self._rows(_COLLEAGUES, ask_row(ask))
        return [(row["professional"], row["name"], row["place"], row["role"]) for row in rows]

    async def invite(self, ask: Ask, colleague: int) -> str:
        """A code that is told by hand, once. Raises Forbidden."""
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_SIGNS))
        until = ask.at + timedelta(hours=passkey_policy()["invitation_hours"])
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            if not await connection.fetchval(_INVITE, ask_row(ask), self._digest(code), colleague, until):
                raise Forbidden
        return "-".join(code[start : start + 4] for start in range(0, _CODE_SIGNS, 4))

    async def accept(self, code: str, now: datetime) -> list[Job]:
        """The jobs of whom a code invites, once. Raises PasskeyWrong for every code that is none."""
        written = code.replace("-", "").replace(" ", "").upper()
        rows = await self._rows(_ACCEPT, self._digest(written), now)
        if not rows:
            raise PasskeyWrong
        found = await self._rows(_JOBS, rows[0]["professional"], rows[0]["organisation"], now)
        return [Job(**one) for one in found]

    async def _rows(self, statement: str, *arguments: Any) -> list[Any]:
        async with lend_proven(self._pool, Duty.PERSON) as connection:
            return list(await connection.fetch(statement, *arguments))

    def _user(self, professional: int) -> bytes:
        """What authenticators know somebody by: it tells nobody who that is."""
        return blake2b(b"user %d" % professional, digest_size=32, key=self._key).digest()

    def _digest(self, code: str) -> bytes:
        return blake2b(code.encode(), digest_size=32, key=self._key).digest()


def _response(answer: str) -> dict[str, Any]:
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise TypeError
    return found
