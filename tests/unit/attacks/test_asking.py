"""Attacks 19 to 25, 43 and 44 of the access model: what is asked stays text, costs a bounded amount, and finds nothing more."""

from typing import Any
from urllib.parse import quote

import pytest

from helhed.fhir.query import MOST_COUNT
from tests.support.door import BASE, Door, ids, link
from tests.unit.attacks.oracle import plain, state
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
OK, BAD_REQUEST = 200, 400

QUOTES = [
    "' or '1'='1",
    "'; drop table x; --",
    '"',
    "\\'",
    "$$",
    "%s",
    "{0}",
    "a') or true --",
    "\x1a",
    "x\ny",
    "’",
]
TEXTS = ["Patient?family={}", "Patient?family:exact={}", "Patient?family:contains={}", "Patient?identifier=urn:x|{}", "Observation?code={}",
         "Observation?code:text={}", "Observation?patient=Patient/{}", "Observation?subject:Patient.family={}", "Observation?_tag={}",
         "Observation?_profile={}", "Patient?_has:Observation:patient:code={}", "Observation?_id={}", "Patient?address-city={}"]  # fmt: skip


@pytest.mark.parametrize("url", TEXTS)
async def test_quotes_in_a_value_are_letters(library: Scene, url: str) -> None:
    """Attack 19."""
    door, before = Door(library.world, library.doctor), await state(library.world)
    for text in QUOTES:
        status, told = await door.get("/fhir/" + url.format(quote(text)))
        if status != OK:
            plain(status, told)
        else:
            assert ids(told) == []
    assert await state(library.world) == before


@pytest.mark.parametrize(
    "name", ["_sort", "_elements", "_include", "_revinclude", "_summary", "_total", "_count", "_cursor", "_type"]
)
async def test_what_shapes_an_answer_is_a_word_that_is_known(library: Scene, name: str) -> None:
    """Attack 20."""
    door = Door(library.world, library.doctor)
    for text in [*QUOTES, "code;select", "code,(select 1)", "-", "code desc", "updated", "body"]:
        status, told = await door.get(f"/fhir/Observation?patient={library.patient}&{name}={quote(text)}")
        plain(status, told)


@pytest.mark.parametrize("mark", ["%", "_", "\\", "%%", "_______", "n_s", "%n%"])
@pytest.mark.parametrize("how", ["", ":contains", ":exact", ":ends-with"])
async def test_a_mark_that_means_anything_to_a_database_means_itself(library: Scene, how: str, mark: str) -> None:
    """Attack 21."""
    status, told = await Door(library.world, library.doctor).get(f"/fhir/Patient?family{how}={quote(mark)}")
    if status != OK:
        plain(status, told)
    else:
        assert ids(told) == []


COSTLY = [
    "Observation?" + "encounter.part-of." * 50 + "status=finished",
    "Observation?" + "subject:Patient.general-practitioner:Organization.partof:Organization." * 10 + "name=x",
    "Patient?" + "_has:Observation:patient:_has:Provenance:target:" * 20 + "code=x",
    "Observation?_filter=" + quote("(" * 2000 + "code eq a" + ")" * 2000),
    "Observation?_filter=" + quote(" and ".join(["code eq a"] * 2000)),
    "Observation?_filter=" + quote("not (" * 500 + "code eq a" + ")" * 500),
    "Observation?" + "&".join(["code=a"] * 150),
    "Observation?" + "&".join(["code=a"] * 5000),
    "Observation?code=" + ",".join(["a"] * 5000),
    "Observation?code=" + "a" * 100_000,
    "Observation?_sort=" + ",".join(["date"] * 50),
    "Observation?_elements=" + ",".join(["code"] * 500),
    "Observation?" + "&".join(["_include=Observation:subject"] * 40),
    "Observation?_include=" + "Observation:subject," * 3,
    "Observation?_count=-1",
    "Observation?_count=1e9",
    "Observation?_count=" + "9" * 400,
    "Observation?date=" + "9" * 400,
    "Observation?value-quantity=" + "1" * 4000,
    "Patient?_id=" + ",".join(["0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"] * 5000),
]


@pytest.mark.parametrize("url", COSTLY, ids=range(len(COSTLY)))
async def test_what_would_cost_without_end_is_refused_before_the_database_is_asked(
    library: Scene, url: str, monkeypatch: Any
) -> None:
    """Attacks 22 and 23."""
    store = library.world.store
    monkeypatch.setattr(type(store), "search", lambda *_: pytest.fail("the database was asked"))
    status, told = await Door(library.world, library.doctor).get("/fhir/" + url)
    plain(status, told)


async def test_a_page_is_never_larger_than_pages_are(library: Scene) -> None:
    """Attack 23."""
    door = Door(library.world, library.doctor)
    for count in ("1000000000", "99999999999999999999"):
        status, told = await door.get(f"/fhir/Observation?patient={library.patient}&_count={count}")
        assert (status, len(told["entry"]) <= MOST_COUNT) == (OK, True)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", ".*.*.*.*x", "(" * 500, "[" * 500]
)
async def test_a_regular_expression_is_text_like_any_other(library: Scene, pattern: str) -> None:
    """Attack 22: no parameter is one, so none can go astray."""
    for url in (
        "Patient?family:contains={}",
        'Patient?_filter=family co "{}"',
        "Observation?_text={}&patient=" + str(library.patient),
    ):
        text = quote(pattern, safe="")
        status, told = await Door(library.world, library.doctor).get("/fhir/" + url.format(text).replace(" ", "%20"))
        if status != OK:
            plain(status, told)
        else:
            assert ids(told) == []


def spoiled(cursor: str) -> list[str]:
    """A page link with a letter changed in each part, cut, doubled, turned round, emptied."""
    flipped = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(0, len(cursor), 7)]
    return [
        *flipped,
        cursor[:-5],
        cursor + cursor,
        cursor[::-1],
        "",
        "A",
        "null",
        "../../x",
        cursor.swapcase(),
        cursor + "%00",
    ]


async def test_a_page_link_that_was_touched_is_none(library: Scene) -> None:
    """Attack 24: each is one refusal, and the same one, whatever was done to it."""
    world = library.world
    await world.observation(library.patient, library.hospital)
    door = Door(world, library.doctor)
    _, bundle = await door.get(f"/fhir/Observation?patient={library.patient}&_count=1")
    cursor = link(bundle, "next").rpartition("_cursor=")[2]
    told = {str((await door.get(f"/fhir/Observation?_cursor={one}"))[1]) for one in spoiled(cursor) if one}
    assert len(told) == 1
    for asker in (library.citizen, library.gp, library.stranger):
        assert (await Door(world, asker).get(f"/fhir/Observation?_cursor={cursor}"))[0] == BAD_REQUEST
    for place in ("Condition", "Patient", f"Patient/{library.patient}/Observation"):
        assert (await door.get(f"/fhir/{place}?_cursor={cursor}"))[0] == BAD_REQUEST


@pytest.mark.parametrize(
    "name", ["nosuch", "patient:nosuch", "Patient", "code.", ".code", ":code", "_nosuch", "__proto__", "code[]"]
)
async def test_what_is_not_known_is_refused_and_when_lenient_never_widens(library: Scene, name: str) -> None:
    """Attack 25."""
    door, pair = Door(library.world, library.doctor), f"{quote(name)}=x"
    plain(*await door.get(f"/fhir/Observation?{pair}"))
    plain(*await door.get(f"/fhir/Observation?{pair}", prefer="handling=lenient"))  # nothing else limits it
    _, bundle = await door.get(f"/fhir/Observation?patient={library.patient}&{pair}", prefer="handling=lenient")
    (said,) = (one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "outcome")
    assert said["issue"][0]["severity"] == "warning"


PATHS = ["/fhir/../metadata", "/fhir/%2e%2e/metadata", "/fhir//Observation", "/fhir/Observation//", "/fhir/Observation;v=1", "/fhir/Observation/%00",
         "/fhir/Observation\\..", "/fhir/./Observation", "/fhir/Observation/..%2fPatient", "/fhir/Observation%2F_history", "/fhir/Obser%76ation",
         "/fhir/Observation/\u0661", "/fhir/Observation/x/_history/../..", "/fhir/" + "a" * 5000, "/fhir/" + "Observation/" * 500]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_address_that_could_be_read_in_two_ways_is_none(library: Scene, method: str, path: str) -> None:
    """Attack 44."""
    before = await state(library.world)
    status, _, told = await Door(library.world, library.custodian).do(method, path, b"{}")
    plain(status, told)
    assert await state(library.world) == before


@pytest.mark.parametrize(
    "name", ["x_http_method_override", "x_http_method", "x_method_override", "x_original_url", "x_rewrite_url"]
)
async def test_no_header_makes_a_request_another_one(library: Scene, name: str) -> None:
    """Attack 43."""
    before, door = await state(library.world), Door(library.world, library.custodian)
    for value in ("DELETE", "/fhir/Patient"):
        status, _, _ = await door.do("GET", f"/fhir/Observation/{library.observation}", **{name: value})
        assert status == 404, "a custodian reads nothing, whatever it says"
    assert await state(library.world) == before


@pytest.mark.parametrize("head", [{"host": "evil.example"}, {"x-forwarded-host": "evil.example"}, {"forwarded": "host=evil.example"}, {"x-forwarded-proto": "javascript"}, {"x-forwarded-prefix": "/evil"}])  # fmt: skip
async def test_no_header_puts_another_host_into_a_link(library: Scene, head: dict[str, str]) -> None:
    """Attack 71."""
    await library.world.observation(library.patient, library.hospital)
    _, bundle = await Door(library.world, library.doctor).get(
        f"/fhir/Observation?patient={library.patient}&_count=1", **head
    )
    assert all(one["url"].startswith(BASE + "/") for one in bundle["link"])
    assert all(one["fullUrl"].startswith(BASE + "/") for one in bundle["entry"])
    _, told, _ = await Door(library.world, library.custodian).do("POST", "/fhir/Observation", library.result(), **{name.replace("-", "_"): value for name, value in head.items()})  # fmt: skip
    assert told["location"].startswith(BASE + "/")


@pytest.mark.parametrize("name", ["$graphql", "$graph", "$export", "$sql", "$convert", "$meta-add"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_way_round_that_is_not_there_is_refused(library: Scene, method: str, name: str) -> None:
    """Attack 30."""
    for place in ("", f"Patient/{library.patient}/"):
        status, _, told = await Door(library.world, library.stranger).do(method, f"/fhir/{place}{name}?query=x", b"{}")
        assert status in {400, 404, 405, 501}
        assert told["resourceType"] == "OperationOutcome"


async def test_a_label_that_a_writer_sets_opens_and_hides_nothing(library: Scene) -> None:
    """Attack 37: what is decided on is worked out here, never read from what was sent."""
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "U"}
    for code in ("U", "V"):
        meta = {"security": [{**label, "code": code}], "tag": [{"system": "urn:helhed", "code": "public"}]}
        status, kept = await Door(library.world, library.custodian).post("/fhir/Observation", library.result(meta=meta))
        url = f"/fhir/Observation/{kept['id']}"
        assert status == 201
        assert (await Door(library.world, library.stranger).get(url))[0] == 404
        assert (await Door(library.world, library.doctor).get(url))[0] == OK
