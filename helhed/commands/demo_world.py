"""Loading the demo: synthetic people only, written by the same path as everything else, once."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any
from uuid import UUID, uuid4

import orjson
from rich.console import Console

from helhed.app import token_audience, token_key
from helhed.commands.demo_acting import put_acting
from helhed.commands.demo_messages import put_messages
from helhed.commands.demo_work import put_work
from helhed.commands.figures import refresh
from helhed.commands.importing import owner_pool
from helhed.commands.populating import Totals, load_blocks
from helhed.exchange.foreign.documents import Document
from helhed.exchange.foreign.identity import ForeignIds
from helhed.exchange.foreign.load import fresh_changes
from helhed.exchange.foreign.translate import Translator
from helhed.fhir.changes import Change
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Pool, Target, connected, read_secret
from helhed.foundation.errors import HelhedError, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.settings import Settings
from helhed.hooks import HOOKS
from helhed.population.blocks import Population
from helhed.trust.tokens.personas import Persona, put_personas
from helhed.trust.tokens.verifying import TokenIssuer

NETWORK = "network"
_POPULATION = "urn:helhed:demo:population"  #: what the ids of the generated citizens follow from


class NoSuchPersona(HelhedError):
    """Nobody in the demo is called that."""


class DemoLoader:
    """Stores bundles of the demo under their source organisations. Ids follow from addresses, so it can start again."""

    def __init__(self, pool: Pool, secret: bytes) -> None:
        self._pool = pool
        self._sessions = Sessions(pool, HOOKS, CursorSigner(secret))
        self._ids = ForeignIds(secret, "demo")
        self.addresses: dict[str, str] = {}  #: urn:uuid -> Type/id of everything loaded so far
        self._said: dict[str, dict[str, Any]] = {}  #: appointments of this run, as they were stored
        self.stored = 0

    def id_of(self, address: str) -> UUID:
        """The id behind an address that was loaded."""
        return UUID(self.addresses[address].partition("/")[2])

    async def network(self) -> UUID:
        """The organisation that runs the network; it registers every other organisation."""
        identifier = self._ids.id_of("Organization", NETWORK, None)
        resource = {"resourceType": "Organization", "active": True, "name": "Helhed, netværkets register"}
        await self._store(identifier, [("urn:helhed:network", resource)], fixed={"urn:helhed:network": identifier})
        await self.keep_directory(identifier)
        return identifier

    async def keep_directory(self, organisation: UUID) -> None:
        """Let this organisation's custodian place organisations and register jobs anywhere."""
        statement = "insert into registries.keeper values ($1) on conflict do nothing"
        await self._pool.execute(statement, key_of(organisation))

    async def let_watch(self, organisation: UUID) -> None:
        """Let this organisation's security officers watch over the whole network."""
        statement = "insert into trust.watch_office values ($1) on conflict do nothing"
        await self._pool.execute(statement, key_of(organisation))

    async def let_review(self, organisation: UUID) -> None:
        """Let this organisation's reviewers review for the whole network."""
        statement = "insert into trust.network_reviewer values ($1) on conflict do nothing"
        await self._pool.execute(statement, key_of(organisation))

    async def let_everybody_deliver(self) -> None:
        """Register the custodian of every organisation loaded so far."""
        found = [address for address in self.addresses.values() if address.startswith("Organization/")]
        keys = [key_of(UUID(address.partition("/")[2])) for address in found]
        await self._pool.execute("select trust.register_system(one) from unnest($1::bigint[]) one", keys)

    async def put_work(self) -> None:
        """What places of the demo ask each other for."""
        self.stored += await put_work(self._sessions, self.addresses)

    async def put_messages(self) -> None:
        """What places of the demo have written to each other."""
        self.stored += 2 * await put_messages(self._pool, self._sessions, self.addresses)

    async def store(self, custodian: UUID, bundles: Iterable[dict[str, Any]]) -> None:
        """Store these Bundles in one transaction of one custodian."""
        await self._store(custodian, [(e["fullUrl"], e["resource"]) for bundle in bundles for e in bundle["entry"]])

    async def change(self, custodian: UUID, changes: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """What a custodian says anew of what it stored: elements by the address of the resource. Not done a second time."""
        for address, elements in changes:
            resource = self._said.pop(address, None)
            if resource is None:
                continue
            type_name, identifier = resource["resourceType"], self.id_of(address)
            said = {**resource, **elements, "id": str(identifier)}
            async with self._sessions.begin(_custodian(custodian)) as session:
                await session.write([Change("PUT", type_name, said, orjson.dumps(said), identifier)])

    async def _store(
        self, custodian: UUID, resources: list[tuple[str, dict[str, Any]]], fixed: dict[str, UUID] | None = None
    ) -> None:
        ask = _custodian(custodian)
        entries = [{"fullUrl": url, "resource": resource} for url, resource in resources]
        bundle = Document("demo", orjson.dumps({"resourceType": "Bundle", "entry": entries}), ndjson=False)
        async with self._sessions.begin(ask) as session:
            await session.connection.execute("select trust.register_system($1)", key_of(custodian))
            translator = Translator(self._ids, "", session.connection, earlier=self.addresses, fixed=fixed)
            found = await translator.translate(bundle)
            if found.rejected:
                first = found.rejected[0]
                raise Unprocessable(f"The demo holds an unsound {first.type_name}: {first.expression}: {first.reason}")
            fresh, _ = await fresh_changes(session.connection, ask, found.changes)
            if fresh:
                await session.write(fresh)
            self.addresses.update({url: found.addresses[url] for url, _ in resources})
        stored = {one.id: one.resource for one in fresh if one.type_name == "Appointment" and one.resource is not None}
        known = {url: stored.get(UUID(found.addresses[url].partition("/")[2])) for url, _ in resources}
        self._said.update({url: resource for url, resource in known.items() if resource is not None})
        self.stored += len(fresh)


def _custodian(organisation: UUID) -> Ask:
    key, now = key_of(organisation), system_clock()
    return Ask(ActorKind.SYSTEM, key, key, "system", Purpose.OPERATIONS, "helhed-demo", None, None, now, uuid4())


async def load_demo(settings: Settings, target: Target, citizens: int) -> None:
    """Load the demo's places, staff, people and synthetic citizens, unless they are here."""
    console = Console()
    async with connected(target.owner) as owner:
        if await owner.fetchval("select enabled from registries.demo"):
            console.print("The demo is loaded already.")
            return
        begun = time.monotonic()
        pool = await owner_pool(target, 2)
        try:
            secret = read_secret(settings.data_dir)
            loader = DemoLoader(pool, secret)
            await _load_world(loader, console.print)
            await put_personas(owner, await _personas(loader, owner))
            if citizens:
                await _load_population(loader, target, secret, citizens)
        finally:
            await pool.close()
        await owner.execute("insert into registries.demo (enabled) values (true)")
        await owner.execute("analyze")
        await refresh(owner)
        console.print(
            f"Loaded {loader.stored} resources in {time.monotonic() - begun:.0f} s. All people are synthetic."
        )


async def _load_world(loader: DemoLoader, tell: Callable[[str], None]) -> None:
    from demo.places import PLACES
    from demo.world import DIRECTORY, NETWORK_REVIEWERS, SECURITY_OFFICE, demo_bundles

    network = await loader.network()
    for source in demo_bundles():
        custodian = (
            network if source.organisation_url not in loader.addresses else loader.id_of(source.organisation_url)
        )
        if source.organisation == DIRECTORY:
            await loader.keep_directory(custodian)
        await loader.store(custodian, [source.bundle])
        await loader.change(custodian, source.changes)
    await loader.let_watch(loader.id_of(PLACES[SECURITY_OFFICE].url))
    await loader.let_review(loader.id_of(PLACES[NETWORK_REVIEWERS].url))
    await loader.put_work()
    await loader.put_messages()
    tell(f"Demo people: {loader.stored} resources.")


async def _load_population(loader: DemoLoader, target: Target, secret: bytes, citizens: int) -> None:
    """The generated citizens, at the demo's own places."""
    from demo.country import SEED, Vestfjord

    population, totals = Population(SEED, citizens, Vestfjord()), Totals()
    await loader.let_everybody_deliver()
    await load_blocks(target, secret, _POPULATION, population, totals, loader.addresses)
    loader.stored += totals.resources


async def _personas(loader: DemoLoader, owner: Any) -> list[Persona]:
    from demo.personas import PERSONAS

    await put_acting(loader.addresses, owner)
    return [await _persona(loader, owner, rank, one) for rank, one in enumerate(PERSONAS)]


async def _persona(loader: DemoLoader, owner: Any, rank: int, one: Any) -> Persona:
    resource = loader.addresses[one.url]
    organisation = loader.id_of(one.organisation_url) if one.organisation_url else None
    actor = key_of(UUID(resource.partition("/")[2]))
    for block in one.blocks:
        who = key_of(loader.id_of(block.who_url)) if block.who_url else None
        what = key_of(loader.id_of(block.what_url)) if block.what_url else None
        await owner.execute(_BLOCK, uuid4(), actor, who, what, system_clock())
    kind = {"citizen": ActorKind.CITIZEN, "system": ActorKind.SYSTEM}.get(one.kind, ActorKind.PROFESSIONAL)
    if kind is ActorKind.SYSTEM:
        await owner.execute("select trust.register_system($1)", actor)
    return Persona(
        one.handle, rank, kind, actor, resource, one.name, None if organisation is None else key_of(organisation),
        organisation, one.role, one.door, one.about_da, one.about_en,
    )  # fmt: skip


_BLOCK = """
insert into trust.block (id, citizen, who_organisation, what_organisation, valid_from, set_by, set_at)
values ($1, $2, $3, $4, '-infinity', $2, $5)
"""


async def persona_token(settings: Settings, target: Target, handle: str, *, reference_only: bool) -> str:
    """A token for one of the demo's people, or their reference. Raises NoSuchPersona."""
    async with connected(target.owner) as owner:
        row = await owner.fetchrow("select * from trust.persona where handle = $1", handle)
        names = [one["handle"] for one in await owner.fetch("select handle from trust.persona order by rank")]
    if row is None:
        raise NoSuchPersona(f"Nobody in the demo is called {handle[:40]!r}. There are: {', '.join(names)}.")
    if reference_only:
        return str(row["resource"])
    issuer = TokenIssuer(token_key(settings), system_clock, token_audience(settings))
    identifier = UUID(row["resource"].partition("/")[2])
    if row["kind"] == ActorKind.CITIZEN:
        return issuer.citizen(identifier)
    if row["kind"] == ActorKind.SYSTEM:
        return issuer.system(identifier)
    return issuer.professional(identifier, row["organisation_id"], row["role"])


def print_doors(settings: Settings) -> None:
    """Where to go and who to be."""
    url = settings.public_url
    tell = partial(Console().print, highlight=False, markup=False, soft_wrap=True)
    tell(f"\nHelhed runs at {url}  (stop with Ctrl-C)")
    tell(f"  Log in as one of the demo people: {url}/")
    tell(f"  FHIR: {url}/fhir/metadata")
    tell("  A citizen: jens. His doctor: mette-gp. The acute ward: anders-emergency. A stranger: outsider.")
    folder, usual = settings.data_dir.absolute(), Path(".helhed").absolute()
    elsewhere = "" if folder == usual else f"HELHED_DATA_DIR={quote(str(folder))} "
    token = f"{elsewhere}.venv/bin/helhed token jens"
    tell(f'  curl -H "Authorization: Bearer $({token})" {url}/fhir/$({token} --id)\n')
