"""Attack 67 further on: an app that a professional opened for one patient reaches nobody else, by whichever door it tries."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from helhed.fhir.definitions import TYPE_NUMBERS
from tests.support.app_client import App, claims, code_of, say_yes, sent_back, smart_app
from tests.support.identity import ISSUER
from tests.unit.attacks.oauth.conftest import House

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCOPE = "openid launch patient/*.cruds user/Practitioner.rs"
CPR = "urn:oid:1.2.208.176.1.2"


@dataclass
class Opened:
    """An app that is open for Ane, whose user treats Ida as well."""

    house: House
    app: App
    token: str
    ida: UUID
    hers: UUID  #: a measurement of Ida

    async def get(self, path: str) -> Any:
        """What a read or search answers: status, and the resources in it."""
        answer = await self.app.read(f"/fhir/{path}", self.token)
        told = answer.json()
        found = [entry["resource"] for entry in told.get("entry", ())] if told["resourceType"] == "Bundle" else [told]
        return answer.status_code, found

    async def ids(self, path: str) -> set[str]:
        """The ids that a search finds."""
        status, found = await self.get(path)
        assert status == 200, found
        return {one["id"] for one in found}

    async def send(self, method: str, path: str, resource: dict[str, Any]) -> Any:
        """A write."""
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/fhir+json"}
        return await self.house.network.ask(
            method, f"/fhir/{path}", json=resource, headers=headers, app=self.house.network.fhir
        )


async def launched(house: House, app: App, patient: UUID) -> dict[str, Any]:
    """Tokens of an app that the doctor opened from a record."""
    handle = await house.network.server.apps.launch(house.professional, app.id, patient)
    browser = await house.network.person(house.professional)
    await browser.ask("GET", await app.begin(launch=handle), follow=False)
    answer = await app.redeem(code_of(await say_yes(browser)))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(house: House) -> Opened:
    """The app, open for Ane."""
    world = house.network.world
    ida = await world.patient(house.ward, "Anden", identifier=[{"system": CPR, "value": "1505809996"}])
    await world.contact(ida, house.ward)
    hers = await world.observation(ida, house.ward)
    app = await smart_app(house.network, SCOPE, initiate_login_uri="https://app.example/launch")
    told = await launched(house, app, house.ane)
    assert told["patient"] == str(house.ane)
    return Opened(house, app, told["access_token"], ida, hers)


async def test_it_is_given_what_it_asked_for_of_one_patient_and_of_the_rest_what_is_about_nobody(house: House) -> None:
    scope = "openid launch patient/Observation.rs user/*.cruds user/Patient.rs user/Organization.r"
    app = await smart_app(house.network, scope, initiate_login_uri="https://app.example/launch")
    told = await launched(house, app, house.ane)
    assert told["scope"] == "openid launch user/Organization.r patient/Observation.rs"
    assert claims(told["access_token"])["patient"] == str(house.ane)


async def test_the_page_says_that_the_app_sees_this_patient_only(house: House) -> None:
    app = await smart_app(house.network, SCOPE, initiate_login_uri="https://app.example/launch")
    handle = await house.network.server.apps.launch(house.professional, app.id, house.ane)
    browser = await house.network.person(house.professional)
    await browser.ask("GET", await app.begin(launch=handle), follow=False)
    await browser.get(browser.location)
    assert "Appen ser kun denne patient" in browser.text


async def test_without_a_patient_nothing_of_one_is_given(house: House) -> None:
    """The page asks with which; a form that names none is shown again, and a scope for one patient alone is never given for none."""
    app = await smart_app(house.network, "openid patient/Observation.rs")
    browser = await house.network.person(house.professional)
    await browser.ask("GET", await app.begin(), follow=False)
    await browser.get(browser.location)
    fields = {"anmodning": browser.field("anmodning"), "svar": "ja", "lov1": "patient/Observation.rs"}
    for more in ({}, {"patient": str(house.ane)}):
        await browser.post("/oauth/samtykke", **fields, **more)
        assert browser.status == 422, "a patient whom this session did not open is none"


async def test_what_its_user_may_read_of_that_patient_it_reads(opened: Opened) -> None:
    house = opened.house
    assert (await opened.get(f"Patient/{house.ane}"))[0] == 200
    assert (await opened.get(f"Observation/{house.pulse}"))[0] == 200
    assert await opened.ids(f"Observation?patient={house.ane}") == {str(house.pulse)}
    assert (await opened.get(f"Practitioner/{house.doctor}"))[0] == 200, "public"
    assert str(house.pulse) in await opened.ids(f"Patient/{house.ane}/$everything")


async def test_another_patient_of_its_user_does_not_exist_by_id_search_chain_include_or_history(opened: Opened) -> None:
    ida, hers, ane = opened.ida, opened.hers, opened.house.ane
    everybody = await opened.house.network.world.store.read(opened.house.professional, "Observation", hers)
    assert everybody.id == hers, "the user sees it"
    never = await opened.app.read(f"/fhir/Observation/{uuid4()}", opened.token)
    for path in (f"Patient/{ida}", f"Observation/{hers}", f"Observation/{hers}/_history", f"Observation/{hers}/_history/1",
                 f"Patient/{ida}/$everything", f"Patient/{ida}/$summary"):  # fmt: skip
        answer = await opened.app.read(f"/fhir/{path}", opened.token)
        assert answer.status_code == 404, path
        assert answer.json()["issue"] == never.json()["issue"], path
    for path in (f"Observation?patient={ida}", f"Observation?_id={hers}", "Observation?patient.family=Anden", f"Patient?_id={ida}",
                 "Patient?family=Anden", f"Patient?identifier={CPR}|1505809996", f"Patient/{ida}/Observation", f"Patient/{ida}/*",
                 f"Patient?_has:Observation:patient:_id={hers}", f"Encounter?patient={ida}",
                 f"Observation?_filter=patient eq Patient/{ida}"):  # fmt: skip
        assert await opened.ids(path) == set(), path
    for path in ("Observation?_include=*", "Observation?_include=Observation:patient", "Patient?_revinclude=Observation:patient",
                 "Observation/_history", "_history", "Encounter", f"Patient?_id={ida},{ane}&_revinclude=Encounter:patient"):  # fmt: skip
        found = orjson.dumps((await opened.get(path))[1]).decode()
        assert str(ida) not in found, path
        assert str(hers) not in found, path
    total = await opened.app.read("/fhir/Observation?_summary=count", opened.token)
    assert total.json()["total"] == 1


async def test_it_writes_for_that_patient_and_for_nobody_else(opened: Opened) -> None:
    ane, ida = opened.house.ane, opened.ida
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}

    def about(patient: UUID, **more: Any) -> dict[str, Any]:
        subject = {"reference": f"Patient/{patient}"}
        return {"resourceType": "Observation", "status": "final", "code": code, "subject": subject, **more}

    mine = await opened.send("POST", "Observation", about(ane))
    assert mine.status_code == 201, mine.text
    other = await opened.send("POST", "Observation", about(uuid4()))
    hidden = await opened.send("POST", "Observation", about(ida))
    assert other.status_code == hidden.status_code == 422, "somebody who is not there is refused in the same words"
    assert other.json()["issue"] == hidden.json()["issue"]
    over = await opened.send("PUT", f"Observation/{opened.hers}", about(ida, id=str(opened.hers)))
    nowhere = str(uuid4())
    missing = await opened.send("PUT", f"Observation/{nowhere}", about(ida, id=nowhere))
    assert over.status_code == missing.status_code
    moved = await opened.send("PUT", f"Observation/{mine.json()['id']}", about(ida, id=mine.json()["id"]))
    assert moved.status_code >= 400
    entry = {"resource": about(ida), "request": {"method": "POST", "url": "Observation"}}
    both = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert (await opened.send("POST", "", both)).status_code >= 400
    count = "select count(*) from fhir.resource r join registries.citizen c on c.key = r.citizen where c.patient = $1 and r.type = $2"
    assert await opened.house.network.world.owner.fetchval(count, ida, TYPE_NUMBERS["Observation"]) == 1


async def test_it_looks_nobody_up_breaks_no_glass_and_reads_no_log(opened: Opened) -> None:
    described = {"resourceType": "Patient", "identifier": [{"system": CPR, "value": "1505809996"}]}
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": described}]}
    for method, path in (("POST", "Patient/$match"), ("POST", "$break-glass"), ("POST", f"Observation/{opened.house.pulse}/$mask")):  # fmt: skip
        answer = await opened.send(method, path, parameters)
        assert answer.status_code == 403, (path, answer.text)
    entry = {"request": {"method": "POST", "url": "Patient/$match"}, "resource": parameters}
    batch = await opened.send("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert batch.json()["entry"][0]["response"]["status"].startswith("403")
    assert await opened.ids(f"AuditEvent?patient={opened.ida}") == set()
    assert await opened.ids(f"Consent?patient={opened.ida}") == set()


async def test_the_log_names_the_app_and_nowhere_the_patient_whom_it_was_opened_for(opened: Opened) -> None:
    await opened.get(f"Observation/{opened.hers}")
    owner = opened.house.network.world.owner
    rows = await owner.fetch(
        "select client, permitted from foundation.access_log where resources = array[$1::uuid] order by id desc limit 1",
        opened.hers,
    )
    assert [(row["client"], row["permitted"]) for row in rows] == [(opened.app.id, False)]
    assert await owner.fetchval("select count(*) from foundation.access_log where strpos(client, '#') > 0") == 0


async def test_fewer_scopes_at_a_refresh_never_reach_further(house: House) -> None:
    scope = f"{SCOPE} offline_access"
    app = await smart_app(house.network, scope, initiate_login_uri="https://app.example/launch")
    told = await launched(house, app, house.ane)
    fresh = (await app.refresh(told["refresh_token"], scope="user/Practitioner.rs")).json()
    answer = await app.read(f"/fhir/Patient/{house.ane}", fresh["access_token"])
    assert answer.status_code == 404
    wider = await app.refresh(fresh["refresh_token"], scope="user/*.rs")
    assert wider.json()["error"] == "invalid_scope"


async def test_when_what_was_allowed_has_ended_it_is_over(house: House) -> None:
    app = await smart_app(house.network, SCOPE, initiate_login_uri="https://app.example/launch")
    token = (await launched(house, app, house.ane))["access_token"]
    (in_use,) = [one for one in await house.network.server.apps.of(house.professional) if one.client == app.id]
    assert (await app.read(f"/fhir/Patient/{house.ane}", token)).status_code == 200
    assert await house.network.server.apps.end(house.professional, in_use.id)
    assert (await app.read(f"/fhir/Patient/{house.ane}", token)).status_code == 401


async def test_a_refused_app_is_told_so(house: House) -> None:
    app = await smart_app(house.network, "patient/Observation.rs")
    browser = await house.network.person(house.professional)
    await browser.ask("GET", await app.begin(launch="nothing"), follow=False)
    await browser.ask("GET", browser.location, follow=False)
    assert sent_back(browser)["error"] == "invalid_request"
    assert sent_back(browser)["iss"] == ISSUER
