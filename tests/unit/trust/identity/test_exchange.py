"""Old systems cross over: a person's SAML assertion becomes a token of minutes, and nothing else does."""

import copy
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from lxml import etree
from signxml.algorithms import SignatureMethod

from helhed.registries.identifiers import AUTHORISATION, CPR
from helhed.trust.identity.exchange.granting import GRANT, SAML2
from helhed.trust.identity.exchange.policy import profiles
from helhed.trust.identity.exchange.saml import read
from helhed.trust.identity.jose import Unsound
from tests.support.app_client import App, Network, claims, system_client
from tests.support.assertions import DS, SAML, STS, Sts, certified, dgws, encoded, idws
from tests.support.world import NOW, World

CODE, CVR, NUMBER = "BCDF1", "12345678", "0101800001"
SCOPES = "system/*.cruds user/*.rs patient/*.rs"


class Town:
    """A ward with a doctor, a patient, a system that may exchange, and a service that signs."""

    def __init__(self, network: Network, sts: Sts) -> None:
        self.network = network
        self.world = network.world
        self.sts = sts
        self.ward: UUID
        self.doctor: UUID
        self.ane: UUID
        self.app: App

    async def trusts(self, sts: Sts, profile: str) -> None:
        statement = """
            insert into trust.assertion_issuer (issuer, name, profile, certificates, trusted_at, vouches_for)
            values ($1, 'STS', $2, $3, $4, '{professional,citizen}')
            on conflict (issuer) do update set profile = excluded.profile, certificates = excluded.certificates"""
        await self.world.owner.execute(statement, sts.name, profile, [sts.pem], NOW - timedelta(days=1))

    async def may_exchange(self, app: App, *, citizens: bool = True, place: str = f"cvr|{CVR}") -> None:
        places = [place, place.replace("cvr|", "cvrnumber|")]
        statement = "insert into trust.exchange_client values ($1, $2, $3, $4)"
        await self.world.owner.execute(statement, app.id, places, citizens, NOW - timedelta(days=1))

    async def exchange(self, document: bytes, by: App | None = None, **more: str) -> httpx.Response:
        form = {
            "grant_type": GRANT,
            "subject_token_type": SAML2,
            "subject_token": encoded(document),
            "scope": "user/*.rs",
        }
        return await (by or self.app).post("/oauth/token", {**form, **more})


async def known_doctor(world: World, place: UUID, code: str) -> UUID:
    """A doctor with an authorisation number."""
    return await world.employee(place, practitioner={"identifier": [{"system": AUTHORISATION, "value": code}]})


@pytest.fixture
async def town(world: World) -> Town:
    made = Town(Network(world), Sts())
    made.ward = await world.organisation("Afdeling")
    made.doctor = await known_doctor(world, made.ward, CODE)
    made.ane = await world.patient(made.ward, identifier=[{"system": CPR, "value": NUMBER}])
    await world.contact(made.ane, made.ward)
    made.app = await system_client(made.network, made.ward, SCOPES)
    await made.may_exchange(made.app)
    await made.trusts(made.sts, "idws")
    return made


async def test_a_doctor_in_an_old_system_reads_by_an_assertion_as_by_any_other_log_in(town: Town) -> None:
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE))
    assert answer.status_code == 200, answer.text
    told = claims(answer.json()["access_token"])
    assert (told["sub"], told["org"], told["act"]) == (
        f"Practitioner/{town.doctor}", f"Organization/{town.ward}", {"sub": town.app.id},
    )  # fmt: skip
    assert "refresh_token" not in answer.json()
    assert (await town.app.read(f"/fhir/Patient/{town.ane}", answer.json()["access_token"])).status_code == 200
    elsewhere = await town.world.patient(await town.world.organisation("Et andet sted"))
    assert (await town.app.read(f"/fhir/Patient/{elsewhere}", answer.json()["access_token"])).status_code == 404


async def test_an_id_card_of_den_gode_webservice_serves_as_long_as_it_lasts(town: Town) -> None:
    await town.trusts(town.sts, "dgws")
    card = town.sts.dgws(UserAuthorizationCode=CODE, UserRole="Læge")
    for _ in range(2):
        answer = await town.exchange(card)
        assert answer.status_code == 200, answer.text
        assert claims(answer.json()["access_token"])["sub"] == f"Practitioner/{town.doctor}"


async def test_a_citizen_is_let_in_by_number_where_the_system_may_bring_citizens(town: Town) -> None:
    answer = await town.exchange(town.sts.idws(cpr=NUMBER), scope="patient/*.rs")
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["sub"] == f"Patient/{town.ane}"
    await town.world.owner.execute("update trust.exchange_client set citizens = false")
    assert (await town.exchange(town.sts.idws(cpr=NUMBER), scope="patient/*.rs")).json()["error"] == "invalid_grant"


async def test_the_person_sees_the_crossing_among_their_log_ins(town: Town) -> None:
    await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE))
    rows = await town.world.owner.fetch("select provider, means, device from trust.log_in")
    assert [tuple(row) for row in rows] == [(STS, "token-exchange", "Prøve-EPJ")]


async def test_a_token_never_outlives_its_assertion(town: Town) -> None:
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE, ends=NOW + timedelta(seconds=40)))
    told = claims(answer.json()["access_token"])
    assert told["exp"] - told["iat"] <= 40
    assert answer.json()["expires_in"] <= 40


async def test_a_bearers_assertion_is_taken_once(town: Town) -> None:
    document = town.sts.idws(cvr=CVR, authorisation=CODE)
    assert (await town.exchange(document)).status_code == 200
    assert (await town.exchange(document)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "told",
    [
        {"audience": "https://elsewhere.example"}, {"audience": None}, {"begins": NOW + timedelta(minutes=1)}, {"ends": NOW},
        {"begins": NOW - timedelta(hours=9), "ends": NOW + timedelta(hours=1)}, {"loa": "Low"}, {"cvr": "87654321"},
        {"authorisation": "XXXXX"}, {"loa": ""},
    ],
    ids=["for somebody else", "for nobody", "not yet", "no longer", "too long", "weakly logged in", "another employer",
         "unknown", "no level"],
)  # fmt: skip
async def test_an_assertion_that_does_not_fit_is_refused_without_a_reason(town: Town, told: dict[str, Any]) -> None:
    answer = await town.exchange(town.sts.idws(**{"cvr": CVR, "authorisation": CODE, **told}))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert CODE not in answer.text


HERE, SOON, LATE = "https://here.example/oauth/token", "2026-11-23T08:00:40Z", "2026-11-23T09:00:00Z"


NOT_OURS = {
    "another address": {"Recipient": "https://elsewhere.example/token", "NotOnOrAfter": LATE},
    "no address": {"NotOnOrAfter": LATE},
    "no end": {"Recipient": HERE},
    "nothing": {},
    "run out": {"Recipient": HERE, "NotOnOrAfter": "2026-11-23T08:00:00Z"},
    "an answer": {"Recipient": HERE, "NotOnOrAfter": LATE, "InResponseTo": "_1"},
    "a beginning": {"Recipient": HERE, "NotOnOrAfter": LATE, "NotBefore": "2026-11-23T07:00:00Z"},
    "no moment": {"Recipient": HERE, "NotOnOrAfter": "soon"},
}


async def test_a_bearer_is_confirmed_here_and_now_and_in_answer_to_nobody(town: Town) -> None:
    for why, said in NOT_OURS.items():
        answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE, confirmation=said))
        assert answer.json().get("error") == "invalid_grant", why
    for method in ("sender-vouches", "other"):
        answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE, method=method))
        assert answer.json().get("error") == "invalid_grant", method


async def test_a_token_ends_with_the_confirmation_of_its_subject(town: Town) -> None:
    said = {"Recipient": HERE, "NotOnOrAfter": SOON}
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE, confirmation=said))
    assert answer.json()["expires_in"] <= 40


async def test_a_holder_of_a_key_is_held_to_the_address_and_the_end_as_well(town: Town) -> None:
    town.app = await system_client(town.network, town.ward, SCOPES)
    await town.may_exchange(town.app)
    assert town.app.key is not None
    holder = certified(town.app.key)
    for said, status in (({}, 200), ({"Recipient": HERE}, 200), ({"Recipient": "https://x.example"}, 400), ({"InResponseTo": "_1"}, 400),
                         ({"NotOnOrAfter": "2026-11-23T08:00:00Z"}, 400)):  # fmt: skip
        answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE, holder=holder, confirmation=said))
        assert answer.status_code == status, said


async def test_nothing_is_taken_before_the_operator_said_so(town: Town) -> None:
    for which in ("assertion_issuer set trusted_at", "exchange_client set allowed_at"):
        await town.world.owner.execute(f"update trust.{which} = $1", NOW + timedelta(seconds=1))
        assert (await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE))).status_code == 400, which
        await town.world.owner.execute(f"update trust.{which} = $1", NOW)


async def test_a_right_that_ended_ends_the_tokens_that_came_of_it_at_the_next_look(town: Town) -> None:
    token = (await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE))).json()["access_token"]

    async def reads() -> int:
        return (await town.app.read(f"/fhir/Patient/{town.ane}", token)).status_code

    later = "'2026-11-23 08:00:09+00'"  #: ended, and given again: an older token stays over
    for ended in (
        "assertion_issuer set ended_at = '2026-11-23 08:00+00'", f"assertion_issuer set trusted_at = {later}",
        "assertion_issuer set vouches_for = '{citizen}'", "exchange_client set ended_at = '2026-11-23 08:00+00'",
        f"exchange_client set allowed_at = {later}", "exchange_client set care_providers = '{cvr|1}'",
    ):  # fmt: skip
        assert await reads() == 200
        before = await town.world.owner.fetch(f"select * from trust.{ended.split()[0]}")
        assert len(before) == 1
        await town.world.owner.execute(f"update trust.{ended}")
        assert await reads() == 401, ended
        names = list(before[0].keys())
        values = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, 1))
        await town.world.owner.execute(f"update trust.{ended.split()[0]} set {values}", *before[0].values())


async def test_a_citizens_token_ends_when_the_system_may_bring_citizens_no_more(town: Town) -> None:
    token = (await town.exchange(town.sts.idws(cpr=NUMBER), scope="patient/*.rs")).json()["access_token"]
    assert (await town.app.read(f"/fhir/Patient/{town.ane}", token)).status_code == 200
    await town.world.owner.execute("update trust.exchange_client set citizens = false")
    assert (await town.app.read(f"/fhir/Patient/{town.ane}", token)).status_code == 401


async def test_who_an_assertion_is_about_is_what_its_issuer_is_trusted_for(town: Town) -> None:
    for why, kinds, told, scope in (
        ("a citizen from who vouches for staff", ["professional"], {"cpr": NUMBER}, "patient/*.rs"),
        ("staff from who vouches for citizens", ["citizen"], {"cvr": CVR, "authorisation": CODE}, "user/*.rs"),
        ("staff who left their employer out", ["professional", "citizen"], {"cpr": NUMBER, "authorisation": CODE}, "patient/*.rs"),
    ):  # fmt: skip
        await town.world.owner.execute("update trust.assertion_issuer set vouches_for = $1", kinds)
        assert (await town.exchange(town.sts.idws(**told), scope=scope)).json().get("error") == "invalid_grant", why


async def test_what_a_key_is_bound_to_only_its_holder_may_present(town: Town) -> None:
    stranger = Sts("https://system.example")
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE, holder=stranger.certificate))
    assert answer.json()["error"] == "invalid_grant"


async def test_only_systems_that_the_operator_named_exchange(town: Town) -> None:
    other = await system_client(town.network, town.ward, SCOPES)
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE), other)
    assert answer.json()["error"] == "unauthorized_client"
    await town.world.owner.execute("update trust.exchange_client set ended_at = $1", NOW)
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE))
    assert answer.json()["error"] == "unauthorized_client"


async def test_a_job_that_ended_gives_nothing(town: Town) -> None:
    await town.world.owner.execute("update trust.employment set valid_to = $1", NOW)
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE))
    assert answer.json()["error"] == "invalid_grant"


async def test_a_system_gets_no_token_for_people_who_work_elsewhere(town: Town) -> None:
    elsewhere = await town.world.organisation("Et andet sted")
    await known_doctor(town.world, elsewhere, "GHJK2")
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation="GHJK2"))
    assert answer.json()["error"] == "invalid_grant"


async def test_scopes_stay_within_what_the_system_was_registered_for(town: Town) -> None:
    narrow = await system_client(town.network, town.ward, "user/Observation.rs")
    await town.may_exchange(narrow)
    answer = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE), narrow)
    assert answer.json()["scope"] == "user/Observation.rs"
    refused = await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE), narrow, scope="system/*.cruds")
    assert refused.json()["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"), ({"actor_token": "x"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"), ({"subject_token": "%%%"}, "invalid_grant"),
    ],
)  # fmt: skip
async def test_a_request_of_another_shape_is_refused(town: Town, more: dict[str, str], error: str) -> None:
    assert (await town.exchange(town.sts.idws(cvr=CVR, authorisation=CODE), None, **more)).json()["error"] == error


# --- forgeries ----------------------------------------------------------------------------------------------------------------


def _holds(document: bytes, sts: Sts, profile: str = "idws") -> bool:
    try:
        read(document, profiles()[profile], [sts.pem], NOW)
    except Unsound:
        return False
    return True


SIGNER = Sts()


def _wrapped(document: bytes, id: str | None) -> bytes:
    """The signed assertion inside another that says something else (XML signature wrapping)."""
    signed = etree.fromstring(document)
    signature = signed.find(f"{{{DS}}}Signature")
    assert signature is not None
    evil = idws(STS, cvr=CVR, authorisation="EVIL1")
    evil.set("ID", id or str(signed.get("ID")))
    inside = copy.deepcopy(signed)
    inside.remove(inside.find(f"{{{DS}}}Signature"))
    evil.append(signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(inside)
    return bytes(etree.tostring(evil))


def _edited(document: bytes, old: str, new: str) -> bytes:
    assert old.encode() in document
    return document.replace(old.encode(), new.encode())


def forgeries() -> dict[str, bytes]:
    good = SIGNER.idws(cvr=CVR, authorisation=CODE)
    text = good.decode()
    return {
        "another key": Sts().idws(cvr=CVR, authorisation=CODE),
        "no signature": bytes(etree.tostring(idws(STS, cvr=CVR, authorisation=CODE))),
        "another person": _edited(good, CODE, "ZZZZ9"),
        "a longer life": _edited(good, "NotOnOrAfter", "NotOnOrAfterwards"),
        "wrapped under its own id": _wrapped(good, None),
        "wrapped under another id": _wrapped(good, "_evil"),
        "a document type": b"<!DOCTYPE a [<!ENTITY x 'y'>]>" + good,
        "a file": b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'>" + good,
        "a comment that cuts a value": _edited(good, CODE, f"{CODE[:3]}<!-- -->{CODE[3:]}"),
        "a processing instruction": text.replace("<saml:Subject>", "<?x y?><saml:Subject>").encode(),
        "two assertions": b"<r>" + good + good + b"</r>",
        "an algorithm of no list": SIGNER.sign(
            idws(STS, cvr=CVR, authorisation=CODE), "ID", signature_algorithm=SignatureMethod.RSA_SHA224
        ),
        "HMAC with the certificate": _edited(good, "2001/04/xmldsig-more#rsa-sha256", "2001/04/xmldsig-more#hmac-sha256"),
        "a transform of its own": _edited(good, "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
                                          "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        "too large": good.replace(b"<saml:Subject>", b"<saml:Subject>" + b" " * 70_000),
        "not XML": b"hello",
    }  # fmt: skip


@pytest.mark.parametrize("name", list(forgeries()))
def test_a_forged_assertion_does_not_hold(name: str) -> None:
    assert _holds(SIGNER.idws(cvr=CVR, authorisation=CODE), SIGNER)
    assert not _holds(forgeries()[name], SIGNER)


def test_an_id_card_that_was_changed_does_not_hold() -> None:
    card = SIGNER.dgws(UserAuthorizationCode=CODE)
    assert _holds(card, SIGNER, "dgws")
    assert not _holds(_edited(card, CODE, "ZZZZ9"), SIGNER, "dgws")
    assert not _holds(bytes(etree.tostring(dgws(STS))), SIGNER, "dgws")


def test_a_certificate_that_has_ended_vouches_for_nothing() -> None:
    old = Sts(ends=NOW)
    assert not _holds(old.idws(cvr=CVR, authorisation=CODE), old)


def test_a_name_that_is_said_twice_is_said_by_nobody() -> None:
    root = idws(STS, cvr=CVR, authorisation=CODE)
    statement = root.find(f"{{{SAML}}}AttributeStatement")
    again = copy.deepcopy(statement[-1])
    statement.append(again)
    assert not _holds(SIGNER.sign(root, "ID"), SIGNER)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_change_of_a_byte_makes_an_assertion_say_something_else(data: st.DataObject) -> None:
    good = SIGNER.idws(cvr=CVR, authorisation=CODE)
    before = read(good, profiles()["idws"], [SIGNER.pem], NOW)
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        after = read(bytes(changed), profiles()["idws"], [SIGNER.pem], NOW)
    except Unsound:
        return
    assert after == before
