"""The policy's data are whole, dated, and name only what exists."""

from datetime import date, timedelta

import pytest

from helhed.fhir.definitions import Ownership, type_definition
from helhed.trust.policy import policy
from helhed.trust.reference import Basis


def test_the_policy_is_dated():
    assert policy().dated >= date(2026, 11, 23)


@pytest.mark.parametrize("role", policy().roles.values(), ids=lambda role: role.name)
def test_a_role_has_words_a_paragraph_and_real_types(role):
    assert role.danish
    assert role.english
    assert role.law
    for name in (role.reads or frozenset()) | (role.writes or frozenset()):
        assert type_definition(name).ownership is not Ownership.VIRTUAL


@pytest.mark.parametrize("role", policy().roles.values(), ids=lambda role: role.name)
def test_no_role_writes_what_it_may_not_read(role):
    assert role.reads is None or (role.writes is not None and role.writes <= role.reads)


def test_only_authorised_professionals_declare_and_only_they_order_medicine():
    for role in policy().roles.values():
        if not role.authorised:
            assert not role.may_declare
            assert role.assists or (role.writes is not None and "MedicationRequest" not in role.writes)


def test_an_assistant_writes_by_delegation_alone():
    """Whatever the role covers: the decision asks what one authorised professional has delegated."""
    assert [role.name for role in policy().roles.values() if role.assists] == ["assistant"]
    assert not policy().roles["assistant"].may_override


def test_declarations_have_a_deadline_and_are_personal():
    assert policy().classes["D"].confirm_within == timedelta(hours=24)
    assert [one.letter for one in policy().classes.values() if one.personal] == ["D"]
    assert set(policy().classes) == {"A", "B", "C", "D"}


def test_every_basis_has_its_words():
    elsewhere = {
        "research-permit",
        "disclosure",
    }  # an extract without a name, a message from its sender: no row is decided by them
    assert set(policy().bases) - elsewhere == {basis.value for basis in Basis}
    assert elsewhere < set(policy().bases)
    for words in policy().bases.values():
        assert words.danish
        assert words.english
        assert words.law
        assert words.relation_class is None or words.relation_class in policy().classes


def test_the_policy_cannot_be_changed_while_running():
    with pytest.raises(TypeError):
        policy().roles["doctor"] = policy().roles["operator"]  # type: ignore[index]
