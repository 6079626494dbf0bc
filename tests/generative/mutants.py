"""Functions of the database with one guard taken away: what the tests of this folder must miss.

The text of a function is fetched from the database under test and one snippet of it is exchanged. A snippet that is no
longer there fails the test: then write the mutant anew.
"""

from typing import NamedTuple

from helhed.foundation.database import Connection

_LABELLED = (
    "{} lateral fhir.basis({}, s, r.citizen, r.origin, {}, r.ownership{} r.id, r.authors, r.contents, r.concerns, {}) b"
)
_ROW = "coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)"
_PAST = "r.lo, r.hi"
_EVERYBODY = "'cross join lateral (select 2::smallint as basis)'"
_TREATED = " cross join lateral (select 2::smallint as basis) b"


#: functions of one name; the decision has two shapes, of which the one with labels decides on rows
_TEXTS = """
select pg_get_functiondef(p.oid) from pg_proc p
where p.pronamespace::regnamespace::text || '.' || p.proname = $1 and p.prosrc not like '%fhir.footing_of(asker) p%'"""


class Mutant(NamedTuple):
    """A function with a guard taken away."""

    sin: str
    function: str
    before: str
    after: str
    invariants: tuple[int, ...] = ()  #: those of the access model that the guard holds
    house: str = ""  #: where reviews are: of HOUSES in test_tried_and_reviewed.py


#: of messages between organisations (test_messages.py): who is told of a stay, who is handed a copy, and who may answer one
MESSAGES = [
    Mutant("blocks hold nothing for notices", "exchange.receivers_of_stay", "not exchange.blocked(citizen_key, q.key, from_origin, moment) and", ""),
    Mutant("blocks of a row hold nothing for notices", "exchange.receivers_of_stay", "and not fhir.blocks_any(array[of_stay], q.key, moment)", ""),
    Mutant("a municipality that had the citizen is told", "exchange.receivers_of_stay", "and moment < t.valid_to", ""),
    Mutant("a municipality that will have the citizen is told", "exchange.receivers_of_stay", "t.valid_from <= moment and", ""),
    Mutant("one person's relation is the municipality's", "exchange.receivers_of_stay", "and t.professional is null", ""),
    Mutant("a municipality is told of anybody", "exchange.receivers_of_stay", "t.citizen = any(trust.keys_of(array[citizen_key])) and", ""),
    Mutant("everybody with a relation is told", "exchange.receivers_of_stay", "where lower(k ->> 'text') = any(words)", "where true"),
    Mutant("who was told has the citizen for ever", "exchange.receivers_of_stay", "q.key in (select h.key from held h)", "true"),
    Mutant("a block on messages never ends", "exchange.blocked", "and moment < b.valid_to", ""),
    Mutant("a block on messages leaves out sub-units", "exchange.blocked", "o.key = receiver and b.who_organisation = any(o.places)", "false"),
    Mutant("a later block leaves copies on their way", "exchange.hand_over", "or exchange.closed_to(due.of_message, due.citizen, due.receiver, due.submitted_by, asker.at)", ""),
    Mutant("copies for anybody", "exchange.hand_over", "and d.receiver in (select u.key from registries.organisation u where asker.organisation = any(u.places))", ""),
    Mutant("anybody answers for a receiver", "exchange.settle", "and exchange.beneath(asker, x.receiver)", ""),
]  # fmt: skip


#: these are tried in every run, all of them in long ones
ALWAYS = frozenset({
    "blocks hold nothing", "a block leaves out sub-units", "a personal relation is everybody's", "nobody needs a job",
    "tokens do not narrow", "roles do not narrow", "chains undecided", "reverse chains undecided", "includes undecided", "totals count everything",
    "the past undecided", "writing past a block", "hidden is forbidden", "several keys are not looked at", "blocks of one key only",
    "an older responsibility counts", "an app sees whomever its user sees",
})  # fmt: skip
MUTANTS = [
    Mutant("everything is treatment", "fhir.basis", "select decided.basis from (", "select 2::smallint from (", (11, 21)),
    Mutant("blocks hold nothing", "fhir.basis", "when not exists (", "when true or not exists (", (10, 21)),
    Mutant("blocks never end", "fhir.basis", "and asker.at < b.valid_to", "", (9, 10, 21)),
    Mutant("blocks begin late", "fhir.basis", "b.valid_from <= asker.at", "b.valid_from < asker.at", (9, 10, 21)),
    Mutant("blocks of others hold too", "fhir.basis", "b.citizen = citizen_key", "true", (10, 21)),
    Mutant("a block leaves out sub-units", "fhir.basis", "b.who_organisation = any(stand.places)", "b.who_organisation = asker.organisation", (10, 21)),
    Mutant("a block leaves out what sub-units recorded", "fhir.basis", "b.what_organisation = any(x.places)", "b.what_organisation = origin_key", (10, 21)),
    Mutant("a relation leaves out sub-units", "fhir.basis", "t.organisation = any(stand.places)", "t.organisation = asker.organisation", (11, 21)),
    Mutant("a relation with anybody", "fhir.basis", "t.citizen = citizen_key and", "", (11, 21)),
    Mutant("a relation of any organisation", "fhir.basis", "and t.organisation = any(stand.places)", "", (11, 21)),
    Mutant("a personal relation is everybody's", "fhir.basis", "t.professional = coalesce(stand.principal, asker.actor)", "true", (11, 21)),
    Mutant("a relation lasts a moment longer", "fhir.basis", "asker.at < t.valid_to", "asker.at <= t.valid_to", (9, 11, 21)),
    Mutant("a relation begins early", "fhir.basis", "t.valid_from <= asker.at and", "", (9, 11, 21)),
    Mutant("the weakest relation is the basis", "fhir.basis", "min(t.class)", "max(t.class)", (11, 21)),
    Mutant("every citizen is oneself", "fhir.basis", "asker.actor = citizen_key", "true", (21,)),
    Mutant("lists of sub-units only", "fhir.basis", "origin_key = any(stand.places)", "origin_key = asker.organisation", (21,)),
    Mutant("lists are everybody's", "fhir.basis", "when owned = 2 then case when origin_key = any(stand.places) and", "when owned = 2 then case when true and", (21,)),
    Mutant("tokens do not narrow", "fhir.basis", "not type_number = any(asker.read_types)", "false", (13, 21)),
    Mutant("an app sees whomever its user sees", "fhir.basis", "when strpos(asker.client, '#') > 0 and", "when false and", (13, 21)),
    Mutant("an app sees what is about nobody in particular", "fhir.basis", "not coalesce(citizen_key = any(trust.opened_for(asker)), false)", "citizen_key <> all(trust.opened_for(asker))", (13, 21)),
    Mutant("an app writes on whomever its user sees", "fhir.write_basis", "when strpos(asker.client, '#') > 0 and", "when false and", (13, 21)),
    Mutant("an app that somebody else opened", "trust.opened_for", "and a.actor = asker.actor", "", (13, 21)),
    Mutant("an app is for one key only", "trust.opened_for", "trust.keys_of(array[fhir.key(a.patient)])", "array[fhir.key(a.patient)]", (21,)),
    Mutant("roles do not narrow", "fhir.basis", "type_number = any(stand.read_types)", "true", (13, 21)),
    Mutant("nobody needs a job", "fhir.basis", "stand.active and", "", (13, 21)),
    Mutant("systems treat", "fhir.basis", "asker.kind = 2 and", "asker.kind in (2, 3) and", (11, 21)),
    Mutant("a block without units beneath reaches them", "fhir.basis", "case when b.who_alone then b.who_organisation = asker.organisation\n                                                      else b.who_organisation = any(stand.places) end", "b.who_organisation = any(stand.places)", (10, 21)),
    Mutant("a block on a person is on nobody", "fhir.basis", "b.who_professional in (asker.actor, stand.principal)", "false", (10, 21)),
    Mutant("a block on a person is on everybody", "fhir.basis", "b.who_professional in (asker.actor, stand.principal)", "true", (10, 21)),
    Mutant("what a row presents is left out", "fhir.basis", "b.narrow or b.what_alone or contents is not null", "b.narrow or b.what_alone", (10, 21)),
    Mutant("others do not count", "fhir.basis", "when concerns is not null\n", "when false and concerns is not null\n", (10, 21)),
    Mutant("masks hide nothing from the citizen", "fhir.basis", "m.citizen = citizen_key and m.from_citizen)", "false)", (17, 21)),
    Mutant("authors do not count", "trust.covers", "b.what_author is null or authors is null or", "b.what_author is null or true or", (10, 21)),
    Mutant("jobs of an author are left out", "trust.covers", "where x.professional = b.what_author", "where false", (10, 13, 21)),
    Mutant("periods do not count", "trust.covers", "lo < coalesce(b.what_to, 'infinity')", "true", (10, 21)),
    Mutant("periods have no beginning", "trust.covers", "hi >= coalesce(b.what_from, '-infinity')", "true", (10, 21)),
    Mutant("a block on a document is on everything", "trust.covers", "row_id = b.what_document", "true", (10, 21)),
    Mutant("what is recorded beneath is not meant", "trust.covers", "b.what_organisation = any(x.places)", "b.what_organisation = origin_key", (21,)),
    Mutant("a part of a document is left out", "trust.reaches", "row_id in (select", "false and row_id in (select", (10, 21)),
    Mutant("what is presented is left out", "trust.reaches", "contents is not null and", "false and", (10, 21)),
    Mutant("what the presented presents is left out", "trust.within", "lateral unnest(r.contents) c(id)", "lateral unnest('{}'::uuid[]) c(id)", (10, 21)),
    Mutant("a ticket for a colleague", "trust.openings_for", "and o.professional = asker.actor and o.organisation", "and o.organisation", (14, 21)),
    Mutant("a ticket everywhere", "trust.openings_for", "and o.organisation = asker.organisation", "", (14, 21)),
    Mutant("a ticket in another role", "trust.openings_for", "and (o.role is null or o.role = asker.role)", "", (14, 21)),
    Mutant("a ticket for an assistant", "trust.openings_for", "stand.principal is null and", "", (12, 14, 21)),
    Mutant("openings do not end", "trust.openings_for", "and asker.at < o.valid_to", "", (9, 14, 21)),
    Mutant("a consent to anybody", "trust.openings_for", "o.professional = coalesce(stand.principal, asker.actor)", "true", (11, 21)),
    Mutant("a consent to any place", "trust.openings_for", "o.organisation = any(stand.places)", "true", (11, 21)),
    Mutant("a consent lifts every block", "trust.named_basis", "and o.block = b.id", "", (10, 11, 21)),
    Mutant("a consent to read what is blocked", "trust.named_basis", "select not exists (", "select true or not exists (", (10, 11, 21)),
    Mutant("every consent is one to read", "trust.named_basis", "o.basis = 13 and o.block is null", "o.basis = 13", (11, 21)),
    Mutant("others are never asked", "trust.others_object", "select exists (", "select false and exists (", (10, 21)),
    Mutant("acting never ends", "trust.acting_basis", "and asker.at < a.valid_to", "", (9, 21)),
    Mutant("acting for anybody", "trust.acting_basis", "a.citizen = any(keys) and", "", (12, 21)),
    Mutant("acting for every type", "trust.acting_basis", "type_number = any(a.types)", "true", (12, 21)),
    Mutant("children never grow up", "trust.acting_basis", "asker.at < trust.birthday(c.birth_date, g.ends_at_age)", "true", (16, 21)),
    Mutant("a parent reads a protected child who lives elsewhere", "trust.acting_basis", "and not trust.lives_apart(a, keys)", "", (11, 21)),
    Mutant("every parent lives with the child", "trust.lives_apart", "and not a.shares_home", "and false", (11, 21)),
    Mutant("no parent lives with the child", "trust.lives_apart", "and not a.shares_home", "", (11, 21)),
    Mutant("the dead are acted for", "trust.acting_basis", "not trust.has_died(keys)", "true", (9, 21)),
    Mutant("the dead see their record", "fhir.footing_of", "when asker.kind = 1 and", "when false and", (9, 21)),
    Mutant("mandates never obey", "trust.acting_basis", "a.obeys_blocks and", "false and", (12, 21)),
    Mutant("masks hide nothing", "trust.is_masked", "select exists (", "select false and exists (", (12, 17, 21)),
    Mutant("masks leave out what presents", "trust.is_masked", "contents is not null and", "false and", (10, 17, 21)),
    Mutant("several keys are not looked at", "fhir.basis", "exists (select from fhir.key_set k where k.key = citizen_key)", "false", (21,)),
    Mutant("blocks of one key only", "trust.named_basis", "trust.blocks_against(asker, stand, keys)", "trust.blocks_against(asker, stand, keys[1:1])", (10, 21)),
    Mutant("relations of one key only", "trust.named_basis", "t.citizen = any(keys)", "t.citizen = keys[1]", (11, 21)),
    Mutant("openings of one key only", "trust.openings_for", "o.citizen = any(keys)", "o.citizen = keys[1]", (21,)),
    Mutant("masks of one key only", "trust.is_masked", "m.citizen = any(keys)", "m.citizen = keys[1]", (17, 21)),
    Mutant("every citizen with several keys is oneself", "trust.basis_by_keys", "when not asker.actor = any(s.keys)", "when false", (21,)),
    Mutant("acting by one key only", "trust.acting_basis", "a.actor = any(trust.keys_of(array[asker.actor]))", "a.actor = asker.actor", (21,)),
    Mutant("the last of several birthdays counts", "trust.acting_basis", "min(c.birth_date)", "max(c.birth_date)", (16, 21)),
    Mutant("writing by one key only", "fhir.write_basis", "when owned = 1 and exists (select from fhir.key_set", "when false and exists (select from fhir.key_set", (21, 23)),
    Mutant("records under one key only", "fhir.citizen_rows", "coalesce((select k.keys from fhir.key_set k where k.key = citizen_key), array[citizen_key])", "array[citizen_key]", (6,)),
    Mutant("searches under one key only", "fhir.keys_text", "union all select unnest(s.keys) from fhir.key_set s where s.key = c::bigint", "", (5,)),
    Mutant("searches within a record under one key only", "fhir.search_record_many", "select k.keys from fhir.key_set k where k.key = (a.wish).citizen", "select null::bigint[]", (5,)),
    Mutant("a contact that has ended is never over", "trust.was_in_contact", "and asker.at < trust.ends_after(p.ended_at, d.days, d.months)", "", (9, 11, 21)),
    Mutant("a contact counts before it has ended", "trust.was_in_contact", "p.ended_at <= asker.at and", "", (11, 21)),
    Mutant("a contact with any organisation", "trust.was_in_contact", "and p.organisation = any(stand.places)", "", (11, 21)),
    Mutant("own follow-up of what colleagues did", "trust.was_in_contact", "and p.people && (array[asker.actor] ||", "and array[0::bigint] && (array[0::bigint] ||", (11, 21)),
    Mutant("own follow-up whatever it is for", "trust.was_in_contact", "asker.purpose = 5 and", "", (11, 21)),
    Mutant("nobody is responsible", "fhir.footing_of", "(not r.assists or (u.under).principal is not null) and", "", (12, 21)),
    Mutant("an older responsibility counts", "trust.responsible_for", "order by a.valid_from desc, a.id limit 1", "order by a.valid_from, a.id limit 1", (12, 21)),
    Mutant("assistants read all that their own role reads", "fhir.footing_of", "trust.both_types(r.read_types, (u.under).read_types, true)", "r.read_types", (12, 13, 21)),
    Mutant("assistants write all", "fhir.footing_of", "then trust.both_types((u.under).delegated, (u.under).write_types, true)", "then (u.under).write_types", (12, 21)),
    Mutant("the responsible need not be at work", "trust.responsible_for", "where exists (", "where true or exists (", (12, 21)),
    Mutant("a job in any role", "fhir.footing_of", "and x.role = asker.role", "", (13, 21)),
    Mutant("a job anywhere", "fhir.footing_of", "and x.organisation = asker.organisation", "", (13, 21)),
    Mutant("a colleague's job", "fhir.footing_of", "x.professional = asker.actor and", "", (13, 21)),
    Mutant("jobs never end", "fhir.footing_of", "asker.at < x.valid_to", "true", (9, 13, 21)),
    Mutant("jobs begin early", "fhir.footing_of", "x.valid_from <= asker.at and", "", (9, 13, 21)),
    Mutant("a system acts for another organisation", "fhir.footing_of", "c.organisation = asker.organisation and", "", (13, 21)),
    Mutant("a system is another system", "fhir.footing_of", "and c.organisation = asker.actor", "", (21,)),
    Mutant("systems stay registered", "fhir.write_basis", "when owned = 4 or not coalesce(stand.active, false) then null", "when false then null", (9, 21)),
    Mutant("writing past a block", "fhir.write_basis", "not exists (\n", "true or not exists (\n", (10, 21, 23)),
    Mutant("writing past the token", "fhir.write_basis", "not type_number = any(asker.write_types)", "false", (13, 21, 23)),
    Mutant("writing past the role", "fhir.write_basis", "type_number = any(stand.write_types)", "true", (13, 21, 23)),
    Mutant("writing over what others recorded", "fhir.write_basis", "asker.kind = 2 and origin_key = asker.organisation", "asker.kind = 2", (21, 23)),
    Mutant("a custodian of everything", "fhir.write_basis", "and asker.organisation = any(x.places)", "", (21, 23)),
    Mutant("hidden is forbidden", "fhir.claim", "else 0 end", "when r.id is not null then 2 else 0 end", (3, 7, 8)),
    Mutant("changing what is not seen", "fhir.claim", "(b.basis is not null or asker.kind = 3)", "true", (23,)),
    Mutant("deleted tells of itself", "fhir.read_many", "case when s.basis is null then 0", "case when s.basis is null and not s.deleted then 0", (3, 4)),
    Mutant("reading undecided", "fhir.read_many", "case when r.id is not null then b.basis end", "case when r.id is not null then 2::smallint end", (2, 3, 7)),
    Mutant("the past undecided", "fhir.history_between", "case when now.seen then b.basis end", "2::smallint", (6,)),
    Mutant("versions undecided", "fhir.read_version", "case when now.seen then b.basis end", "case when r.version is not null then 2::smallint end", (6,)),
    Mutant("an earlier version of what is hidden", "fhir.history_between", "case when now.seen then b.basis end", "b.basis", (6,)),
    Mutant("one version of what is hidden", "fhir.read_version", "case when now.seen then b.basis end", "b.basis", (6,)),
    Mutant("a version that is hidden", "fhir.history_between", "case when now.seen then b.basis end", "case when now.seen then 2::smallint end", (6,)),
    Mutant("one version that is hidden", "fhir.read_version", "case when now.seen then b.basis end", "case when now.seen and r.version is not null then 2::smallint end", (6,)),
    Mutant("records undecided", "fhir.citizen_rows", _LABELLED.format("cross join", "asker", "r.type", ",", _PAST), _TREATED, (6,)),
    Mutant("chains undecided", "fhir.chain_sql", "fhir.decided_sql('fhir.basis', inner_alias)", _EVERYBODY, (5,)),
    Mutant("chains through what is deleted", "fhir.chain_sql", "and not %1$s.deleted", "", (3, 5)),
    Mutant("reverse chains undecided", "fhir.where_has", "fhir.decided_sql('fhir.basis'::text, ('c'::text || depth))", _EVERYBODY, (5,)),
    Mutant("reverse chains from what is deleted", "fhir.where_has", "and not %1$s.deleted", "", (3, 5)),
    Mutant("includes undecided", "fhir.included_sql", "fhir.decided_sql('fhir.basis', 't')", _EVERYBODY, (5,)),
    Mutant("includes of what is deleted", "fhir.included_sql", "where not t.deleted", "where true", (3, 5)),
    Mutant("searches of what is deleted", "fhir.found_sql", "and not r.deleted", "", (3, 4, 5)),
    Mutant("totals count everything", "fhir.search_sql", "'(select count(*) from found)'", "'(select count(*) from fhir.resource)'", (4,)),
    Mutant("searches within a record undecided", "fhir.search_record_many", "coalesce(found.clinical_lo, found.date_lo), coalesce(found.clinical_hi, found.date_hi)) b", f"null, null) no_matter {_TREATED}", (5,)),
]  # fmt: skip

#: functions that only what stands at the door calls: the twins must miss these
AT_THE_DOOR = [
    Mutant("the past of types undecided", "fhir.history_of_types", _LABELLED.format("cross join", "asker", "r.type", ",", _PAST), _TREATED, (6,)),
    Mutant("everything undecided", "fhir.everything_of", "cross join lateral fhir.basis(asker, s, root.citizen, l.origin, l.type, l.ownership, l.id, l.authors, l.contents, l.concerns, l.lo, l.hi) b", _TREATED, (6,)),
    Mutant("what everything refers to undecided", "fhir.referenced", _LABELLED.format("cross join", "asker", "r.type", ",\n     ", _ROW), _TREATED, (6,)),
]  # fmt: skip

#: of blocks that are tried and changed, and of who reviews a broken glass: test_tried_and_reviewed.py must miss these
TRIED = [
    Mutant(
        "what was tried stays",
        "trust.try_block",
        "raise exception using errcode = 'HH001', message = 'taken back';",
        "",
        (9,),
    ),
    Mutant(
        "what is tried is not set",
        "trust.try_block",
        "perform trust.insert_block(tried, null) where tried.id is not null;",
        "",
        (10,),
    ),
    Mutant("what would be changed stays", "trust.try_block", "where b.id = without and", "where false and", (10,)),
    Mutant(
        "the simulator tells of others",
        "trust.decided_for",
        "r.contents, null, r.lo",
        "r.contents, r.concerns, r.lo",
        (10, 18),
    ),
    Mutant("the simulator answers everybody", "trust.try_block", "if allowed is null then", "if false then", (18,)),
    Mutant(
        "a change keeps the old",
        "trust.put_block",
        "ended_at = asker.at where x.id = replaced;",
        "ended_at = asker.at where false;",
        (9,),
    ),
    Mutant(
        "a change without the new", "trust.put_block", "if trust.insert_block(b, replaced) then", "if true then", (9,)
    ),
]
REVIEWED = [
    Mutant("one's own ticket", "trust.reviews", "and o.professional <> asker.actor", "", (15,)),
    Mutant("reviewers of other places", "trust.reviews", "where x.key = o.organisation and asker.organisation = any(x.places)", "where x.key = o.organisation", (15,)),
    Mutant("reviewers far above at once", "trust.reviews", "or asker.organisation = trust.reviewing_place(", "or asker.organisation is distinct from trust.reviewing_place(", (15,)),
    Mutant("no review is passed up", "trust.reviews", "asker.at >= due or", "false or", (15,)),
    Mutant("who runs the network at once", "trust.reviews", "asker.at >= due + interval '72 hours'", "true", (15,)),
    Mutant("the network's reviewers at once", "trust.reviews", "is null or asker.at >= due)", "is null or true)", (15,), "passed on"),
    Mutant("nobody for whom nobody is near", "trust.reviews", "asker.at) is null or asker.at >= due)", "asker.at) is null and false or asker.at >= due)", (15,), "nobody near"),
    Mutant("everybody reviews for the network", "trust.reviews", "from trust.network_reviewer n where n.organisation = asker.organisation", "from trust.network_reviewer n", (15,), "nobody near"),
    Mutant("nobody after the network's reviewers", "trust.reviews", "when asker.role = 'operator' then", "when asker.role = 'operator' and trust.network_reviewing(o.professional, asker.at) is null then", (15,), "passed on"),
    Mutant("the holder alone reviews for the network", "trust.network_reviewing", "and e.professional <> holder", "", (15,), "only the holder"),
    Mutant("the network's review told as the place's", "trust.review_ticket", "is null then 72 else 155", "is null then 72 else 72", (15,), "nobody near"),
    Mutant("the network's list told as the place's", "trust.waiting_reviews", "then 73 else 156", "then 73 else 73", (15,), "passed on"),
    Mutant("reviewed twice", "trust.review_ticket", "or v.reviewed_at is not null", "", (15,)),
    Mutant("a review that nobody is told of", "trust.review_ticket", "perform trust.tell(o.citizen,", "perform trust.tell(0,", (15,)),
]  # fmt: skip

#: of what a subscription tells: test_told.py must miss these
TOLD = [
    Mutant("told without a second decision", "fhir.tellable", "fhir.decided_sql('fhir.basis', 'r')", _EVERYBODY, (24,)),
    Mutant("told after the job", "trust.subscription_ended", "coalesce((select t.active from trust.standing_of", "coalesce((select true from trust.standing_of", (24,)),
    Mutant("told of what is deleted", "fhir.tellable", "and not r.deleted", "", (24,)),
    Mutant("told without a row in the log", "trust.events_told", "from looked l", "from looked l where false", (24,)),
    Mutant("numbers that count what is hidden", "trust.tell_events", "told = s.told + (select count(*) from numbered)", "told = s.told + 1 + (select count(*) from numbered)", (24,)),
]  # fmt: skip

#: of what people set and are told, each with the test that must miss it
BY_THEMSELVES = [
    Mutant("a ticket that nobody is told of", "trust.break_glass", "perform trust.tell(citizen_key,", "perform trust.tell(0,", (15,)),
    Mutant("a ticket that is told of under another name", "trust.break_glass", "'glass-broken', ticket,", "'glass-broken', gen_random_uuid(),", (15,)),
    Mutant("a ticket that nobody reviews", "trust.break_glass", "insert into trust.ticket_review (ticket, due_at) values (ticket, asker.at + interval '72 hours');", "", (15,)),
    Mutant("a review in a week", "trust.break_glass", "interval '72 hours'", "interval '168 hours'", (15,)),
    Mutant("a ticket for every role", "trust.break_glass", "and r.may_override", "", (15,)),
    Mutant("a notice for attempts", "trust.break_glass", "  if not allowed then", "  perform trust.tell(citizen_key, asker.at, 'glass-broken', ticket, asker.actor, asker.organisation);\n  if not allowed then", (15,)),
    Mutant("everybody's blocks", "trust.blocks_of", "b.citizen = any(trust.own_keys(asker))", "true", (18,)),
    Mutant("blocks for everybody", "trust.blocks_of", "asker.kind = 1 and b.citizen = any(trust.own_keys(asker))", "b.citizen = asker.actor or asker.kind <> 1", (18,)),
    Mutant("everybody ends a block", "trust.end_block", "and b.citizen = any(trust.own_keys(asker))", "", (18,)),
    Mutant("everybody ends a consent", "trust.end_consent", "and o.citizen = any(trust.own_keys(asker))", "", (18,)),
    Mutant("a block shows itself to whom it does not stop", "trust.blocks_are_shown", "trust.blocks_against(asker, s, trust.keys_of(array[citizen_key])) b", "(select * from trust.block x where x.citizen = citizen_key) b", (18,)),
    Mutant("whoever keeps a log reads consents", "trust.acts_in", "where asker.kind = 1 and r.basis <> 1", "where r.basis <> 1", (18,)),
    Mutant("a block tells of a masked row", "trust.blocks_seen", "or not trust.is_masked(", "or true or trust.is_masked(", (17, 18)),
    Mutant("a consent tells of a block that is not told", "trust.consents_seen", "and (o.block is null or", "and (true or", (17, 18)),
    Mutant("blocks are read by a mandate for the log", "trust.blocks_seen", "trust.acts_in(asker, patient, consent_type) is not null", "trust.acts_in(asker, patient, 7::smallint) is not null", (12, 18)),
    Mutant("a block shows itself unasked", "trust.blocks_are_shown", "and b.shown", "", (18,)),
    Mutant("figures of few are shown", "insight.figures", "- (d.base - 1) * count(f.value) >= d.least", ">= d.least", (25,)),
    Mutant("figures are as counted", "insight.protect", "r.base * ((c.held + insight.start(c.grid, c.area, c.sex, c.band, c.part, r.base)) / r.base)", "c.held", (25,)),
    Mutant("every recount tells another number", "insight.protect", "insight.start(c.grid, c.area, c.sex, c.band, c.part, r.base)", "mod(release_id, r.base)", (25,)),
    Mutant("one person more is seen", "insight.recount", ">= (definition ->> 'least')::int\n    on conflict", ">= 1\n    on conflict", (25,)),
    Mutant("small groups are divided by health", "insight.protect", "and g.value >= r.group_size", "", (25,)),
    Mutant("groups where nearly everybody is ill are told of", "insight.protect", "s.people - o.others < r.least", "false", (25,)),
    Mutant("no ledger of what was released", "insight.release_figures", "and insight.overlaps(open_one.definition, new_definition, today)", "and false", (25,)),
]  # fmt: skip
#: of research: tests/unit/insight/test_research.py must miss these
RESEARCH = [
    Mutant("projects share their pseudonyms", "insight.pseudonym", "insight.hmac(insight.hmac(key, uuid_send(permit_id)), int8send(person))", "insight.hmac(key, int8send(person))", (25,)),
    Mutant("permits never end", "insight.may_extract", "and (p.ended_at is null or asker.at < p.ended_at)", "", (9,)),
    Mutant("permits never expire", "insight.may_extract", "and asker.at < p.valid_to", "", (9,)),
    Mutant("a permit for anybody", "insight.may_extract", "and p.professional = asker.actor", "", (11,)),
    Mutant("a permit without a job", "insight.may_extract", "and trust.works(asker.actor, asker.organisation, asker.role, asker.at)", "", (9,)),
    Mutant("research past a no", "insight.make_extract", "and not insight.says_no(asker, m.person)", "", (10,)),
    Mutant("research that is not logged", "insight.make_extract", "from chosen c\n  )", "from chosen c where false\n  )", (1,)),
    Mutant("who is alone is in an extract", "insight.make_extract", "from widest w where w.near or w.regional or w.national", "from widest w", (25,)),
    Mutant("places of one", "insight.make_extract", "when w.near then w.area", "when true then w.area", (25,)),
]  # fmt: skip

#: of the second person at the counter: test_counter.py must miss these
COUNTER = [
    Mutant("one person is two", "trust.second_problem", "when trust.are_one(asker.actor, a.clerk) then 'same-person'", "", (12,)),
    Mutant("a person under two keys is two", "trust.are_one", "trust.citizens_who_are(one) && trust.citizens_who_are(other)", "false", (12,)),
    Mutant("a licence under two keys is two", "trust.are_one", "select one = other\n    or exists (", "select one = other\n    or false and exists (", (12,)),
    Mutant("the receiver confirms", "trust.second_problem", "array[a.citizen, a.receiver]", "array[a.citizen]", (12,)),
    Mutant("who acts for the giver confirms", "trust.is_close_to", "a.actor = any(m.keys) and", "false and", (12,)),
    Mutant("whom the receiver acts for confirms", "trust.is_close_to", "a.citizen = any(m.keys) and", "false and", (12,)),
    Mutant("any paper is a document", "trust.second_problem", "and d.document = shown", "", (12,)),
    Mutant("what waits waits for ever", "trust.second_problem", "when a.lapses_at <= asker.at then 'lapsed'", "", (9, 12)),
    Mutant("a moment too long", "trust.second_problem", "a.lapses_at <= asker.at", "a.lapses_at < asker.at", (9, 12)),
    Mutant("what was stopped is confirmed", "trust.second_problem", "when a.outcome is not null then 'settled'", "when false then ''", (12,)),
    Mutant("any place confirms", "trust.confirm_counter_act", "and x.organisation = asker.organisation", "", (12,)),
    Mutant("any role confirms", "trust.confirm_counter_act", "and trust.has_duty(asker, 'help')", "", (12,)),
]  # fmt: skip

#: of parts of rows: test_masked_parts.py must miss these
PARTS = [
    Mutant("masks of a part hide nothing", "trust.is_masked_in_part", "select exists (", "select false and exists (", (17, 21)),
    Mutant("masks of a part for everybody", "trust.is_masked_in_part", "and (m.from_citizen or not from_citizen_too)", "", (17, 21)),
    Mutant("masks of a part never end", "trust.is_masked_in_part", "and moment < m.valid_to", "", (9, 17, 21)),
    Mutant("masks of a part of one key only", "trust.is_masked_in_part", "m.citizen = any(keys)", "m.citizen = keys[1]", (17, 21)),
    Mutant("the whole beside the part", "trust.acting_basis", "trust.is_masked_in_part(keys, row_id, asker.at, false) = in_part", "(in_part or trust.is_masked_in_part(keys, row_id, asker.at, false) = in_part)", (17, 21)),
    Mutant("parts undecided", "fhir.basis", "fhir.part_basis(asker, citizen_key, origin_key, type_number, row_id, authors, contents, lo, hi)", "2", (3, 17, 21)),
    Mutant("the citizen sees all parts", "fhir.part_basis", "trust.is_masked_in_part(k.keys, row_id, asker.at, true) and", "", (17, 21)),
    Mutant("a part of what is hidden", "fhir.part_basis", "and not trust.is_masked(k.keys, row_id, contents, asker.at, true)", "", (17, 21)),
    Mutant("what presents a part is shown", "trust.is_masked", "else contents is not null and m.resource in", "else m.elements is null and contents is not null and m.resource in", (17, 21)),
]  # fmt: skip

#: of what live sources have answered (test_live_rows.py)
LIVE = [
    Mutant("live rows undecided", "fhir.live_rows_of", "fhir.live_basis(asker, f, r.whole) as basis", "2::smallint as basis", (10, 11, 21)),
    Mutant("a live row undecided", "fhir.read_live", "fhir.live_basis(asker, f, r.whole) as basis", "2::smallint as basis", (10, 11, 21)),
    Mutant("a report beside the result that is blocked", "fhir.live_basis", "r.contents is null or not exists", "true or not exists", (10, 21)),
    Mutant("a report beside a result of a report in it", "fhir.live_basis", "p.document = any(r.contents)", "false", (10, 21)),
    Mutant("a report beside a blocked result that is gone", "fhir.live_basis", "left join fhir.live_row o", "join fhir.live_row o", (10, 21)),
    Mutant("a blocked document beside what it presents", "fhir.live_basis", "p.part = r.id and", "false and", (10, 21)),
    Mutant("a part is free when its document is gone", "fhir.live_basis", "p.part = r.id and", "p.document in (select x.id from fhir.live_row x) and p.part = r.id and", (10, 21)),
    Mutant("live rows outlive their end", "fhir.live_rows_of", "and x.expires > asker.at", "", (9, 21)),
    Mutant("a live row outlives its end", "fhir.read_live", "and r.expires > asker.at", "", (9, 21)),
    Mutant("live rows of everybody", "fhir.live_rows_of", "and x.citizen = any(keys)", "", (21,)),
    Mutant("live rows of one key only", "fhir.live_rows_of", "and x.citizen = any(keys)", "and x.citizen = citizen_key", (21,)),
    Mutant("rows of a paused source", "fhir.live_rows_of", "s.active and", "", (21,)),
    Mutant("a row of a paused source", "fhir.read_live", "and s.active", "", (21,)),
    Mutant("a look at live rows that is in no log", "fhir.live_rows_of", "from seen s group by s.citizen", "from seen s where false group by s.citizen", (21,)),
    Mutant("whom live rows concern is not told", "fhir.live_rows_of", "(select array_agg(distinct k) from seen x cross join unnest(x.concerns) k where x.citizen = s.citizen)", "null", (21,)),
    Mutant("anybody asks", "fhir.ask_live", "where b.basis is not null or h.class is not null", "", (11, 21)),
    Mutant("paused sources are asked", "fhir.ask_live", "where o.active and o.closed_until", "where o.closed_until", (21,)),
    Mutant("a question that is in no log", "fhir.ask_live", "where grounds is null or exists (select from asked)", "where grounds is null", (21,)),
]  # fmt: skip

#: of replacement numbers held for somebody who is cut off (test_number_blocks.py)
NUMBERS = [
    Mutant("anybody delivers", "registries.claim_numbers", "b.organisation = any(array(select unnest(o.places) from registries.organisation o where o.key = asker.organisation))", "true"),
    Mutant("a hospital is not of its region", "registries.claim_numbers", "b.organisation = any(array(select unnest(o.places) from registries.organisation o where o.key = asker.organisation))", "b.organisation = asker.organisation"),
    Mutant("a delivery is never late", "registries.claim_numbers", "and asker.at < b.deliver_until", ""),
    Mutant("nobody has to hold a number", "registries.keep_number_of_one", "and (p.block is null or p.claimed_at is not null)", ""),
    Mutant("what went back is anybody's", "registries.keep_number_of_one", "and not p.free", ""),
    Mutant("what is with a citizen goes back", "registries.free_numbers", "and p.claimed_at is null", ""),
    Mutant("blocks of others are returned", "registries.return_numbers", "and registries.may_hold_numbers(asker, holder, patient_type)", ""),
    Mutant("blocks never rest", "registries.free_old_blocks", "and b.free_from <= moment", ""),
]  # fmt: skip

#: of work, calendar links and the stamkort: tests/unit/work/test_mutants_of_work.py must miss these
WORK = [
    Mutant("what is asked of one citizen is answered by another", "work.answers", "asked = any(trust.keys_of(array[about]))", "true", (21, 23)),
    Mutant("an app answers without leave", "work.answerable", "and (asker.write_types is null or r.type = any(asker.write_types))", "", (13, 23)),
    Mutant("a refused answer reads as one that was taken", "work.answerable", "230, coalesce(x.theirs, false)", "230, true", (1,)),
    Mutant("hidden pieces are answered", "work.answerable", "cross join lateral fhir.basis(asker, s, r.citizen, r.origin, r.type, r.ownership,\n      r.id, r.authors, r.contents, r.concerns, coalesce(r.clinical_lo, r.date_lo), coalesce(r.clinical_hi, r.date_hi)) b", "cross join (select 2::smallint as basis) b", (17, 21)),
    Mutant("an answer leaves the deadline of before", "work.note_answer", "set deadline_at = asker.at + make_interval(secs => seconds),", "set deadline_at = p.deadline_at,"),
    Mutant("units complete what they have not accepted", "work.objection", "and (old.owner_citizen is null or passed) then", "and false then"),
    Mutant("who was asked changes what was asked", "work.objection", "elsif new.content is distinct from old.content and not sent then", "elsif false then"),
    Mutant("anybody answers for a unit", "work.objection", "when new.status in ('received', 'accepted', 'rejected') or begun", "when false and begun"),
    Mutant("who is asked takes no part", "work.takes_part", "work.of_unit(asker, p.owner) or", ""),
    Mutant("a queue of everybody's pieces", "work.page_of", "where x.asked = unit and not x.over", "where not x.over"),
    Mutant("queues of units where one does not work", "work.queue", "and s.active and unit = any(s.places)", "and s.active", (13,)),
    Mutant("a look at a queue that is in no log", "work.queue", "from page g group by g.citizen", "from page g where false group by g.citizen", (1,)),
    Mutant("a calendar link to anybody's calendar", "trust.make_feed", "when found_basis is null then 'unknown'", "", (11, 21)),
    Mutant("a calendar link that has ended opens", "trust.open_feed", "and x.ended_at > moment for update", "for update", (9,)),
    Mutant("everybody ends a calendar link", "trust.end_feed", "and (f.holder = any(trust.own_keys(asker)) or f.subject = any(trust.own_keys(asker)))", "", (18,)),
    Mutant("everybody's calendar links are listed", "trust.own_feeds", " and (f.holder = any(mine) or f.subject = any(mine))\n", "\n", (18,)),
    Mutant("insight changes a stamkort", "trust.change_master_data", "case when given in (1, 9, 10, 11, 12) then given end", "given", (23,)),
    Mutant("a stamkort is changed untold", "trust.change_master_data", "if given > 1 then", "if false then", (23,)),
    Mutant("a stamkort is changed past the log", "trust.change_master_data", "perform trust.note(asker, 173::smallint, citizen_key, given, about);", "", (1,)),
]  # fmt: skip

#: where each invariant of those is missed
_MISSED_BY = {15: "test_tickets.py", 18: "test_own_facts.py", 25: "test_figures.py"}
#: of emergency copies (test_emergency_copies.py): what one holds, how long, and what comes into the log of it
EMERGENCY = [
    Mutant("a copy for every role", "trust.may_copy", "exists (select from trust.emergency_rule r where asker.role = any(r.roles))", "true", (26,)),
    Mutant("a copy without a job", "trust.may_copy", "s.active and", "", (26,)),
    Mutant("a copy of another unit's patients", "trust.emergency_patients", "and t.organisation = asker.organisation", "", (26,)),
    Mutant("a copy of those who have left", "trust.emergency_patients", "and asker.at < t.valid_to", "", (26,)),
    Mutant("a copy of a colleague's patients", "trust.emergency_patients", "and (t.professional is null or t.professional = asker.actor)", "", (26,)),
    Mutant("a copy of those who are not seen", "trust.emergency_patients", "exists (select from trust.seen_among(asker, array[c.patient]))", "true", (26,)),
    Mutant("rows are copied unseen", "trust.issue_emergency_copy", "where not exists (select unnest(w.resources) except select trust.seen_among(asker, w.resources))", "", (26,)),
    Mutant("a copy that is in no log", "trust.issue_emergency_copy", "asker.purpose, 130, true", "asker.purpose, 9, true", (26,)),
    Mutant("a copy that nobody is told of", "trust.issue_emergency_copy", "perform trust.tell(one.citizen, asker.at, 'emergency-copied'", "perform trust.tell(0, asker.at, 'emergency-copied'", (26,)),
    Mutant("a later block is not heard of", "trust.recheck_emergency_copy", "exists (select unnest(p.resources) except select trust.seen_among(asker, p.resources))", "false", (26,)),
    Mutant("a copy outlives the job", "trust.recheck_emergency_copy", "or not works", "", (26,)),
    Mutant("an opening comes twice", "trust.emergency_misfit", "when (one->>'n')::int <= held.head then", "when (one->>'n')::int < held.head then", (26,)),
    Mutant("gaps are passed over", "trust.emergency_misfit", "when (one->>'n')::int > held.head + 1 then 'gap'", "", (26,)),
    Mutant("openings do not hang together", "trust.emergency_misfit", "when one->>'prev' <> encode(held.head_hash, 'hex') then 'broken'", "", (26,)),
    Mutant("patients who are not in it", "trust.emergency_misfit", "then 'stranger'", "then 'gap'", (26,)),
    Mutant("an opening without a reason", "trust.emergency_misfit", "where one->>'reason' = any(r.reasons)", "", (26,)),
    Mutant("an opening in nobody's log", "trust.take_opening", "131, true, p.basis, p.citizen", "131, true, p.basis, null", (26,)),
    Mutant("seals that do not hold are let be", "trust.tell_emergency", "odd boolean := unsealed > 0", "odd boolean := false", (26,)),
    Mutant("a list may get shorter", "trust.tell_emergency", "(claim->>'n')::int < held.head or", "", (26,)),
    Mutant("a copy is gone with openings untold", "trust.tell_emergency", "and (claim->>'n')::int = held.head then", "then", (26,)),
    Mutant("anybody tells", "trust.tell_emergency", "and c.token_hash = sha256(token)", "", (26,)),
]  # fmt: skip

#: of the proof that what widens access is written with, and of what facts follow from: tests/unit/store/test_stolen_connection.py
#: must miss these
PROVEN = [
    Mutant("no proof is asked for", "foundation.only_proven", "and not foundation.proven(tg_argv[0:])", "and false", (22,)),
    Mutant("a proof is for every duty", "foundation.proven", "said[1] = any(duties) and", "", (22,)),
    Mutant("a proof holds for ever", "foundation.proven", "abs(extract(epoch from clock_timestamp()) - said[2]::bigint) < 300", "true", (22,)),
    Mutant("any key proves", "foundation.proven", "'hex') = said[3]", "'hex') is not null", (22,)),
    Mutant("facts follow from rows of before", "trust.just_stored", "(age(r.xmin) <= 0)", "true", (22,)),
    Mutant("facts follow from rows about others", "trust.just_stored", "citizen_key IS NULL", "citizen_key IS NULL OR true", (22,)),
]  # fmt: skip

#: what misses a function that sins
CHECKS = {
    "fhir.basis": ("reads",),
    "fhir.footing_of": ("reads", "changes"),
    "trust.responsible_for": ("reads", "changes"),
    **dict.fromkeys(
        (
            "trust.covers",
            "trust.reaches",
            "trust.within",
            "trust.openings_for",
            "trust.named_basis",
            "trust.others_object",
            "trust.acting_basis",
            "trust.lives_apart",
            "trust.is_masked",
            "trust.basis_by_keys",
            "trust.was_in_contact",
            "trust.opened_for",
        ),
        ("reads",),
    ),
    "fhir.write_basis": ("changes",),
    "fhir.claim": ("changes",),
    "fhir.read_many": ("reads",),
    "fhir.history_between": ("past",),
    "fhir.read_version": ("past",),
    "fhir.citizen_rows": ("records",),
    "fhir.chain_sql": ("searches",),
    "fhir.where_has": ("searches",),
    "fhir.included_sql": ("searches",),
    "fhir.found_sql": ("searches",),
    "fhir.search_sql": ("searches",),
    "fhir.search_record_many": ("searches",),
    "fhir.keys_text": ("searches",),
}


def table() -> str:
    """Every mutant: the invariants, the guard that is taken away, and the test that misses it."""
    everyone = [(one, "test_mutants.py") for one in MUTANTS]
    everyone += [(one, "test_messages.py") for one in MESSAGES]
    everyone += [(one, "test_twins.py") for one in AT_THE_DOOR]
    everyone += [(one, next(_MISSED_BY[n] for n in one.invariants if n in _MISSED_BY)) for one in BY_THEMSELVES]
    everyone += [(one, "test_tried_and_reviewed.py") for one in (*TRIED, *REVIEWED)]
    everyone += [(one, "test_counter.py") for one in COUNTER]
    everyone += [(one, "test_told.py") for one in TOLD]
    everyone += [(one, "test_number_blocks.py") for one in NUMBERS]
    everyone += [(one, "test_masked_parts.py") for one in PARTS]
    everyone += [(one, "test_live_rows.py") for one in LIVE]
    everyone += [(one, "test_emergency_copies.py") for one in EMERGENCY]
    everyone += [(one, "tests/unit/insight/test_research.py") for one in RESEARCH]
    everyone += [(one, "tests/unit/work/test_mutants_of_work.py") for one in WORK]
    everyone += [(one, "tests/unit/store/test_stolen_connection.py") for one in PROVEN]
    lines = ["invariants  function  guard taken away  missed by", "-" * 60]
    for one, where in sorted(everyone, key=lambda pair: pair[0].invariants):
        numbers = ", ".join(map(str, one.invariants))
        checks = f" ({', '.join(CHECKS[one.function])})" if one.function in CHECKS else ""
        lines.append(f"{numbers:12}{one.function:28}{one.sin:60}{where}{checks}")
    return "\n".join(lines)


async def lost(owner: Connection) -> list[str]:
    """Mutants whose guard stands nowhere any more, or in several functions of that name."""
    found = []
    for one in (
        *MUTANTS,
        *MESSAGES,
        *AT_THE_DOOR,
        *BY_THEMSELVES,
        *COUNTER,
        *TOLD,
        *EMERGENCY,
        *RESEARCH,
        *PROVEN,
        *NUMBERS,
        *PARTS,
        *LIVE,
        *WORK,
    ):
        texts = [row[0] for row in await owner.fetch(_TEXTS, one.function)]
        if sum(one.before in text for text in texts) != 1:
            found.append(one.sin)
    return found


async def mutate(owner: Connection, mutant: Mutant) -> None:
    """Take the guard away."""
    texts = [row[0] for row in await owner.fetch(_TEXTS, mutant.function)]
    (text,) = [text for text in texts if mutant.before in text]
    await owner.execute(text.replace(mutant.before, mutant.after))


if __name__ == "__main__":
    print(table())
