"""Which authenticators make passkeys: with the operator's list only what its maker signed for, whatever a key says that it is."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.foundation.ask import Ask
from helhed.trust.identity.authenticators import (
    AuthenticatorRefused,
    Authenticators,
    AuthenticatorsWrong,
    attestation_policy,
    read_authenticators,
)
from helhed.trust.identity.passkeys import Passkeys
from tests.support.world import SECRET, World
from tests.unit.login.authenticator import ORIGIN, Maker, SoftKey


def listed(path: Path, *makers: Maker, **more: Any) -> Authenticators:
    """The list of an operator that hands out the keys of these makers."""
    models = [{"aaguid": str(one.model), "name": "Nøgle", "roots": [one.pem]} for one in makers]
    path.write_text(json.dumps({"date": "2026-11-30", "source": "the operator", "authenticators": models, **more}))
    return read_authenticators(str(path))


@pytest.fixture
async def doctor(world: World) -> Ask:
    place = await world.organisation("Klinikken")
    return world.professional(await world.employee(place), place)


async def tries(world: World, doctor: Ask, authenticators: Authenticators, key: SoftKey, **lies: Any) -> bool:
    """Whether the key made a passkey; what is refused keeps nothing."""
    passkeys = Passkeys(world.store.pool, SECRET, ORIGIN, authenticators)
    before = len(await passkeys.own(doctor))
    options, state = await passkeys.begin_making(doctor, "Rune Test")
    assert json.loads(options)["attestation"] == ("none" if authenticators.roots is None else "direct")
    try:
        await passkeys.make(doctor, state, key.make(options, **lies), "Min nøgle")
    except AuthenticatorRefused:
        assert len(await passkeys.own(doctor)) == before
        return False
    return len(await passkeys.own(doctor)) == before + 1


async def test_a_key_of_a_maker_on_the_list_makes_a_passkey(world: World, doctor: Ask, tmp_path: Path) -> None:
    maker = Maker()
    assert await tries(world, doctor, listed(tmp_path / "list", maker), SoftKey(model=maker.model, maker=maker))


async def test_with_a_list_nothing_else_does(world: World, doctor: Ask, tmp_path: Path) -> None:
    maker, other = Maker(), Maker(name="Other")
    one = listed(tmp_path / "list", maker)
    same_name = Maker(maker.model)
    stolen = Maker()
    with_stolen = listed(tmp_path / "stolen", stolen)
    stolen.batch_that_makes_batches()
    for wanted, key in {
        "attests nothing": SoftKey(model=maker.model),
        "signs for itself": SoftKey(model=maker.model, signs_for_itself=True),
        "is of a model that is not listed": SoftKey(model=other.model, maker=other),
        "says that it is another model": SoftKey(model=maker.model, maker=other),
        "has a root of the same name": SoftKey(model=maker.model, maker=same_name),
    }.items():
        assert not await tries(world, doctor, one, key), wanted
    assert not await tries(world, doctor, with_stolen, SoftKey(model=stolen.model, maker=stolen)), (
        "a batch makes no batches"
    )


async def test_what_a_maker_signed_for_another_time_is_no_word_for_now(
    world: World, doctor: Ask, tmp_path: Path
) -> None:
    maker = Maker()
    key = SoftKey(model=maker.model, maker=maker)
    assert not await tries(world, doctor, listed(tmp_path / "list", maker), key, attested_over=b"{}")


async def test_without_a_list_the_policy_says_whether_a_key_that_attests_nothing_is_taken(
    world: World, doctor: Ask
) -> None:
    policy = attestation_policy()
    assert policy["without_a_list"] == "any"
    assert await tries(world, doctor, Authenticators(), SoftKey())
    assert not await tries(world, doctor, Authenticators(policy={**policy, "without_a_list": "nobody"}), SoftKey())


async def test_a_model_that_the_policy_refuses_is_taken_nowhere(world: World, doctor: Ask, tmp_path: Path) -> None:
    maker = Maker()
    key = SoftKey(model=maker.model, maker=maker)
    policy = {**attestation_policy(), "refused": [{"aaguid": str(maker.model), "why": "its keys can be copied"}]}
    for roots in (None, listed(tmp_path / "list", maker).roots):
        assert not await tries(world, doctor, Authenticators(roots, policy), key)


def test_a_list_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    path, maker = tmp_path / "list", Maker()
    model = {"aaguid": str(uuid4()), "name": "Nøgle", "roots": [maker.pem]}
    wrong: list[dict[str, Any]] = [{"aaguid": "x"}, {"roots": ["no certificate"]}, {"more": 1}]
    told = [json.dumps({"date": "", "source": "", "authenticators": [{**model, **one}]}) for one in wrong]
    for text in ("", "[]", '{"authenticators": []}', *told):
        path.write_text(text)
        with pytest.raises(AuthenticatorsWrong, match=str(path)):
            read_authenticators(str(path))
    with pytest.raises(AuthenticatorsWrong, match="twice"):
        listed(path, maker, Maker(maker.model))
    with pytest.raises(AuthenticatorsWrong, match="cannot be read"):
        read_authenticators(str(tmp_path / "nothing"))
    assert read_authenticators("").roots is None
    assert UUID(int=0) not in (listed(path, maker).roots or {})
