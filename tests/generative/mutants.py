"""Functions of the database with one guard taken away: what the tests of this folder must miss.

The text of a function is fetched from the database under test and one snippet of it is exchanged. A snippet that is no
longer there fails the test: then write the mutant anew.
"""

from typing import NamedTuple

from helhed.foundation.database import Connection

_DECIDED = "cross join lateral fhir.basis("
_TREATED = " cross join lateral (select 2::smallint as basis) b"


class Mutant(NamedTuple):
    """A function with a guard taken away."""

    sin: str
    function: str
    before: str
    after: str


#: these are tried in every run, all of them in long ones
ALWAYS = frozenset({
    "blocks hold nothing", "a block leaves out sub-units", "a personal relation is everybody's", "nobody needs a job",
    "tokens do not narrow", "roles do not narrow", "chains undecided", "reverse chains undecided", "includes undecided", "totals count everything",
    "the past undecided", "writing past a block", "hidden is forbidden",
})  # fmt: skip
MUTANTS = [
    Mutant("everything is treatment", "fhir.basis", "select decided.basis from (", "select 2::smallint from ("),
    Mutant("blocks hold nothing", "fhir.basis", "when not exists (", "when true or not exists ("),
    Mutant("blocks never end", "fhir.basis", "and asker.at < b.valid_to", ""),
    Mutant("blocks begin late", "fhir.basis", "b.valid_from <= asker.at", "b.valid_from < asker.at"),
    Mutant("blocks of others hold too", "fhir.basis", "b.citizen = citizen_key", "true"),
    Mutant("a block leaves out sub-units", "fhir.basis", "b.who_organisation = any(stand.places)", "b.who_organisation = asker.organisation"),
    Mutant("a block leaves out what sub-units recorded", "fhir.basis", "b.what_organisation = any(x.places)", "b.what_organisation = origin_key"),
    Mutant("a relation leaves out sub-units", "fhir.basis", "t.organisation = any(stand.places)", "t.organisation = asker.organisation"),
    Mutant("a relation with anybody", "fhir.basis", "t.citizen = citizen_key and", ""),
    Mutant("a relation of any organisation", "fhir.basis", "and t.organisation = any(stand.places)", ""),
    Mutant("a personal relation is everybody's", "fhir.basis", "t.professional = asker.actor", "true"),
    Mutant("a relation lasts a moment longer", "fhir.basis", "asker.at < t.valid_to", "asker.at <= t.valid_to"),
    Mutant("a relation begins early", "fhir.basis", "t.valid_from <= asker.at and", ""),
    Mutant("the weakest relation is the basis", "fhir.basis", "min(t.class)", "max(t.class)"),
    Mutant("every citizen is oneself", "fhir.basis", "asker.actor = citizen_key", "true"),
    Mutant("lists of sub-units only", "fhir.basis", "origin_key = any(stand.places)", "origin_key = asker.organisation"),
    Mutant("lists are everybody's", "fhir.basis", "when origin_key = any(stand.places) then 7", "when true then 7"),
    Mutant("tokens do not narrow", "fhir.basis", "not type_number = any(asker.read_types)", "false"),
    Mutant("roles do not narrow", "fhir.basis", "type_number = any(stand.read_types)", "true"),
    Mutant("nobody needs a job", "fhir.basis", "stand.active and", ""),
    Mutant("systems treat", "fhir.basis", "asker.kind = 2 and", "asker.kind in (2, 3) and"),
    Mutant("a job in any role", "fhir.stand", "and x.role = asker.role", ""),
    Mutant("a job anywhere", "fhir.stand", "and x.organisation = asker.organisation", ""),
    Mutant("a colleague's job", "fhir.stand", "x.professional = asker.actor and", ""),
    Mutant("jobs never end", "fhir.stand", "asker.at < x.valid_to", "true"),
    Mutant("jobs begin early", "fhir.stand", "x.valid_from <= asker.at and", ""),
    Mutant("a system acts for another organisation", "fhir.stand", "c.organisation = asker.organisation and", ""),
    Mutant("a system is another system", "fhir.stand", "and c.organisation = asker.actor", ""),
    Mutant("systems stay registered", "fhir.write_basis", "when not coalesce(stand.active, false) then null", "when false then null"),
    Mutant("writing past a block", "fhir.write_basis", "not exists (\n", "true or not exists (\n"),
    Mutant("writing past the token", "fhir.write_basis", "not type_number = any(asker.write_types)", "false"),
    Mutant("writing past the role", "fhir.write_basis", "type_number = any(stand.write_types)", "true"),
    Mutant("writing over what others recorded", "fhir.write_basis", "asker.kind = 2 and origin_key = asker.organisation", "asker.kind = 2"),
    Mutant("a custodian of everything", "fhir.write_basis", "and asker.organisation = any(x.places)", ""),
    Mutant("hidden is forbidden", "fhir.claim", "else 0 end", "when r.id is not null then 2 else 0 end"),
    Mutant("changing what is not seen", "fhir.claim", "(b.basis is not null or asker.kind = 3)", "true"),
    Mutant("deleted tells of itself", "fhir.read_many", "case when s.basis is null then 0", "case when s.basis is null and not s.deleted then 0"),
    Mutant("reading undecided", "fhir.read_many", "left join lateral fhir.basis(a.asker, s, r.citizen, r.origin, r.type, r.ownership) b on r.id is not null", _TREATED),
    Mutant("the past undecided", "fhir.history_between", "left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership) b on true", _TREATED),
    Mutant("versions undecided", "fhir.read_version", "left join lateral fhir.basis(asker, s, r.citizen, r.origin, type_number, r.ownership) b on r.version is not null", _TREATED),
    Mutant("records undecided", "fhir.citizen_rows", f"{_DECIDED}asker, s, r.citizen, r.origin, r.type, r.ownership) b", _TREATED),
    Mutant("chains undecided", "fhir.chain_sql", f"{_DECIDED}$1, $2, %1$s.citizen, %1$s.origin, %1$s.type, %1$s.ownership) b%1$s", ""),
    Mutant("chains through what is deleted", "fhir.chain_sql", "and not %1$s.deleted", ""),
    Mutant("reverse chains undecided", "fhir.where_has", f"{_DECIDED}$1, $2, %1$s.citizen, %1$s.origin, %1$s.type, %1$s.ownership) b%1$s", ""),
    Mutant("reverse chains from what is deleted", "fhir.where_has", "and not %1$s.deleted", ""),
    Mutant("includes undecided", "fhir.included_sql", f"{_DECIDED}$1, $2, t.citizen, t.origin, t.type, t.ownership) b ", f"{_TREATED} "),
    Mutant("includes of what is deleted", "fhir.included_sql", "where not t.deleted", "where true"),
    Mutant("searches of what is deleted", "fhir.found_sql", "and not r.deleted", ""),
    Mutant("totals count everything", "fhir.search_sql", "'(select count(*) from found)'", "'(select count(*) from fhir.resource)'"),
    Mutant("searches within a record undecided", "fhir.search_record_many", f"{_DECIDED}a.asker, a.stand, found.citizen, found.origin, found.type, found.ownership) b", _TREATED),
]  # fmt: skip

#: functions that only what stands at the door calls: the twins must miss these
AT_THE_DOOR = [
    Mutant("the past of types undecided", "fhir.history_of_types", f"{_DECIDED}asker, s, r.citizen, r.origin, r.type, r.ownership) b", _TREATED),
    Mutant("everything undecided", "fhir.everything_of", f"{_DECIDED}asker, s, root.citizen, l.origin, l.type, l.ownership) b", _TREATED),
    Mutant("what everything refers to undecided", "fhir.referenced", f"{_DECIDED}asker, s, r.citizen, r.origin, r.type, r.ownership) b", _TREATED),
]  # fmt: skip


async def mutate(owner: Connection, mutant: Mutant) -> None:
    """Take the guard away."""
    text = await owner.fetchval("select pg_get_functiondef($1::text::regproc)", mutant.function)
    assert mutant.before in text
    await owner.execute(text.replace(mutant.before, mutant.after))
