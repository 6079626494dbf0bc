"""The authorisation server put together: one object that the doors and the pages are given."""

from dataclasses import dataclass
from datetime import datetime

from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.fetching import Fetcher
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.proving import Duty, lend_proven
from helhed.trust.identity.admission import Admission
from helhed.trust.identity.apps import Apps
from helhed.trust.identity.assertions import Authentication
from helhed.trust.identity.attempts import Attempts
from helhed.trust.identity.authorising import Authorising
from helhed.trust.identity.client_keys import ClientKeys
from helhed.trust.identity.clients import Clients
from helhed.trust.identity.exchange.granting import GRANT, Exchange
from helhed.trust.identity.granting import Granting
from helhed.trust.identity.issuing import Issuing
from helhed.trust.identity.keys import SigningKeys
from helhed.trust.identity.once import UsedOnce
from helhed.trust.identity.origins import AppOrigins
from helhed.trust.identity.people import People
from helhed.trust.identity.proofs import Nonces, Proofs
from helhed.trust.identity.registration import Registration
from helhed.trust.identity.requests import Requests
from helhed.trust.identity.tokens_in_use import TokensInUse
from helhed.trust.tokens.verifying import TokenVerifier


@dataclass(frozen=True, slots=True)
class AuthorisationServer:
    """Everything that issues tokens, and judges them."""

    pool: Pool
    clock: Clock
    issuer: str  #: its public address, which is the network's
    audiences: tuple[str, ...]  #: what an app may call this network
    keys: SigningKeys
    verifier: TokenVerifier
    proofs: Proofs
    admission: Admission
    clients: Clients
    authentication: Authentication
    requests: Requests
    authorising: Authorising
    granting: Granting
    in_use: TokensInUse
    registration: Registration
    people: People
    issuing: Issuing
    apps: Apps
    origins: AppOrigins
    attempts: Attempts

    @classmethod
    def open(
        cls,
        pool: Pool,
        keys_in_use: KeysInUse,
        clock: Clock,
        *,
        issuer: str,
        audience: str,
        demo: bool,
        seconds: int,
        fetcher: Fetcher,
    ) -> "AuthorisationServer":
        """Wire everything, with the keys that are in use and those that come."""
        verifier = TokenVerifier([], clock, audience, demo=demo, issuer=issuer, look_again=keys_in_use.look_again)
        signing, nonces, once = SigningKeys(), Nonces(clock), UsedOnce(pool)
        for take in (verifier.take, signing.take, nonces.take):
            keys_in_use.follow(KeyPurpose.TOKENS, take)
        proofs, clients, people = Proofs(nonces, once, clock), Clients(pool), People(pool)
        admission, requests = Admission(pool, proofs, clock), Requests(pool, clock)
        issuing = Issuing(signing, clock, issuer, audience, seconds)
        audiences = (issuer, f"{issuer}/fhir", audience)
        granting = Granting(pool, people, issuing, clock, f"{issuer}/fhir")
        granting.grants[GRANT] = Exchange(pool, people, issuing, once, clock, audiences).grant
        return cls(
            pool=pool, clock=clock, issuer=issuer, audiences=audiences, keys=signing, verifier=verifier, proofs=proofs,
            admission=admission, clients=clients,
            authentication=Authentication(clients, ClientKeys(fetcher, clock), once, clock, issuer),
            requests=requests, authorising=Authorising(pool, clients, requests, clock, issuer, audiences),
            granting=granting,
            in_use=TokensInUse(pool, verifier, admission, clock), registration=Registration(pool, clock),
            people=people, issuing=issuing, apps=Apps(pool), origins=AppOrigins(pool, clock), attempts=Attempts(pool, clock),
        )  # fmt: skip

    async def forget(self) -> None:
        """Lets go of what can be used no more."""
        moment: datetime = self.clock()
        async with lend_proven(self.pool, Duty.APPS) as connection:
            await connection.execute("select trust.forget_used($1)", moment)
        await self.attempts.forget()
