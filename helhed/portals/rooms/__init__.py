"""The ports of the pages, served by the rooms below: one file for each port."""

from pathlib import Path

from helhed.exchange.messages.following import Messages
from helhed.exchange.messages.modes import Modes
from helhed.exchange.messages.writing import Writer
from helhed.fhir.store import Store
from helhed.foundation.clock import Clock
from helhed.foundation.outward import Asker
from helhed.foundation.seal import Seal
from helhed.insight.figures import Figures
from helhed.portals import ports
from helhed.portals.ports.log_desk import LogDesk
from helhed.portals.ports.messages import MessageDesk
from helhed.portals.ports.passkeys import NoPasskeys
from helhed.portals.rooms.apps import PortalApps
from helhed.portals.rooms.asks import PortalAsks
from helhed.portals.rooms.blocks import PortalBlocks
from helhed.portals.rooms.calendar import PortalCalendars
from helhed.portals.rooms.clinicians import PortalClinicians
from helhed.portals.rooms.glass import PortalGlass
from helhed.portals.rooms.keeping import PortalKeeping
from helhed.portals.rooms.log import PortalLog
from helhed.portals.rooms.log_ins import PortalLogIns
from helhed.portals.rooms.once import PortalOnce
from helhed.portals.rooms.passkeys import PortalPasskeys
from helhed.portals.rooms.personas import PortalPersonas
from helhed.portals.rooms.proofs import PortalProofs
from helhed.portals.rooms.registries import PortalRegistries
from helhed.portals.rooms.relations import PortalRelations
from helhed.portals.rooms.rows import PortalRows
from helhed.portals.rooms.sessions import PortalSessions
from helhed.portals.rooms.units import PortalUnits
from helhed.portals.rooms.watch import portal_watch
from helhed.portals.rooms.work import PortalWork
from helhed.portals.rooms.works import PortalOperations
from helhed.record.live.gathering import LiveSources
from helhed.record.live.pictures import Pictures
from helhed.record.stamkort.keeping import MasterData
from helhed.registries.directory import Directory
from helhed.registries.sources import Sources
from helhed.trust.acting.counter import Counter
from helhed.trust.acting.help import Help
from helhed.trust.acting.mandates import Mandates
from helhed.trust.acting.relatives import Relatives
from helhed.trust.audit_events import Deliveries
from helhed.trust.background import ordering_system
from helhed.trust.emergency.copies import EmergencyCopies
from helhed.trust.identity.log_ins import LogIns
from helhed.trust.identity.passkeys import Passkeys
from helhed.trust.identity.server import AuthorisationServer
from helhed.trust.identity.upstream.flow import RelyingParty
from helhed.trust.log.citizen_log import CitizenLog
from helhed.trust.log.follow_up import FollowUp
from helhed.trust.log.notices import Notices
from helhed.trust.log.pseudonyms import Pseudonyms
from helhed.trust.log.push import PushDevices
from helhed.trust.log.reader import LogReader
from helhed.trust.log.shielding import Shields
from helhed.trust.log.ways import Ways
from helhed.trust.log.why import Whys
from helhed.trust.relation.declarations import Declarations
from helhed.trust.relation.declared import TreatmentRelations
from helhed.trust.tokens.personas import Personas
from helhed.trust.watch.events import SecurityEvents


def portal_ports(
    store: Store,
    clock: Clock,
    lookups: ports.Lookups,
    seal: Seal,
    identity: AuthorisationServer,
    pseudonyms: Pseudonyms,
    *,
    demo: bool,
    secure_cookies: bool,
    version: str,
    relying: RelyingParty | None = None,
    events: SecurityEvents | None = None,
    base_url: str = "http://localhost",
    passkeys: Passkeys | None = None,
    acute_places: tuple[int, ...] = (),
    data_dir: Path | None = None,
    ways: Ways | None = None,
    push: PushDevices | None = None,
    live: LiveSources | None = None,
) -> ports.Ports:
    """Everything the pages are built from."""
    pool = store.pool
    directory = Directory(pool)
    log = PortalLog(LogReader(pool, pseudonyms), CitizenLog(pool), Deliveries(pool))
    relations = TreatmentRelations(pool)
    registries = PortalRegistries(directory, pool)
    personas = PortalPersonas(Personas(pool), directory, demo=demo)
    relying = relying or RelyingParty({}, Asker(), clock)
    return ports.Ports(
        asks=PortalAsks(clock),
        rows=PortalRows(store),
        registries=registries,
        log=log,
        log_desk=LogDesk(log, Whys(pool), Notices(pool), Shields(pool), FollowUp(pool, pseudonyms), ways, push),
        blocks=PortalBlocks(pool),
        glass=PortalGlass(pool),
        emergency=EmergencyCopies(pool),
        acute_places=acute_places,
        relations=PortalRelations(relations, pool),
        personas=personas,
        sessions=PortalSessions(pool, seal),
        apps=PortalApps(identity),
        log_ins=PortalLogIns(relying, LogIns(pool), registries, personas, events, clock, base_url),
        once=PortalOnce(pool, seal),
        passkeys=PortalPasskeys(passkeys) if passkeys else NoPasskeys(),
        clock=clock,
        lookups=lookups,
        acting=Mandates(pool),
        declarations=Declarations(pool),
        proofs=PortalProofs(pool),
        clinicians=PortalClinicians(store),
        relatives=Relatives(pool),
        help=Help(pool),
        keeping=PortalKeeping(store),
        master_data=MasterData(store),
        counter=Counter(pool),
        calendars=PortalCalendars(store),
        figures=Figures(pool),
        live=live,
        images=Pictures(store, live),
        sources=Sources(pool),
        units=PortalUnits(store),
        operations=PortalOperations(pool, data_dir) if data_dir else None,
        watch=portal_watch(pool),
        work=PortalWork(store, ways.email if ways else None),
        messages=MessageDesk(Messages(store), Modes(store), Writer(store), ordering_system),
        secure_cookies=secure_cookies,
        version=version,
        base_url=base_url,
    )
