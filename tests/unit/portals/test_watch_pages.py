"""The desks of security officers on the real rooms: what each sees, does and is refused, without JavaScript."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from helhed.foundation.ask import ActorKind, Ask
from helhed.foundation.ids import key_of
from helhed.portals import build_portal_app
from helhed.portals.ports import Persona, Ports
from helhed.portals.rooms.asks import PortalAsks
from helhed.portals.rooms.watch import portal_watch
from helhed.portals.sessions import Principal
from tests.support.world import NOW
from tests.unit.portals.people import lung_network
from tests.unit.trust.watch.conftest import Watched, watched, watched_world

__all__ = ["watched", "watched_world"]  # fixtures
pytestmark = pytest.mark.asyncio(loop_scope="module")
CASES, INCIDENTS, WARNINGS, OWN, BOARD, EXERCISES = (
    "/drift/overvaagning", "/drift/haendelser", "/drift/varsler", "/drift/egenkontrol", "/drift/overblik", "/oevelser",
)  # fmt: skip


class Desk:
    """Somebody with a browser without JavaScript."""

    def __init__(self, ports: Ports) -> None:
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(build_portal_app(ports), raise_app_exceptions=False),
            base_url="http://localhost", follow_redirects=True,
        )  # fmt: skip
        self.page, self.status, self.address = "", 0, ""
        self.answer = httpx.Response(200)

    async def get(self, address: str) -> str:
        """Follow an address; returns what a reader reads."""
        return self._seen(await self.client.get(address))

    async def post(self, address: str, **fields: str) -> str:
        """Send a form with the hidden token of the page last seen."""
        token = re.search(r'name="csrf" value="([^"]*)"', self.page)
        return self._seen(await self.client.post(address, data={"csrf": token.group(1) if token else "", **fields}))

    def _seen(self, answer: httpx.Response) -> str:
        self.page, self.status, self.address, self.answer = answer.text, answer.status_code, answer.url.path, answer
        without = re.sub(r"<(script|style|svg).*?</\1>", " ", self.page, flags=re.S)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


class Desks:
    """Everybody's desk, on one network."""

    def __init__(self, scene: Watched) -> None:
        self.scene = scene
        self.network = lung_network()
        self.network.now = scene.now
        people = {"officer": scene.officer, "second": scene.second, "local": scene.local, "doctor": scene.snooper}
        self.network.people += [_persona(handle, ask) for handle, ask in people.items()]
        pool = scene.world.store.pool
        self.ports = replace(self.network.ports(), asks=PortalAsks(lambda: self.network.now), watch=portal_watch(pool))

    async def of(self, handle: str) -> Desk:
        """Somebody logged in."""
        self.network.now = max(self.network.now, self.scene.now)
        desk = Desk(self.ports)
        await desk.get("/log-ind/anybody")
        await desk.get(f"/log-ind/anybody/retur?person={handle}")
        return desk


def _persona(handle: str, ask: Ask) -> Persona:
    principal = Principal(
        ActorKind.PROFESSIONAL, ask.actor, f"Navn {handle}", ask.organisation, "Sted", ask.role, handle
    )
    return Persona(handle, principal, {"da": "", "en": ""}, "drift")


@pytest_asyncio.fixture(loop_scope="module")
async def desks(watched: Watched) -> AsyncIterator[Desks]:
    yield Desks(watched)


async def test_a_case_goes_from_the_list_to_its_end_through_two_pairs_of_hands(desks: Desks):
    await desks.scene.snoops()
    first = await desks.of("officer")
    seen = await first.get(CASES)
    assert "Samme borger set i 3 forskellige uger uden registreret relation." in seen
    (address,) = set(re.findall(rf'href="({CASES}/[0-9a-f-]{{36}})"', first.page))
    seen = await first.get(address)
    assert "Borger A" in seen
    assert "Ane Test" not in seen
    assert "Tal er ikke et bevis." in seen
    assert "Sagen er din." in await first.post(f"{address}/tag")
    seen = await first.post(f"{address}/flyt", tilstand="explained", note=" ")
    assert (first.status, "Skriv en begrundelse" in seen) == (422, True)
    assert "forklaret, afventer en anden" in await first.post(f"{address}/flyt", tilstand="explained", note="Afløsning")
    seen = await first.post(f"{address}/flyt", tilstand="closed", note="Enig med mig selv")
    assert (first.status, "En anden end den" in seen) == (422, True)
    other = await desks.of("second")
    await other.get(address)
    assert "Sagen er afsluttet." in await other.post(f"{address}/flyt", tilstand="closed", note="Enig")
    assert "Ingen sager" in await other.get(CASES)


async def test_a_name_is_shown_when_a_reason_is_given(desks: Desks):
    await desks.scene.snoops()
    desk = await desks.of("local")
    await desk.get(CASES)
    (address,) = set(re.findall(rf'href="({CASES}/[0-9a-f-]{{36}})"', desk.page))
    await desk.get(address)
    mark = re.search(r'name="borger" value="([0-9a-f]+)"', desk.page)
    assert mark
    await desk.post(f"{address}/navn", borger=mark[1], grund="")
    assert desk.status == 422
    assert "Ane Test" in await desk.post(f"{address}/navn", borger=mark[1], grund="Samtale med medarbejderen")
    log = await desks.scene.world.log(desks.scene.patient)
    assert [row["actor"] for row in log if row["action"] == 102] == [desks.scene.local.actor]


@pytest.mark.parametrize("address", [CASES, INCIDENTS, WARNINGS, OWN, BOARD, f"{CASES}/borgere"])
async def test_the_desks_are_no_door_for_others(desks: Desks, address: str):
    for handle in ("doctor", "bodil"):
        desk = await desks.of(handle)
        await desk.get(address)
        assert desk.status == 403
    nobody = Desk(desks.ports)
    await nobody.get(address)
    assert nobody.status == 401


@pytest.mark.parametrize("address", [BOARD, f"{CASES}/borgere"])
async def test_what_is_the_offices_is_missing_for_an_organisations_officer(desks: Desks, address: str):
    desk = await desks.of("local")
    await desk.get(address)
    assert desk.status == 404


async def test_a_security_officer_has_no_way_to_a_record(desks: Desks):
    desk = await desks.of("officer")
    for address in ("/hospital", "/borger", "/drift"):
        await desk.get(address)
        assert desk.status == 403


async def test_an_incident_has_a_clock_from_the_moment_it_was_known(desks: Desks):
    desk = await desks.of("officer")
    await desk.get(INCIDENTS)
    await desk.post(INCIDENTS, titel="Lækket adgang", klasse="P9", kendt="2026-11-23T08:00")
    assert desk.status == 422
    await desk.post(INCIDENTS, titel="Fremtid", klasse="P2", kendt="2031-01-01T08:00")
    assert desk.status == 422
    seen = await desk.post(
        INCIDENTS,
        titel="Lækket adgang",
        klasse="P2",
        kendt="2026-11-22T08:00",
        data="1",
        borgere="40",
        hvad="En konto blev brugt.",
    )
    assert "Tidlig varsling" in seen
    assert "Datatilsynet" in seen
    assert "over fristen" in seen
    here = desk.address
    seen = await desk.post(here, skridt="early-warning", note="Sendt på virk.dk, kvittering 7")
    assert "Gjort for sent" in seen
    assert "Tidlig varsling er sendt eller gjort" not in seen
    assert "En konto blev brugt." in await desk.get(f"{here}/udkast")
    await desk.get(here)
    assert "Afsluttet" in await desk.post(here, skridt="closed", note="Færdig")
    other = await desks.of("local")
    assert "Lækket adgang" not in await other.get(INCIDENTS)


async def test_a_warning_reaches_organisations_and_the_office_sees_who_has_not_answered(desks: Desks):
    office = await desks.of("officer")
    await office.get(WARNINGS)
    await office.post(
        WARNINGS,
        titel="Falske mails",
        tekst="Slet dem",
        kendetegn="ikke et kendetegn!",
        alvor="high",
        deling="amber",
        dage="2",
    )
    assert office.status == 422
    assert "ikke et kendetegn!" in office.page
    seen = await office.post(
        WARNINGS, titel="Falske mails", tekst="Slet dem", kendetegn="ond[.]example.net\nhxxps://ond.example.net/a", alvor="high", deling="amber", dage="2"
    )  # fmt: skip
    asked = re.search(r"Kvitteringer: (\d+) af (\d+) mangler", seen)
    assert asked
    assert asked[1] == asked[2] != "0"
    here = office.address
    bundle = (await office.client.get(f"{here}/stix")).json()
    assert bundle["type"] == "bundle"
    assert [one["type"] for one in bundle["objects"]] == ["identity", "report", "indicator", "indicator"]
    assert bundle["objects"][2]["pattern"] == "[domain-name:value = 'ond.example.net']"
    hospital = await desks.of("local")
    assert "Jeres svar mangler" in await hospital.get(WARNINGS)
    seen = await hospital.get(here)
    assert "Kvitteringer" not in seen
    await hospital.post(here, svar="laest")
    assert "I har handlet" in await hospital.post(here, svar="handlet", note="Filter sat op")
    seen = await office.get(here)
    assert f"Kvitteringer: {int(asked[1]) - 1} af {asked[2]} mangler" in seen
    assert "Filter sat op" in seen
    await hospital.post(WARNINGS, titel="a", tekst="b", alvor="low", deling="green", dage="2")
    assert hospital.status == 422


async def test_an_organisation_answers_for_itself_and_the_board_sees_how_far_and_not_what(desks: Desks):
    hospital = await desks.of("local")
    await hospital.get(OWN)
    assert "ikke begyndt" in await hospital.get("/hospital/sikkerhed")
    await hospital.post(OWN, spoergsmaal="A.8.13", svar="no")
    assert hospital.status == 422
    await hospital.post(
        OWN, spoergsmaal="A.8.13", svar="no", ansvarlig="Driftslederen", frist="2026-11-24", note="Aldrig prøvet"
    )
    assert "Driftslederen følger op" in await hospital.get(OWN)
    desks.network.now = NOW + timedelta(days=9)
    hospital = await desks.of("local")
    assert "1 ting er over fristen" in await hospital.get(OWN)
    office = await desks.of("officer")
    seen = await office.get(BOARD)
    assert "Sygehus" in seen
    assert "Aldrig prøvet" not in seen
    assert "For få har svaret" in seen


async def test_an_exercise_tells_why_and_keeps_only_that_somebody_took_part(desks: Desks):
    doctor = await desks.of("doctor")
    await doctor.get(EXERCISES)
    assert "Bedre:" in await doctor.post(EXERCISES, oevelse="look-own", svar="1")
    assert "Du har taget 1 af" in await doctor.post(EXERCISES, oevelse="look-own", svar="0")
    await doctor.post(EXERCISES, oevelse="no-such", svar="0")
    await doctor.post(EXERCISES, oevelse="look-own", svar="77")
    rows = await desks.scene.world.owner.fetch("select * from trust.watch_exercise")
    assert [(row["professional"], row["exercise"]) for row in rows] == [(desks.scene.snooper.actor, "look-own")]
    assert set(rows[0].keys()) == {"professional", "organisation", "exercise", "at"}


async def test_the_office_keeps_its_list_by_number_and_learns_nothing_of_numbers_that_nobody_has(desks: Desks):
    number = "010203" + "9996"
    patient = await desks.scene.world.patient(
        desks.scene.hospital, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": number}]
    )
    desk = await desks.of("officer")
    await desk.get(f"{CASES}/borgere")
    assert "ingen borger med det nummer" in await desk.post(f"{CASES}/borgere", cpr="0102039995", grund="Kendt")
    assert "Listen er ændret" in await desk.post(
        f"{CASES}/borgere", cpr=f"{number[:6]}-{number[6:]}", grund="Kendt fra tv"
    )
    assert "Ingen endnu." in await desk.post(f"{CASES}/borgere", fjern=str(key_of(patient)))
    await desk.post(f"{CASES}/borgere", fjern="9" * 19)
    assert desk.status == 422


async def test_both_languages_write_every_page(desks: Desks):
    await desks.scene.snoops()
    desk = await desks.of("officer")
    for address in (CASES, INCIDENTS, WARNINGS, OWN, BOARD, EXERCISES, f"{CASES}/borgere"):
        seen: Any = await asyncio.gather(desk.get(f"{address}?lang=en"))
        assert desk.status == 200, address
        assert seen
