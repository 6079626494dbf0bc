"""A clinician works on when the network goes away, and the citizen reads of it afterwards."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, Journey, Person

pytestmark = pytest.mark.journey

DOCTOR = "anders-emergency"
CODE = "rolig hest blå mandag"
OPEN = "/hospital/noedkopi/aaben"


class Holder(Person):
    """A clinician with an emergency copy in the browser."""

    def makes_a_copy(self) -> None:
        """With a code, and waits until the page is kept."""
        self.goes_to("/hospital/noedkopi")
        for label in ("Vælg en kode", "Skriv koden igen"):
            self.page.get_by_label(label).fill(CODE)
        self.page.get_by_role("button", name="Lav kopien på denne computer").click()
        self.page.wait_for_url(re.compile(f"{OPEN}$"))
        self.page.get_by_text("Siden er gemt og virker uden netværk.").wait_for(state="visible")

    def loses_the_network(self) -> None:
        """And opens the page again, as from a bookmark."""
        self.context.set_offline(True)
        self.goes_to(OPEN)
        self.is_there()

    def is_there(self) -> None:
        """The page has begun."""
        self.page.locator("#noedkopi[data-begun]").wait_for(state="attached")

    def unlocks(self, code: str = CODE) -> None:
        """With a code."""
        self.page.get_by_label("Din kode").fill(code)
        self.page.get_by_role("button", name="Lås op").click()

    def opens(self, name: str, reason: str = "Akut behandling nu") -> None:
        """One patient, with a reason."""
        self.page.get_by_role("radio", name=name).check()
        self.page.get_by_label(reason).check()
        self.page.get_by_role("button", name="Skriv i loggen, og vis patienten").click()

    def gets_the_network_back(self) -> None:
        """And what was opened is told."""
        self.context.set_offline(False)
        self.page.evaluate("dispatchEvent(new Event('online'))")
        expect(self.page.get_by_text("Alle åbninger er meldt.")).to_be_visible()


def holder(journey: Journey, **more: object) -> Holder:
    person = journey.given(DOCTOR, **more)  # type: ignore[arg-type]
    person.__class__ = Holder
    assert isinstance(person, Holder)
    return person


def test_a_patient_is_opened_without_the_network_and_the_citizen_reads_of_it(journey: Journey) -> None:
    name, _ = journey.identity_of("jens")
    doctor = holder(journey)
    doctor.makes_a_copy()
    doctor.loses_the_network()
    doctor.unlocks("forkert kode her")
    expect(doctor.page.get_by_text("Koden passer ikke.")).to_be_visible()
    doctor.unlocks()
    doctor.opens(name)
    expect(doctor.page.get_by_role("heading", name=name)).to_be_visible()
    expect(doctor.page.get_by_role("heading", name="Medicinkort")).to_be_visible()
    expect(doctor.page.get_by_text("Det kan være forældet.")).to_be_visible()
    expect(doctor.page.get_by_text("Åbninger, der ikke er meldt endnu: 1")).to_be_visible()
    assert doctor.sideways == 0
    doctor.gets_the_network_back()

    citizen = journey.given("jens")
    citizen.goes_to("/borger/log")
    told = citizen.page.locator(".hh-log > li").filter(has_text="så fra en nødkopi, mens netværket var væk").first
    expect(told).to_contain_text("du blev behandlet akut")
    expect(told).to_contain_text("meddelt")
    citizen.goes_to("/borger/log/noedkopier")
    expect(citizen.page.get_by_text("fordi du blev behandlet akut").first).to_be_visible()
    assert citizen.sideways == 0


def test_nothing_of_a_patient_lies_readable_in_the_browser(journey: Journey) -> None:
    name, number = journey.identity_of("jens")
    doctor = holder(journey)
    doctor.makes_a_copy()
    kept = doctor.page.evaluate(
        """async () => {
          const asked = indexedDB.open("helhed-emergency", 1);
          const database = await new Promise((done) => { asked.onsuccess = () => done(asked.result); });
          const plain = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
            ? new TextDecoder("latin1").decode(value) : value instanceof CryptoKey ? `key ${value.extractable}`
            : value && typeof value === "object" ? Object.values(value).map(plain).join(" ") : String(value);
          const all = [];
          for (const one of database.objectStoreNames) {
            const rows = database.transaction(one).objectStore(one).getAll();
            await new Promise((done) => { rows.onsuccess = done; });
            all.push(...rows.result.map(plain));
          }
          const cache = await caches.open("helhed-emergency-1");
          for (const request of await cache.keys()) if (request.url.endsWith("aaben")) all.push(await (await cache.match(request)).text());
          return all.join("\\n");
        }"""
    )
    assert "key false" in kept
    assert name.split()[-1] not in kept
    assert number.replace("-", "") not in kept.replace("-", "")
    assert CODE not in kept


def test_a_copy_that_was_ended_from_elsewhere_is_gone_when_the_network_is_back(journey: Journey) -> None:
    doctor = holder(journey)
    doctor.makes_a_copy()
    doctor.loses_the_network()
    elsewhere = journey.given(DOCTOR)
    elsewhere.goes_to("/hospital/noedkopi")
    elsewhere.page.get_by_role("button", name=re.compile("^Luk kopien")).first.click()
    expect(elsewhere.page.get_by_text("Enheden sletter den, når den melder sig.").first).to_be_visible()
    doctor.context.set_offline(False)
    doctor.page.evaluate("dispatchEvent(new Event('online'))")
    expect(doctor.page.get_by_text("Der er ingen nødkopi på denne computer.")).to_be_visible()
    elsewhere.goes_to("/hospital/noedkopi")
    expect(elsewhere.page.get_by_text("Alt, der blev åbnet, er meldt.").first).to_be_visible()


def test_on_a_phone_and_with_a_clock_past_its_end_the_copy_is_gone(journey: Journey) -> None:
    doctor = holder(journey, size=PHONE)
    doctor.goes_to("/hospital/noedkopi")
    assert doctor.sideways == 0
    doctor.makes_a_copy()
    assert doctor.sideways == 0
    doctor.context.set_offline(True)
    doctor.page.add_init_script("const now = Date.now; Date.now = () => now() + 13 * 3600 * 1000;")
    doctor.goes_to(OPEN)
    expect(doctor.page.get_by_text("Kopien er udløbet og slettet.")).to_be_visible()
    expect(doctor.page.get_by_label("Din kode")).to_have_count(0)


def test_without_javascript_the_page_says_what_to_do(journey: Journey) -> None:
    doctor = journey.given(DOCTOR, javascript=False)
    doctor.goes_to("/hospital/noedkopi")
    assert "kræver JavaScript" in doctor.reads()
    expect(doctor.page.get_by_role("button", name="Lav kopien på denne computer")).to_have_count(0)
