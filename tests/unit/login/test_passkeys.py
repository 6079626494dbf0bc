"""Passkeys: who is at work makes one and logs in with it; whatever is forged, copied, replayed or revoked lets nobody in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from helhed.foundation.errors import Forbidden
from helhed.foundation.ids import key_of
from helhed.trust.identity.passkeys import Passkeys, PasskeyWrong, passkey_policy
from tests.support.world import NOW, SECRET
from tests.unit.login.authenticator import ORIGIN, SoftKey


@pytest.fixture
async def clinic(world):
    """A clinic with a doctor."""
    place = await world.organisation("Klinikken")
    return place, await world.employee(place)


@pytest.fixture
def passkeys(world):
    return Passkeys(world.store.pool, SECRET, ORIGIN)


@pytest.fixture
def doctor(world, clinic):
    return world.professional(clinic[1], clinic[0])


async def made(passkeys, ask, key=None, **lies):
    key = key or SoftKey()
    options, state = await passkeys.begin_making(ask, "Rune Test")
    await passkeys.make(ask, state, key.make(options, **lies), "Min telefon")
    return key


async def used(passkeys, key, now=NOW, **lies):
    options, state = passkeys.begin_using()
    return await passkeys.use(state, key.use(options, **lies), now)


async def test_a_passkey_is_made_and_logs_its_owner_in_where_they_work(passkeys, doctor, clinic):
    key = await made(passkeys, doctor)
    (job,) = await used(passkeys, key)
    assert (job.professional, job.organisation, job.role) == (doctor.actor, key_of(clinic[0]), "doctor")
    (own,) = await passkeys.own(doctor)
    assert (own.label, own.used_at) == ("Min telefon", NOW)


MADE_ELSEWHERE: list[dict[str, str]] = [
    {"type": "webauthn.get"},
    {"challenge": "AAAA"},
    {"origin": "https://net.example.evil.example"},
    {"origin": "http://net.example"},
]


async def test_what_was_not_made_here_and_now_is_not_kept(passkeys, doctor):
    for lie in MADE_ELSEWHERE:
        with pytest.raises(PasskeyWrong):
            await made(passkeys, doctor, **lie)
        assert await passkeys.own(doctor) == []


FORGED: list[dict[str, Any]] = [
    {"type": "webauthn.create"},
    {"challenge": "AAAA"},
    {"origin": "https://evil.example"},
    {"forged": True},
    {"user": b"somebody else"},
]


async def test_what_was_forged_or_phished_lets_nobody_in(passkeys, doctor):
    for lie in FORGED:
        key = await made(passkeys, doctor)
        with pytest.raises(PasskeyWrong):
            await used(passkeys, key, **lie)
        assert await used(passkeys, key)


@pytest.mark.parametrize(
    "change", [{"flags": 0x01}, {"flags": 0x04}, {"site": "evil.example"}, {"id": b"another"}], ids=str
)
async def test_a_key_used_without_its_owner_or_for_another_site_lets_nobody_in(passkeys, doctor, change):
    key = await made(passkeys, doctor)
    with pytest.raises(PasskeyWrong):
        await used(passkeys, replace(key, **change))


async def test_the_key_of_another_signs_for_nobody(passkeys, doctor):
    key = await made(passkeys, doctor)
    with pytest.raises(PasskeyWrong):
        await used(passkeys, SoftKey(id=key.id))


async def test_an_answer_counts_for_its_own_challenge(passkeys, doctor):
    key = await made(passkeys, doctor)
    options, state = passkeys.begin_using()
    answer = key.use(options)
    assert await passkeys.use(state, answer, NOW)
    _, another = passkeys.begin_using()
    with pytest.raises(PasskeyWrong):
        await passkeys.use(another, answer, NOW)


async def test_a_counter_that_does_not_go_up_revokes_the_key(passkeys, doctor):
    key = await made(passkeys, doctor)
    await used(passkeys, key, step=5)
    with pytest.raises(PasskeyWrong):
        await used(passkeys, key, step=-2)
    with pytest.raises(PasskeyWrong):
        await used(passkeys, key, step=50)
    assert await passkeys.own(doctor) == []


async def test_keys_that_do_not_count_are_taken_as_they_are(passkeys, doctor):
    key = await made(passkeys, doctor, SoftKey(count=0))
    for _ in range(2):
        assert await used(passkeys, key, step=0)


async def test_a_revoked_passkey_lets_nobody_in_and_only_its_owner_revokes_it(passkeys, doctor, world, clinic):
    key = await made(passkeys, doctor)
    colleague = world.professional(await world.employee(clinic[0]), clinic[0])
    assert not await passkeys.revoke(colleague, key.id)
    assert await used(passkeys, key)
    assert await passkeys.revoke(doctor, key.id)
    with pytest.raises(PasskeyWrong):
        await used(passkeys, key)


async def test_who_is_not_at_work_makes_none_and_who_left_is_let_in_nowhere(passkeys, world, clinic):
    elsewhere = await world.organisation("Et andet sted")
    with pytest.raises(Forbidden):
        await made(passkeys, world.professional(clinic[1], elsewhere))
    leaving = await world.employee(clinic[0], period={"start": "2020-01-01", "end": "2026-12-01"})
    key = await made(passkeys, world.professional(leaving, clinic[0]))
    assert await used(passkeys, key, NOW + timedelta(days=30)) == []


async def test_a_citizen_makes_none(passkeys, world, clinic):
    with pytest.raises(Forbidden):
        await made(passkeys, world.citizen(await world.patient(clinic[0])))


async def test_one_has_so_many_and_no_more(passkeys, doctor):
    for _ in range(passkey_policy()["most"]):
        await made(passkeys, doctor)
    with pytest.raises(Forbidden):
        await made(passkeys, doctor)


@pytest.mark.parametrize(
    "answer",
    ["", "{", "[]", "null", "{}", '{"id": 1}', '{"rawId": "AA", "response": {}}', '{"response": null}', "5" * 5000],
)
async def test_nonsense_lets_nobody_in(passkeys, doctor, answer):
    _, state = passkeys.begin_using()
    with pytest.raises(PasskeyWrong):
        await passkeys.use(state, answer, NOW)
    _, state = await passkeys.begin_making(doctor, "x")
    with pytest.raises(PasskeyWrong):
        await passkeys.make(doctor, state, answer, "")


@pytest.fixture
async def keeper(world, clinic):
    return world.professional(await world.employee(clinic[0], "records-custodian"), clinic[0], "records-custodian")


async def test_the_keeper_invites_a_colleague_by_a_code_that_counts_once(passkeys, keeper, clinic):
    colleague = key_of(clinic[1])
    assert colleague in [one[0] for one in await passkeys.colleagues(keeper)]
    code = await passkeys.invite(keeper, colleague)
    (job,) = await passkeys.accept(f" {code.lower()} ", NOW)
    assert job.professional == colleague
    with pytest.raises(PasskeyWrong):
        await passkeys.accept(code, NOW)


async def test_a_code_that_has_run_out_or_was_guessed_is_none(passkeys, keeper, clinic):
    code = await passkeys.invite(keeper, key_of(clinic[1]))
    for written, when in ((code, NOW + timedelta(hours=49)), ("AAAA-AAAA-AAAA-AAAA", NOW), ("", NOW)):
        with pytest.raises(PasskeyWrong):
            await passkeys.accept(written, when)


async def test_nobody_else_invites_and_nobody_invites_themselves_or_a_stranger(passkeys, keeper, doctor, world, clinic):
    stranger = await world.employee(await world.organisation("Et andet sted"))
    for ask, whom in ((doctor, keeper.actor), (keeper, keeper.actor), (keeper, key_of(stranger)), (keeper, 0)):
        with pytest.raises(Forbidden):
            await passkeys.invite(ask, whom)
    assert await passkeys.colleagues(doctor) == []


async def test_whose_duty_it_is_to_invite_is_said_by_the_policy_alone(passkeys, keeper, world, clinic):
    assert await passkeys.colleagues(keeper)
    await world.owner.execute("delete from trust.duty where duty = 'invite'")
    assert not await passkeys.colleagues(keeper)
    with pytest.raises(Forbidden):
        await passkeys.invite(keeper, key_of(clinic[1]))


async def test_what_was_made_invited_and_refused_stands_in_the_log(passkeys, keeper, doctor, world, clinic):
    key = await made(passkeys, doctor)
    await passkeys.revoke(doctor, key.id)
    await passkeys.invite(keeper, key_of(clinic[1]))
    with pytest.raises(Forbidden):
        await passkeys.invite(doctor, keeper.actor)
    rows = await world.owner.fetch(
        "select action, permitted from foundation.access_log where action in (65, 66, 67) order by id"
    )
    assert sorted((row["action"], row["permitted"]) for row in rows) == [
        (65, True),
        (66, True),
        (67, False),
        (67, True),
    ]
