"""What is sent to the doors, rightly or wrongly, gets into no log, no metric and no refusal (attack 78 of the access model).

Numbers, names and tokens that nobody has are sent through every part of a request, and through errors of the database and of
the processes. Then everything that the network wrote is searched for them.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import asyncpg
import httpx
import orjson
import pytest

from helhed.foundation.database import connect, embedded_target
from helhed.foundation.postgres import EmbeddedPostgres
from helhed.registries.identifiers import CPR
from tests.support.live import LiveServer
from tests.support.logging_in import log_in
from tests.support.plants import Garden, Plant

LOGS = ("server.log", "postgres.log")
FHIR = "application/fhir+json"
#: where a refusal may name the element or the parameter that there is not, as its own asker wrote it; but no number of a person
QUOTING = "refusals"
HEAD = b'{"alg":"none"}'


class Doors:
    """The running network, what was planted there, and what it answered."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.garden = Garden()
        self.refusals: list[str] = []
        self.tokens = {name: server.persona(name)[0] for name in ("jens", "mette-gp", "epj-system")}
        self.patient = server.persona("jens")[1]
        self.begin()

    def begin(self) -> None:
        """From now on."""
        self.refusals.clear()
        self.answered = 0
        self.begun = {name: (self.server.data_dir / name).stat().st_size for name in LOGS}

    def say(self, raw: bytes, *, whole: bool = True) -> None:
        """Bytes to the socket, and the answer, if it is a refusal, to what is searched. What is not a whole request is ended."""
        place, answer = urlsplit(self.server.url), b""
        with (
            socket.create_connection((place.hostname, place.port), timeout=20) as connection,
            contextlib.suppress(
                OSError
            ),  # what is too long is not read to its end, and the connection may be gone by then
        ):
            connection.sendall(raw)
            if not whole:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(1 << 16):
                answer += piece
        self.answered += bool(answer)
        if not answer[9:12].startswith((b"1", b"2")):
            self.refusals.append(answer.decode(errors="replace"))

    def ask(
        self, method: str, path: str, *headers: str, body: bytes = b"", who: str = "mette-gp", kind: str = FHIR
    ) -> None:
        """A request, put together by hand so that anything may stand in it."""
        held = {one.partition(":")[0].lower() for one in headers}
        lines = [f"{method} {path} HTTP/1.1", *headers, "Connection: close"]
        lines += [] if "host" in held else ["Host: localhost"]
        lines += [] if "authorization" in held else [f"Authorization: Bearer {self.tokens[who]}"]
        lines += [] if "content-type" in held or not body else [f"Content-Type: {kind}"]
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def written(self) -> Iterator[tuple[str, str]]:
        """Everything that the network has written since, by its name."""
        for name in LOGS:
            with (self.server.data_dir / name).open("rb") as log:
                log.seek(self.begun[name])
                yield name, log.read().decode(errors="replace")
        for path in sorted((self.server.data_dir / "metrics").iterdir()):
            yield path.name, path.read_text(errors="replace")
        for address in ("/metrics", "/health"):
            yield address, httpx.get(self.server.url + address, timeout=20).text
        yield QUOTING, "\n".join(self.refusals)


@pytest.fixture(scope="module")
def doors(two_workers: LiveServer) -> Doors:
    return Doors(two_workers)


def observation(**more: object) -> bytes:
    return orjson.dumps({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more})


def paths(doors: Doors, one: Plant) -> None:
    for text in (one.number, quote(one.name), one.secret):
        for path in ("/", "/fhir/", "/fhir/Patient/", "/fhir/Patient/_history/", "/hospital/", "/static/", "/fhir/$"):
            doors.ask("GET", path + text)
        doors.ask("GET", f"/fhir/Patient/{doors.patient.partition('/')[2]}/_history/{text}")
        for path in ("/fhir/%00", "/fhir//", "/fhir/Patient/..%2f", "/fhir/;"):
            doors.ask("GET", path + text)
        doors.ask(text.replace("%", ""), "/fhir/Patient")


def queries(doors: Doors, one: Plant) -> None:
    for text in (one.number, one.name, one.secret):
        for name in (
            "identifier", "name", "birthdate", "_id", "_lastUpdated", "_sort", "_count", "_cursor", "_filter", "_include",
            "_elements", "_format", "_summary", "general-practitioner", "general-practitioner.name", "identifier:of-type", "wrong",
        ):  # fmt: skip
            for value in (text, f"|{text}", f"eq{text}", f"{CPR}|{text}"):
                doors.ask("GET", f"/fhir/Patient?{urlencode({name: value})}")
        doors.ask("GET", f"/fhir/Patient?{urlencode({text: 'x'})}")
        doors.ask("GET", f"/fhir/Observation?{urlencode({'value-quantity': text, 'subject:Patient.name': text})}")
        form = urlencode({"identifier": text, "birthdate": text}).encode()
        doors.ask("POST", "/fhir/Patient/_search", body=form, kind="application/x-www-form-urlencoded")


def headers(doors: Doors, one: Plant) -> None:
    for text in (one.number, quote(one.name), one.secret):
        for name in (
            "User-Agent", "Referer", "X-Request-Id", "X-Forwarded-For", "Forwarded", "Origin", "Cookie", "Host", "Accept",
            "Accept-Language", "Content-Type", "Prefer", "If-Match", "If-None-Match", "If-Modified-Since", "If-None-Exist",
            "traceparent", "Range", "Expect", "Upgrade", "Transfer-Encoding", "Content-Length",
        ):  # fmt: skip
            for path in (doors.patient, "wrong"):
                doors.ask("GET", f"/fhir/{path}", f"{name}: {text}")
            doors.ask("POST", "/fhir/Observation", f"{name}: {text}", body=observation())
            doors.ask("GET", "/borger", f"{name}: helhed={text}")


def tokens(doors: Doors, one: Plant) -> None:
    head, claims, signature = doors.tokens["jens"].split(".")
    own = orjson.dumps({"sub": f"Patient/{one.number}", "name": one.name})
    forged = base64_of(own)
    for token in (
        one.secret, one.number, f"{one.secret}.{one.secret}.{one.secret}", f"{head}.{forged}.{signature}",
        f"{base64_of(own)}.{claims}.{signature}", f"{head}.{claims}.{base64_of(one.secret.encode())}",
    ):  # fmt: skip
        for scheme in ("Bearer", "bearer", "Basic", "DPoP", ""):
            doors.ask("GET", f"/fhir/{doors.patient}", f"Authorization: {scheme} {token}")
        doors.ask("GET", f"/fhir/{doors.patient}?access_token={token}")


def base64_of(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def bodies(doors: Doors, one: Plant) -> None:
    subject = {"reference": doors.patient}
    for text in (one.number, one.name, one.secret):
        for content in (
            text.encode(), f'{{"{text}"'.encode(), f'{{"resourceType": "{text}"}}'.encode(), f"<Patient>{text}".encode(),
            observation(subject=subject, **{text: 1}), observation(subject=subject, status=text), observation(subject={"reference": text}),
            observation(subject={"reference": f"Patient/{text}"}), observation(subject=subject, effectiveDateTime=text),
            observation(subject=subject, valueQuantity={"value": text}), observation(subject=subject, code={"text": text + "\0"}),
            observation(subject=subject, identifier=[{"system": CPR, "value": [text]}]), observation(id=text, subject=subject),
            observation(subject=subject, text={"status": "generated", "div": f"<script>{text}</script>"}),
            observation(subject=subject, meta={"profile": [f"http://example.org/{text}"], "versionId": text}),
            observation(subject=subject, effectiveDateTime="99999-01-01", note=[{"text": text}]),
        ):  # fmt: skip
            for who in ("epj-system", "jens"):
                doors.ask("POST", "/fhir/Observation", body=content, who=who)
            doors.ask("PUT", f"/fhir/Observation/{one.number}", body=content, who="epj-system")
            doors.ask(
                "PATCH", f"/fhir/{doors.patient}", body=content, who="epj-system", kind="application/json-patch+json"
            )
        bundle = {"resourceType": "Bundle", "type": "transaction"}
        entry = {"request": {"method": "POST", "url": f"Observation?{text}"}, "resource": {"resourceType": text}}
        for entries in ([entry], text, [{"request": {"method": text, "url": text}}]):
            doors.ask("POST", "/fhir", body=orjson.dumps({**bundle, "entry": entries}), who="epj-system")


def records(doors: Doors, one: Plant) -> None:
    """What is stored as it should be, changed twice in the same way, and looked up."""
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": CPR, "value": one.number}],
        "name": [{"family": one.name, "given": [one.secret]}],
        "birthDate": "1950-01-01",
    }
    for _ in range(2):
        doors.ask(
            "POST",
            "/fhir/Patient",
            f"If-None-Exist: identifier={CPR}|{one.number}",
            body=orjson.dumps(patient),
            who="epj-system",
        )
        doors.ask("POST", "/fhir/Patient", body=orjson.dumps(patient), who="epj-system")
    for who in doors.tokens:
        doors.ask("GET", f"/fhir/Patient?identifier={CPR}|{one.number}", who=who)
        doors.ask("GET", f"/fhir/Patient?name={quote(one.name)}", who=who)
        described = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}]}
        doors.ask("POST", "/fhir/Patient/$match", body=orjson.dumps(described), who=who)


def pages(doors: Doors, one: Plant) -> None:
    with httpx.Client(base_url=doors.server.url, headers={"origin": doors.server.url}, timeout=20) as person:
        log_in(person, "mette-gp")
        for text in (one.number, one.name, one.secret):
            doors.refusals.append(person.get(f"/log-ind/mitid/retur?code={quote(text)}&state={quote(text)}").text)
            doors.refusals.append(person.get(f"/log-ind/{quote(text)}").text)
            doors.refusals.append(person.post("/log-ind/mitid/log-ud", data={"logout_token": text}).text)
            for path in ("/hospital/find", "/log-ind/sted", "/mine-log-ind/slut", f"/hospital/{quote(text)}"):
                answer = person.post(path, data={"patient": text, "soeg": text, "csrf": text})
                doors.refusals.append(answer.text if answer.status_code != httpx.codes.OK else "")
        doors.refusals.append(person.post("/hospital/find", content=b"patient=" + one.number.encode()).text)


def authorisation_server(doors: Doors, one: Plant) -> None:
    """What apps and systems bring: in forms, statements and proofs, and where another content type was meant."""
    statement = f"{base64_of(HEAD)}.{base64_of(orjson.dumps({'sub': one.number, 'name': one.name}))}.{base64_of(one.secret.encode())}"
    for text in (one.number, one.name, one.secret, statement):
        for path in ("token", "par", "revoke", "introspect", "register", "userinfo", "authorize", quote(text)):
            form = urlencode(dict.fromkeys(
                ("grant_type", "code", "code_verifier", "refresh_token", "token", "client_id", "client_assertion", "subject_token",
                 "assertion", "scope", "redirect_uri", "login_hint", "request_uri", "launch", text), text))  # fmt: skip
            for kind, body in (
                ("application/x-www-form-urlencoded", form.encode()),
                ("application/json", orjson.dumps({text: text})),
            ):
                doors.ask(
                    "POST",
                    f"/oauth/{path}",
                    f"DPoP: {quote(text)}",
                    f"Authorization: DPoP {quote(text)}",
                    body=body,
                    kind=kind,
                )
            doors.ask("GET", f"/oauth/{path}?{form}", f"Authorization: Basic {base64_of(text.encode())}")
        software = {
            "software_statement": text,
            "client_name": text,
            "redirect_uris": [f"https://app.example/{quote(text)}"],
        }
        doors.ask("POST", "/oauth/register", body=orjson.dumps(software), kind="application/json")


def messages(doors: Doors, one: Plant) -> None:
    """Messages that cannot be taken, of the new family and of the older ones, and questions about what became of them."""
    for text in (one.number, one.name, one.secret):
        patient = {
            "resourceType": "Patient",
            "identifier": [{"system": CPR, "value": text}],
            "name": [{"family": text}],
        }
        header = {
            "resourceType": "MessageHeader",
            "eventCoding": {"code": text},
            "source": {"endpoint": text},
            "sender": {"reference": text},
        }
        bundle = {
            "resourceType": "Bundle",
            "type": "message",
            "id": text,
            "entry": [{"resource": header}, {"resource": patient}],
        }
        for body in (
            orjson.dumps(bundle), orjson.dumps({**bundle, "entry": text}), f"UNB+UNOC:3+{text}+{text}'".encode(),
            f"<Emessage><Envelope><Identifier>{text}</Identifier></Envelope><Discharge>{text}".encode(), text.encode(),
        ):  # fmt: skip
            for who in doors.tokens:
                for kind in (FHIR, "application/xml", "application/edifact", "text/plain"):
                    doors.ask("POST", "/fhir/$process-message", body=body, who=who, kind=kind)
        asked = {
            "resourceType": "Parameters",
            "parameter": [{"name": text, "valueString": text}, {"name": "message", "valueString": text}],
        }
        for name in ("message-poll", "message-answer", "message-trace", text.replace(" ", "")):
            doors.ask("POST", f"/fhir/${quote(name)}", body=orjson.dumps(asked), who="epj-system")


def subscriptions(doors: Doors, one: Plant) -> None:
    """Where somebody wants to be told, with what secret, of whom; and the links by which calendars are fetched."""
    for text in (one.number, quote(one.name), one.secret):
        for endpoint in (
            f"https://{text}.example/",
            f"https://app.example/{text}?token={text}",
            f"http://127.0.0.1/{text}",
            text,
        ):
            channel = {
                "type": "rest-hook",
                "endpoint": endpoint,
                "payload": FHIR,
                "header": [f"Authorization: Bearer {text}", text],
            }
            for criteria in (f"Observation?patient.identifier={CPR}|{text}", f"Observation?code={text}", text):
                told = {
                    "resourceType": "Subscription",
                    "status": "requested",
                    "reason": text,
                    "criteria": criteria,
                    "channel": channel,
                }
                for who in doors.tokens:
                    doors.ask("POST", "/fhir/Subscription", body=orjson.dumps(told), who=who)
        doors.ask("GET", f"/fhir/Subscription/{text}/$events?eventsSinceNumber={text}")
        doors.ask("GET", f"/kalender/{text}.ics?{text}")


def witnesses(doors: Doors, one: Plant) -> None:
    """What is put to the public log: signatures by nobody, sizes that there never were."""
    for text in (one.number, quote(one.name), one.secret):
        signed = {
            "number": 1,
            "body": orjson.dumps({"at": 1, "head": text, "log": text, "v": 1, "witness": text}).decode(),
            "signature": text,
        }
        for body in (orjson.dumps(signed), orjson.dumps({text: text}), text.encode()):
            doors.ask("POST", "/log/cosign", body=body, kind="application/json")
        for path in (f"heads?after={text}", f"consistency?first={text}&second={text}", text):
            doors.ask("GET", f"/log/{path}")


def garbage(doors: Doors, one: Plant) -> None:
    for text in (one.number, quote(one.name), one.secret):
        for raw in (
            f"GET /{text} HTTP/9.9\r\n\r\n", f"{text}\r\n\r\n", f"GET / HTTP/1.1\r\n{text}\r\n\r\n", f"GET / HTTP/1.1\r\nHost: a\r\n{text}: {text}\0\r\n\r\n",
            f"POST /fhir HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{text}\r\n", f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{text}",
            f"GET /{text}{'a' * 200_000} HTTP/1.1\r\nHost: a\r\n\r\n", f"POST /fhir HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{text}",
        ):  # fmt: skip
            doors.say(raw.encode(), whole=False)


def database_errors(doors: Doors, one: Plant) -> None:
    """Errors that quote values in their message, their detail and their context."""
    target = embedded_target(EmbeddedPostgres(doors.server.data_dir))
    quoting = (
        f"insert into registries.citizen_identifier select '{one.number}', i.value, i.citizen from registries.citizen_identifier i, generate_series(1, 2) limit 2",
        f"insert into portals.session(key, kept) values ('{one.secret}', ''), ('{one.secret}', '')",
        f"insert into portals.session(key, kept) values ('{one.secret}', null)",
        f"do $$ begin insert into portals.session(key, kept) values ('{one.name}', null); end $$",
        f"select 1 from nowhere where name = '{one.name}'",
    )

    async def run() -> None:
        for arguments in (target.owner, target.application):
            connection = await connect(arguments)
            try:
                for statement in quoting:
                    with contextlib.suppress(asyncpg.PostgresError):
                        await connection.execute(statement)
                with contextlib.suppress(asyncpg.PostgresError):
                    await connection.fetch("select 1 / (case when $1 = $1::text then 0 else 1 end)", one.number)
            finally:
                await connection.close()

    asyncio.run(run())


def dying_worker(doors: Doors, one: Plant) -> None:
    """A worker is killed while it answers."""
    marks = doors.server.data_dir / "workers"
    before = {path.name for path in marks.iterdir()}
    body = observation(subject={"reference": doors.patient}, code={"text": one.name})
    asking = threading.Thread(
        target=doors.ask,
        args=("POST", f"/fhir/Observation?{one.number}", f"User-Agent: {one.secret}"),
        kwargs={"body": body},
    )
    asking.start()
    os.kill(int(sorted(before)[0]), signal.SIGKILL)
    asking.join()
    waiting = threading.Event()
    for _ in range(600):
        if {path.name for path in marks.iterdir()} - before:
            return
        waiting.wait(0.1)


DOORS: list[Callable[[Doors, Plant], None]] = [
    paths, queries, headers, tokens, bodies, records, pages, authorisation_server, messages, subscriptions, witnesses, garbage,
    database_errors, dying_worker,
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_what_is_sent_here_gets_into_no_log_no_metric_and_no_refusal(
    doors: Doors, door: Callable[[Doors, Plant], None]
) -> None:
    doors.begin()
    door(doors, doors.garden.plant(door.__name__))
    found = {name: leaks for name, text in doors.written() if (leaks := doors.garden.found(text, name == QUOTING))}
    assert found == {}
    assert doors.answered or door in {database_errors, pages, dying_worker}  # who is killed may answer nobody


def test_what_a_start_that_fails_says_holds_no_password(tmp_path: Path) -> None:
    one = Garden().plant("start")
    for address in (
        f"postgresql://owner:{one.secret}@127.0.0.1:1/helhed",
        f"postgresql://o:{one.secret}@[bad",
    ):
        environment = {**os.environ, "HELHED_DATA_DIR": str(tmp_path), "HELHED_DATABASE_URL": address}
        command = [sys.executable, "-m", "helhed.cli", "serve", "--port", "8229"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode != 0
        assert one.secret not in done.stdout + done.stderr


@pytest.mark.parametrize("written", ["{number}", "cpr=311200-7000", "{name}", "Key (family)=({name})", "?t={secret}"])
def test_the_search_finds_what_gets_out(written: str) -> None:
    garden = Garden()
    one = garden.plant("x")
    assert garden.found(f"before {written.format(number=one.number, name=one.name, secret=one.secret)} after")
    for form in one.forms():
        assert garden.found(f"abc{form}def")
    assert not garden.found("ordinary text 311200 7001")
