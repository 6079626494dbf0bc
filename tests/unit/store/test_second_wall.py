"""Invariant 22: the application's role may call decided functions and may not touch citizen data any other way.

What it may do is listed here. A new table or function that nobody decided about fails a test.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from helhed.foundation.database import Connection, connect
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCHEMAS = ("foundation", "fhir", "registries", "trust", "work", "exchange", "insight", "portals")

#: table -> what the application may do there. Citizen data: nothing, or adding new rows of the store (every reader decides).
ALLOWED: dict[str, set[str]] = {
    "trust.emergency_copy": set(),
    "trust.emergency_opening": set(),
    "trust.emergency_patient": set(),
    "trust.emergency_rule": set(),
    "trust.calendar_feed": set(),
    "trust.notice_choice": set(),
    "trust.notice_delivery": set(),
    "trust.notice_way": set(),
    "trust.push_device": set(),
    "trust.push_told": set(),
    "trust.works_mark": set(),
    "trust.why_question": set(),
    "exchange.message": set(),
    "exchange.envelope": set(),
    "exchange.message_row": set(),
    "exchange.known_row": set(),
    "exchange.retraction": set(),
    "exchange.message_task": set(),
    "exchange.delivery": set(),
    "exchange.trace": set(),
    "exchange.parked": set(),
    "exchange.mode": set(),
    "exchange.stay_change": set(),
    "exchange.stay_told": set(),
    "exchange.imported_document": set(),
    "exchange.rejected_entry": set(),
    "fhir.code_system": {"SELECT"},  # public: terminologies
    "fhir.concept": {"SELECT"},
    "fhir.concept_above": {"SELECT"},
    "fhir.concept_map": {"SELECT"},
    "fhir.concept_mapping": {"SELECT"},
    "fhir.terminology_state": {"SELECT"},
    "fhir.value_set": {"SELECT"},
    "fhir.hold": set(),
    "fhir.live_answer": set(),
    "fhir.live_presented": set(),
    "fhir.live_row": set(),
    "registries.source": set(),
    "registries.source_health": set(),
    "fhir.purge": set(),
    "fhir.purged_copy": set(),
    "fhir.purged_row": set(),
    "fhir.key_set": set(),
    "fhir.resource": {"INSERT"},
    "fhir.resource_date": {"INSERT"},
    "fhir.resource_string": {"INSERT"},
    "fhir.version": set(),
    "work.move": set(),
    "work.staff_way": set(),
    "work.piece": set(),
    "insight.cell": set(),
    "insight.figure": set(),
    "insight.permit": set(),
    "insight.refusal": set(),
    "insight.release": set(),
    "insight.scheme": set(),
    "insight.secret": set(),
    "foundation.access_log": set(),
    "foundation.log_chain": set(),
    "foundation.log_cosignature": {"SELECT"},  # public: what witnesses signed; who reads it checks it
    "foundation.log_entry": set(),
    "foundation.log_head": {"SELECT"},  # public: signed
    "foundation.log_key": {"SELECT"},  # public halves
    "foundation.log_map": set(),
    "foundation.log_rows": set(),
    "foundation.log_secret": set(),
    "foundation.log_state": set(),
    "foundation.log_tile": {"SELECT"},  # hashes that tell nothing
    "foundation.log_witness": {"SELECT"},  # public halves
    "foundation.proof_demand": set(),
    "foundation.proof_key": set(),
    "foundation.outbox": {"SELECT", "INSERT", "UPDATE", "DELETE"},  # ids of resources, no content
    "portals.once": {"SELECT", "INSERT", "UPDATE", "DELETE"},  # sealed
    "portals.session": {"SELECT", "INSERT", "UPDATE", "DELETE"},  # keyed by a hash of the cookie, sealed
    "registries.citizen": set(),
    "registries.citizen_identifier": set(),
    "registries.demo": set(),
    "registries.citizen_link": set(),
    "registries.issue_search": set(),
    "registries.issued_number": set(),
    "registries.keeper": set(),
    "registries.link_notice": set(),
    "registries.lookup": set(),
    "registries.number_block": set(),
    "registries.organisation": {"SELECT"},  # public: SOR
    "registries.professional_identifier": set(),
    "registries.professional": {"SELECT"},  # public: names of professionals
    "registries.protected_citizen": set(),
    "registries.replacement_cpr": set(),
    "registries.route_delivery": set(),
    "registries.shak_map": set(),
    "registries.shak_use": set(),
    "registries.unit_fact": set(),
    "registries.unit_listing": set(),
    "registries.unit_name": set(),
    "registries.unit_plan": set(),
    "trust.acting": set(),
    "trust.age_limit": set(),
    "trust.assistance": set(),
    "trust.block": set(),
    "trust.mask": set(),
    "trust.mandate_offer": set(),
    "trust.relative": set(),
    "trust.help": set(),
    "trust.counter_act": set(),
    "trust.failed_attempt": set(),
    "trust.counter_document": set(),
    "trust.letter": set(),
    "trust.relation_review": set(),
    "trust.duty": set(),
    "trust.opening": set(),
    "trust.deadline": set(),
    "trust.past_contact": set(),
    "trust.authorisation": set(),
    "trust.authorisation_code": set(),
    "trust.authorisation_request": set(),
    "trust.client": set(),
    "trust.employment": set(),
    "trust.launch": set(),
    "trust.refresh_token": set(),
    "trust.revoked_token": set(),
    "trust.software_issuer": set(),
    "trust.assertion_issuer": set(),
    "trust.exchange_client": set(),
    "trust.used_once": set(),
    "trust.recorder": set(),
    "trust.log_in": set(),
    "trust.passkey": set(),
    "trust.passkey_invitation": set(),
    "trust.network_reviewer": set(),
    "trust.notice": set(),
    "trust.persona": {"SELECT"},  # demo mode only: synthetic people
    "trust.relation": set(),
    "trust.role": {"SELECT"},
    "trust.log_office": {"SELECT"},  # public: roles that keep a log
    "trust.shield": set(),
    "fhir.artefact": {"SELECT"},  # public: profiles and value sets
    "fhir.conformance": {"SELECT"},  # what sources must conform to
    "fhir.index_work": {"SELECT"},  # how far indexing has come
    "fhir.knowledge": {"SELECT"},
    "fhir.package": {"SELECT"},
    "fhir.package_dependency": {"SELECT"},
    "fhir.search_parameter": {"SELECT"},  # public: what rows are indexed by
    "fhir.search_parameter_edition": {"SELECT"},
    "fhir.change": set(),
    "fhir.followed": set(),
    "trust.subscription": set(),
    "trust.subscription_event": set(),
    "trust.system_client": set(),
    "trust.ticket_review": set(),
    "trust.watch_event": set(),
    "trust.watch_export": set(),
    "trust.log_manifest": set(),
    "trust.watch_answer": set(),
    "trust.watch_case": set(),
    "trust.watch_day": set(),
    "trust.watch_exercise": set(),
    "trust.watch_identity": set(),
    "trust.watch_incident": set(),
    "trust.watch_incident_entry": set(),
    "trust.watch_look": set(),
    "trust.watch_move": set(),
    "trust.watch_office": set(),
    "trust.watch_peer": set(),
    "trust.watch_position": set(),
    "trust.watch_receipt": set(),
    "trust.watch_signal": set(),
    "trust.watch_subject": set(),
    "trust.watch_surname": set(),
    "trust.watch_traffic": set(),
    "trust.watch_unshielding": set(),
    "trust.watch_vip": set(),
    "trust.watch_warning": set(),
}

#: functions the application may call, by what keeps them from telling too much
DECIDED = {
    "trust.network_state", "trust.acts_in", "trust.look_at_consents", "trust.note_strangers", "trust.blocks_seen", "trust.consents_seen", "trust.notices_seen",
    "insight.make_extract",
    "exchange.begin_messages", "exchange.keep_messages",
    "exchange.begin_message", "exchange.keep_message", "exchange.keep_again", "exchange.park",
    "trust.choose_push", "trust.own_push", "trust.end_push",
    "work.queue", "work.one_piece", "work.answerable", "work.own_staff_way", "work.choose_staff_way", "work.confirm_staff_way", "work.told_to", "work.colleagues", "work.of_citizen", "work.receipts",
    "exchange.hand_over", "exchange.settle", "exchange.messages_seen", "exchange.parked_seen", "exchange.move_parked", "exchange.set_mode", "exchange.migration", "exchange.note_seen",
    "trust.ask_why", "trust.own_questions", "trust.open_questions", "trust.open_question", "trust.answer_why", "trust.set_shield", "trust.end_shield", "trust.shields_of", "trust.name_staff", "trust.staff_looks", "trust.notice_choices", "trust.notice_ways", "trust.choose_way", "trust.confirm_way", "trust.choose_notice", "trust.own_notices", "trust.unread_notices", "trust.read_notices",
    "trust.blocks_for", "trust.set_block_for", "trust.end_block_for",
    "trust.own_relatives", "trust.put_relative", "trust.end_relative", "trust.relatives_of", "trust.call_relative", "trust.begin_help", "trust.see_help",
    "trust.help_block", "trust.help_end_block", "trust.help_mandate", "trust.help_end_mandate", "trust.help_log", "trust.letters", "trust.print_letter", "trust.letter_printed",
    "trust.confirm_counter_act", "trust.answer_counter_act", "trust.withdraw_counter_act", "trust.counter_acts", "trust.own_counter_acts",
    "trust.send_letter", "trust.own_help", "trust.contest_help", "trust.register_acting", "trust.registered_acting",
    "fhir.admit", "fhir.citizen_rows", "fhir.claim", "fhir.everything_of", "fhir.history_between", "fhir.history_of", "fhir.history_of_types",
    "fhir.read_many", "fhir.read_version", "fhir.seen_of", "fhir.ask_live", "fhir.ask_live_by_numbers", "fhir.live_rows_of", "fhir.read_live", "registries.switch_source",
    "fhir.referenced", "fhir.explain_search", "fhir.search_any", "fhir.search_record_many", "registries.find_by_name", "registries.find_citizen",
    "registries.match_citizens", "registries.own_identity", "trust.blocks_of", "trust.declare_relation", "trust.end_block", "trust.held_relation",
    "trust.want_proof", "trust.own_proof", "trust.own_map",
    "trust.log_of", "trust.may_declare", "trust.may_see", "trust.set_block", "trust.blocks_are_shown", "trust.break_glass",
    "trust.end_acting", "trust.end_consent", "trust.end_mask", "trust.give_consent", "trust.let_act", "trust.let_go", "trust.own_log",
    "trust.set_mask", "trust.take_on", "trust.own_purges", "fhir.approve_purge", "fhir.open_purges", "fhir.propose_purge", "fhir.withdraw_purge",
    "trust.put_block", "trust.refuse_opening", "trust.own_blocks", "trust.own_consents", "trust.try_block", "trust.open_declarations", "trust.explain_declaration", "trust.bases_held", "trust.acts_for", "trust.own_acting", "trust.offer_mandate", "trust.answer_mandate", "trust.withdraw_mandate", "trust.chosen_clinic", "trust.hide_row", "trust.masks_on", "trust.hide_part", "trust.show_again", "trust.hidden_on", "trust.acting_on", "trust.decide_for_youth", "trust.assistances_of", "trust.assistants_at",
    "trust.add_passkey", "trust.colleagues_to_invite", "trust.invite_to_passkey",
    "trust.may_copy", "trust.emergency_patients", "trust.issue_emergency_copy",
    "trust.end_emergency_copy", "trust.emergency_copies", "trust.own_emergency_copies",
    "trust.may_break_glass", "trust.held_opening", "trust.end_ticket", "trust.waiting_reviews", "trust.may_review", "trust.review_ticket", "trust.own_tickets", "trust.consent_facts",
    "registries.plan_unit", "registries.withdraw_unit_plan", "registries.admit_unit", "registries.admit_listing", "registries.arranges", "registries.shak_report",
    "registries.reserve_numbers", "registries.return_numbers", "registries.number_blocks", "registries.claim_numbers",
    "registries.note_issue_search", "registries.note_issued", "registries.unknown_lately", "registries.find_by_regional_number", "registries.match_people",
    "trust.change_master_data", "trust.see_master_data",
    "registries.keeper_finds", "registries.links_seen", "registries.note_link_notice",
    "registries.link_citizens", "registries.links_of", "registries.unlink_citizens", "registries.acted_while_linked",
    "fhir.citizen_pasts", "fhir.unit_day", "trust.make_feed", "trust.own_feeds", "trust.end_feed",
    "trust.put_subscription", "trust.drop_subscription", "trust.subscriptions_seen", "trust.tell_events", "trust.events_again",
    "trust.keeps_log", "trust.log_choices", "trust.log_page", "trust.may_read_log",
    "trust.deliver_log", "trust.tell_manifest", "trust.log_sources",
    "trust.watch_assess", "trust.watch_assessment", "trust.watch_cases", "trust.watch_incident_open", "trust.watch_incident_write",
    "trust.watch_incidents", "trust.watch_move_case", "trust.watch_open", "trust.watch_posture", "trust.watch_receive", "trust.watch_register",
    "trust.watch_registered", "trust.watch_register_number", "trust.watch_standing", "trust.watch_took_part", "trust.watch_unshield", "trust.watch_warn", "trust.watch_warnings",
}  # fmt: skip
#: the authorisation server's: they tell of clients and of what is known by a secret that the caller brings, and of no citizen's data
IDENTITY = {
    "trust.addresses_of_public_clients",
    "trust.assertion_issuer_named", "trust.may_exchange",
    "trust.allow_app", "trust.answer_request", "trust.apps_of", "trust.begin_request", "trust.client_given_refresh_token", "trust.client_named", "trust.clients_to_open",
    "trust.end_app", "trust.end_authorisation", "trust.forget_used", "trust.launch_app", "trust.launched_with", "trust.open_request",
    "trust.pending_request", "trust.push_request", "trust.put_refresh_token", "trust.redeem_code", "trust.refresh_token_of",
    "trust.register_client", "trust.revoke_token", "trust.rotate_refresh_token", "trust.software_issuer_named", "trust.standing_of",
    "trust.take_launch", "trust.take_once", "trust.tokens_hold", "trust.may_be_here",
}  # fmt: skip
#: take facts in, and tell nothing but whether they were taken
TAKE_IN = {
    "fhir.put_part", "fhir.put_past_parts", "fhir.to_be_masked",  # which rows are masked in part: nothing without a proof of storing
    "trust.escalate_questions", "trust.look_for_news", "trust.remind_of_appointments",
    "work.put_piece", "work.put_pieces", "work.note_answer", "work.forget_pieces", "work.escalate",
    "fhir.note_changes", "trust.stop_subscriptions", "trust.has_events", "trust.events_taken", "trust.events_refused",
    "trust.release_subscription", "trust.forget_subscriptions",
    "registries.note_lookups", "registries.note_named", "registries.forget_lookups", "fhir.hold_search_parameters", "fhir.log_writes", "fhir.log_given_up", "fhir.replace", "fhir.put_version", "registries.note_received", "registries.put_citizen_identifiers",
    "registries.put_protected", "registries.protected_of", "fhir.conceal_addresses",  # by proof
    "registries.put_citizens", "registries.put_organisation", "registries.put_professionals",
    "registries.take_one_replacement_cpr", "registries.take_replacement_cpr", "trust.drop_sources", "trust.put_employments", "trust.put_relations", "trust.put_recorders",
    "trust.put_past_contacts",
    "trust.put_age_limits", "trust.put_deadlines", "trust.put_roles",  # earlier releases may call them; the tables take nothing from who serves
    "foundation.put_cosignature",
    "fhir.put_live_answer", "fhir.remember_same", "fhir.purge_live_rows", "registries.note_source",
    "trust.security_event",
    "trust.note_attempt", "trust.attempts_lately", "trust.forget_attempts",  # how many failed, of whom the caller names
    "trust.follow_up_declarations",
    "trust.follow_up_emergency_copies",
    "registries.put_professional_identifiers", "trust.note_log_in",
    "trust.add_own_relations",
    "registries.note_unit_plan", "registries.state_units", "registries.put_listings", "registries.route_delivered", "registries.note_shak",
}  # fmt: skip
#: before anybody is known: who somebody that another vouched for is, by keys; jobs, which are public; and one's own log-ins
WHO_IS_IT = {
    "registries.citizen_known_as",
    "trust.jobs_known_as",
    "trust.jobs_beneath",
    "trust.works",
    "trust.own_log_ins",
    "trust.own_passkeys",
    "trust.passkey_of",
    "trust.passkey_used",
    "trust.revoke_passkey",
    "trust.use_invitation",
}
#: known by a secret of its own that a device or a calendar program brings: what becomes of that copy, whose ask that link is, and no content
BY_A_TOKEN = {"trust.tell_emergency", "trust.emergency_seal_key", "trust.open_feed"}
#: whether what the caller brings was purged before: nothing of it, and nothing of others
RECOGNISE = {"fhir.have_tombstones", "fhir.purged_before"}
#: the watching job's: they take the log in, and tell it numbers without a name, a place's people, a citizen or content
WATCH = {
    "trust.watch_confirm", "trust.watch_doors", "trust.watch_figures", "trust.watch_hours", "trust.watch_identify", "trust.watch_raise",
    "trust.watch_refresh", "trust.watch_seconds", "trust.watch_take_in", "trust.watch_export_done", "trust.watch_export_next",
}  # fmt: skip
#: the courier's: where to look for what is to be told, and nothing of what it is; headers stay sealed
COURIER = {"trust.claim_push", "trust.note_push", "trust.claim_notices", "trust.note_delivery", "work.claim_staff_mail", "work.note_staff_mail",
    "trust.claim_subscriptions", "exchange.due_receivers", "exchange.not_reached", "exchange.to_escalate", "exchange.escalated", "exchange.note_tasks",
    "exchange.state",
}  # fmt: skip
#: for who proves that the network stores: of the one stay whose turn it is, what a notice of it says, to be told to who has the citizen;
#: and where copies go, and nothing of what they are
NOTIFIER = {
    "exchange.next_stay", "exchange.note_stays", "exchange.note_no_stays", "exchange.stay_planned", "exchange.stay_done", "exchange.stay_later",
    "exchange.address_copies", "exchange.forms_of", "exchange.note_letter", "exchange.note_reason", "exchange.unreached",
}  # fmt: skip
DECIDED |= {"exchange.settle_copy", "exchange.stuck_seen", "exchange.copy_of_number", "fhir.is_own_row"}
#: arithmetic on what the caller brings, or public facts
HARMLESS = {
    "exchange.location_number",
    "foundation.log_waits_since",
    "trust.log_map_rows",
    "fhir.bucket",
    "fhir.key",
    "trust.is_within",
    "trust.workplaces",
    "registries.national_keeper",
    "registries.due_plans",
    "registries.due_unit_plans",
    "registries.named_by",
    "registries.sources",
    "registries.find_units",
    "registries.unit_history",
    "registries.unit_plans",
    "registries.listings_to_come",
    "registries.listings_of",
    "registries.routes_of",
    "registries.copy_follows",
    "registries.translate_shak",
    "registries.unit_copy",
    "registries.units_above",
    "registries.units_directly_beneath",
    "registries.units_with_number",
    "registries.units_as_of",
    "registries.units_beneath",
}
#: of everybody together: what was rounded and released
FIGURES = {"insight.figures", "insight.releases"}
#: nothing unless this installation was loaded as a demo
DEMO = {"registries.demo_identifiers", "registries.demo_citizen", "registries.demo_citizens"}

_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name, array_remove(array_agg(
         case when has_table_privilege('helhed_app', c.oid, p) or has_any_column_privilege('helhed_app', c.oid, p) then p end), null) as may
from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest(array['SELECT', 'INSERT', 'UPDATE']) p
where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') group by 1
"""
_WHOLE_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name, array_remove(array_agg(
         case when has_table_privilege('helhed_app', c.oid, p) then p end), null) as may
from pg_class c join pg_namespace n on n.oid = c.relnamespace,
     unnest(array['DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') group by 1
"""
_FUNCTIONS = """
select format('%I.%I', n.nspname, p.proname) as name, p.prosecdef as definer, p.proconfig as settings,
       pg_get_userbyid(p.proowner) as owner, has_function_privilege('helhed_app', p.oid, 'EXECUTE') as callable
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any($1)
"""


@pytest_asyncio.fixture(loop_scope="module")
async def application(library: Scene) -> AsyncIterator[Connection]:
    """What a program could do that has stolen the application's connection."""
    connection = await connect(library.world.target.application)
    yield connection
    await connection.close()


async def test_every_table_has_a_decision_and_grants_no_more(library: Scene) -> None:
    granted: dict[str, set[str]] = {}
    for statement in (_TABLES, _WHOLE_TABLES):
        for row in await library.world.owner.fetch(statement, list(SCHEMAS)):
            granted.setdefault(row["name"], set()).update(row["may"])
    assert granted == ALLOWED


@pytest.mark.parametrize("table", sorted(name for name, may in ALLOWED.items() if "SELECT" not in may))
async def test_a_closed_table_is_closed(library: Scene, application: Connection, table: str) -> None:
    column = await library.world.owner.fetchval(
        "select quote_ident(attname) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 order by attnum desc limit 1",
        table,
    )
    for statement in (
        f"select * from {table}",
        f"select count(*) from {table}",
        f"select {column} from {table}",
        f"select * from {table} for update",
        f"update {table} set {column} = {column}",
        f"delete from {table}",
        f"truncate {table}",
        f"copy {table} to stdout",
        f"insert into {table} default values returning *",
        f"create temp view peek as select * from {table}; select * from peek",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)


async def test_every_function_has_a_decision_and_the_inner_ones_are_closed(library: Scene) -> None:
    rows = await library.world.owner.fetch(_FUNCTIONS, list(SCHEMAS))
    callable_ones = {row["name"] for row in rows if row["callable"]}
    known = (
        DECIDED
        | IDENTITY
        | TAKE_IN
        | WHO_IS_IT
        | RECOGNISE
        | HARMLESS
        | DEMO
        | WATCH
        | FIGURES
        | COURIER
        | NOTIFIER
        | BY_A_TOKEN
    )
    assert callable_ones == known


async def test_a_function_with_rights_of_its_own_looks_names_up_where_its_owner_says(library: Scene) -> None:
    rows = [row for row in await library.world.owner.fetch(_FUNCTIONS, list(SCHEMAS)) if row["definer"]]
    assert rows
    for row in rows:
        (path,) = [one for one in row["settings"] or () if one.startswith("search_path=")]
        assert path.endswith(", pg_temp"), row["name"]
        assert row["owner"] == f"helhed_{row['name'].split('.')[0]}"


@pytest.mark.parametrize("name", sorted(DECIDED))
async def test_a_decided_function_asks_who_is_asking(library: Scene, name: str) -> None:
    definition = await library.world.owner.fetchval(
        "select pg_get_functiondef(oid) from pg_proc where format('%I.%I', pronamespace::regnamespace, proname) = $1",
        name,
    )
    asks = (
        "fhir.stand(", "fhir.footing_of(", "registries.may_look_up(", "registries.match_citizens(asker", "registries.keeps(asker", "trust.clinician_basis(", "asker.kind = 1", "asker.kind <> 1",
        "asker.actor in (a.principal, a.assistant)",  # one's own
        "trust.acts_wholly(asker", "trust.helped(asker", "trust.has_duty(asker", "trust.keeps_directory(asker)",
        "trust.own_keys(asker)", "trust.log_reach(asker",  # nobody's, for whoever is no citizen; whose log one may read
        "trust.standing_of(asker", "trust.stands(asker", "exchange.acts_for(asker", "exchange.keeps_running(asker",  # where the asker stands, and for which units
        "trust.keeps_log(asker)", "registries.may_arrange(asker", "registries.may_hold_numbers(asker", "trust.acts_in(asker", "trust.keeps_running(asker)",
        "trust.may_copy(asker)", "insight.may_extract(asker", "trust.emergency_patients(asker)",
        "trust.watch_standing(asker", "trust.watch_within(asker",  # security officers
        "fhir.ask_live(asker",  # which decides and logs who is asked
        "fhir.may_purge(asker", "fhir.purge_problem(asker",  # a custodian's own organisation
        "trust.sees_subscription(asker", "trust.owns_subscription(asker", "trust.ask_of_subscription(",  # its owner, now
    )  # fmt: skip
    assert any(one in definition for one in asks)


async def test_the_application_is_nobody_else(library: Scene) -> None:
    role = await library.world.owner.fetchrow("select * from pg_roles where rolname = 'helhed_app'")
    assert role is not None
    rights = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert not [right for right in rights if role[right]]
    assert await library.world.owner.fetchval(
        "select count(*) from pg_auth_members where member = 'helhed_app'::regrole"
    ) == 0  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "set role helhed_fhir",
        "set session authorization helhed",
        "select * from fhir.versions_of(1::smallint, gen_random_uuid())",
        "select trust.register_system(1)",
        "select * from fhir.basis(null, null, 1, 1, 1::smallint, 1::smallint)",
        "create table fhir.mine (x int)",
        "create table public.mine (x int)",
        "create function trust.mine() returns int language sql return 1",
        "create or replace function fhir.stand(asker fhir.ask) returns setof fhir.standing language sql as 'select true, null::bigint[], null::smallint[], null::smallint[]'",
        "alter table fhir.resource disable trigger all",
        "drop table foundation.access_log",
        "select pg_read_file('postgresql.conf')",
        "copy registries.organisation to program 'true'",
        "alter system set fsync = off",
        "select * from pg_authid",
    ],
)
async def test_the_application_role_cannot_go_around(application: Connection, statement: str) -> None:
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)):
        await application.execute(statement)


async def test_statistics_tell_nothing_of_closed_tables(library: Scene, application: Connection) -> None:
    await library.world.owner.execute("analyze")
    seen = await application.fetch(
        "select distinct schemaname, tablename from pg_stats where schemaname = any($1)", list(SCHEMAS)
    )
    assert {f"{row['schemaname']}.{row['tablename']}" for row in seen} <= {
        name for name, may in ALLOWED.items() if "SELECT" in may
    }


async def test_a_stranger_who_calls_the_functions_directly_gets_nothing(
    library: Scene, application: Connection
) -> None:
    """An ask that claims to be a doctor of the ward, by somebody who has no job there."""
    ask = "row(2, 42, $1, 'doctor', 1, 'x', null, null, now(), gen_random_uuid())::fhir.ask"
    where = (library.stranger.organisation, library.observation)
    assert library.stranger.organisation is not None
    rows = await application.fetch(
        f"select outcome, body from fhir.read_many(array[{ask}], array[96]::smallint[], array[$2]::uuid[])", *where
    )
    assert [(row["outcome"], row["body"]) for row in rows] == [(0, None)]
    found = await application.fetch(
        f"select * from registries.find_by_name({ask.replace('$1', '$1::bigint')}, array['ane'], 10)", where[0]
    )
    assert found == []
