"""The rooms, opened and plugged into each other: one network for each worker."""

from dataclasses import dataclass
from importlib.metadata import version

from helhed.api import FhirApi
from helhed.api.cors import CrossOrigin
from helhed.api.gate import Gate
from helhed.api.insight_door import InsightDoor
from helhed.api.log_watch import log_door
from helhed.api.oauth import OAuthDoor
from helhed.api.oauth.opening import open_authorisation_server
from helhed.app.installation import token_audience
from helhed.fhir.store import Store
from helhed.fhir.store.cursor import CursorSigner
from helhed.foundation.asgi import App
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import Target, read_secret
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.outbox import Outbox
from helhed.foundation.seal import Seal
from helhed.foundation.settings import Settings
from helhed.hooks import HANDLERS, HOOKS, TOGETHER
from helhed.insight.figures import Figures
from helhed.portals import build_portal_app
from helhed.portals.rooms import portal_ports
from helhed.portals.rooms.gate import open_gate
from helhed.record.live import opening as live_sources
from helhed.trust.identity.authenticators import read_authenticators
from helhed.trust.identity.passkeys import Passkeys
from helhed.trust.identity.server import AuthorisationServer
from helhed.trust.log.carrying import elsewhere
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.log.push import push_of
from helhed.trust.lookups.counting import Lookups
from helhed.trust.served import served_types
from helhed.trust.subscriptions.delivering import Courier
from helhed.trust.subscriptions.reading import Terms
from helhed.trust.watch.watcher import Watcher, siem_of


@dataclass(slots=True)
class Network:
    """The running rooms."""

    store: Store
    fhir: App
    oauth: App
    portal: App
    log: App
    insight: App
    demo_provider: App | None
    outbox: Outbox
    keys: KeysInUse
    lookups: Lookups
    watcher: Watcher
    identity: AuthorisationServer
    courier: Courier
    live: live_sources.LiveSources

    @classmethod
    async def open(cls, settings: Settings, target: Target, clock: Clock = system_clock) -> "Network":
        """Connect and wire everything."""
        keys, secret = KeysInUse(settings.data_dir), read_secret(settings.data_dir)
        signer = CursorSigner(*keys.secrets(KeyPurpose.CURSORS), look_again=keys.look_again)
        store = await Store.open(target, settings, signer, HOOKS)
        keys.follow(KeyPurpose.CURSORS, signer.take)
        seal = Seal("sessions", keys.secrets(KeyPurpose.SESSIONS), keys.look_again)
        keys.follow(KeyPurpose.SESSIONS, seal.take)
        pseudonyms = Pseudonyms.of_keys(keys)
        identity = open_authorisation_server(settings, store.pool, keys, clock, token_audience(settings))
        watcher = Watcher(store.pool, secret, clock, siem_of(settings))
        terms = Terms(settings.public_url, settings.demo, settings.demo and settings.fetch_from_loopback)
        headers_seal = Seal("subscription headers", [secret])
        live = await live_sources.open_live_sources(store.pool, lambda: identity.keys.signing, secret, clock)
        lookups = Lookups(store.pool, secret, watcher.events)
        fhir = FhirApi(
            store,
            identity.verifier,
            base_url=settings.public_url,
            max_body_bytes=settings.max_body_bytes,
            max_resource_elements=settings.max_resource_elements,
            lookups=lookups,
            events=watcher.events,
            virtual=served_types(store.pool, pseudonyms, terms, headers_seal),
            gate=Gate(identity.verifier, identity.admission, settings.public_url),
            live=live,
        )
        push = push_of(settings, store.pool, keys)
        gate = open_gate(settings, store.pool, lookups, clock)
        ports = portal_ports(
            store,
            clock,
            lookups,
            seal,
            identity,
            pseudonyms,
            demo=settings.demo,
            secure_cookies=settings.public_url.startswith("https:"),
            version=version("helhed"),
            relying=gate.relying,
            events=watcher.events,
            base_url=settings.public_url,
            passkeys=Passkeys(store.pool, secret, settings.public_url, read_authenticators(settings.authenticators)),
            acute_places=settings.acute_keys,
            data_dir=settings.data_dir,
            ways=elsewhere(settings, store.pool)[0],
            push=push[0] if push else None,
            live=live,
        )
        oauth = CrossOrigin(OAuthDoor(identity, watcher.events), identity.origins)
        outbox = Outbox(store.pool, clock, HANDLERS, together=TOGETHER)
        portal, log = build_portal_app(ports), log_door(store.pool)
        courier = Courier(store.pool, clock, headers_seal, terms)
        return cls(
            store, CrossOrigin(fhir, identity.origins), oauth, portal, log, InsightDoor(Figures(store.pool)), gate.demo, outbox, keys,
            lookups, watcher, identity, courier, live,
        )  # fmt: skip
