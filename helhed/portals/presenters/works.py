"""How the network stands, in lines: what is so, whether somebody has to do something, and whose move it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_timedelta

from helhed.portals.language import Words
from helhed.portals.ports.works import State
from helhed.trust.audit_events.delivering import LogSource
from helhed.trust.watch.works import BACKUP, Deadlines, works_policy

GOOD, SOON, ACT = "good", "soon", "act"
_ORDER = (ACT, SOON, GOOD)
_CASES, _INCIDENTS, _ASSESSMENT = "/drift/overvaagning", "/drift/haendelser", "/drift/egenkontrol"
_REVIEWS, _QUESTIONS = "/hospital/gennemsyn", "/hospital/log"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing."""

    name: str
    said: str
    state: str
    whose: str
    address: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Things of one kind."""

    id: str
    name: str
    lines: tuple[Line, ...]


def parts(state: State, words: Words, now: datetime) -> list[Part]:
    """The page."""
    teller = _Teller(state, words, now)
    told = {
        "net": [*teller.network(), *teller.messages()], "log": teller.log(), "kilder": teller.sources(), "frister": teller.deadlines(),
        "haendelser": teller.incidents(), "vaerker": teller.own_works(),
    }  # fmt: skip
    return [Part(name, words(f"works.part.{name}"), tuple(lines)) for name, lines in told.items()]


def summed(found: Sequence[Part]) -> dict[str, int]:
    """How many lines are in each state."""
    states = [line.state for part in found for line in part.lines]
    return {state: states.count(state) for state in _ORDER}


@dataclass(frozen=True, slots=True)
class _Teller:
    state: State
    words: Words
    now: datetime

    def _line(self, name: str, said: str, state: str, whose: str, address: str = "", details: Sequence[str] = (), **told: object) -> Line:  # fmt: skip
        """``name``, ``said`` and ``whose`` are keys of words; nobody has a move where all is well."""
        move = self.words("works.nobody") if state == GOOD else self.words(f"works.whose.{whose}")
        return Line(
            self.words(f"works.name.{name}"), self.words(f"works.said.{said}", **told), state, move, address,
            tuple(details),
        )  # fmt: skip

    def _span(self, length: timedelta) -> str:
        return str(format_timedelta(length, locale=self.words.locale, threshold=2))

    def _ago(self, moment: datetime) -> str:
        return self._span(self.now - moment)

    def network(self) -> Iterator[Line]:
        """Processes, migrations, indexing."""
        held = self.state
        yield self._line("workers", "workers", GOOD if held.workers else SOON, "operator", "/health", n=held.workers)
        if held.pending:
            yield self._line("migrations", "pending", ACT, "migrate", "/health", held.pending, n=len(held.pending))
        else:
            yield self._line("migrations", "migrated", GOOD, "operator")
        if held.indexing:
            yield self._line(
                "indexing", "indexing", SOON, "wait", "/metrics", held.indexing, done=round(held.indexed * 100)
            )
        else:
            yield self._line("indexing", "indexed", GOOD, "operator")

    def messages(self) -> Iterator[Line]:
        """Between organisations: what was put aside, reached nobody, or differs."""
        held = self.state.messages
        if held is not None:
            bad = held.parked + held.stuck + held.differing
            said = "messages" if bad else "messages_well"
            yield self._line(
                "messages", said, ACT if bad else GOOD, "messages", "/drift/beskeder",
                parked=held.parked, stuck=held.stuck, differing=held.differing, waiting=held.waiting,
            )  # fmt: skip

    def log(self) -> Iterator[Line]:
        """The log, and who witnesses it."""
        held, rules = self.state.log, works_policy()
        if held.late:
            yield self._line("sequencing", "sequencing_late", ACT, "sequencer", "/metrics", n=round(held.waiting))
        else:
            yield self._line("sequencing", "sequencing", GOOD, "operator", size=self.words.number(held.size))
        if not held.head:
            yield self._line("head", "no_head", ACT, "sequencer", "/log/head")
        else:
            old = held.head_age > rules.head_at_most.total_seconds() and held.waiting > 0
            yield self._line(
                "head",
                "head",
                ACT if old else GOOD,
                "sequencer",
                "/log/head",
                number=self.words.number(held.head),
                age=self._span(timedelta(seconds=held.head_age)),
            )
        yield from self._witnesses()

    def _witnesses(self) -> Iterator[Line]:
        held = self.state
        if not held.works.witnesses:
            yield self._line("witnesses", "no_witnesses", ACT, "witnesses")
        for one in held.works.witnesses:
            behind = held.log.head - (one.head or 0)
            silent = one.at is None or (behind > 0 and self.now - one.at > works_policy().witness_at_most)
            said = "witness_never" if one.at is None else "witness"
            line = self._line(
                "witness",
                said,
                ACT if silent else GOOD,
                "witness",
                "",
                (),
                n=behind,
                behind=self.words.number(behind),
                ago=self._ago(one.at) if one.at else "",
            )
            yield Line(self.words("works.name.witness", name=one.name), line.said, line.state, line.whose)

    def sources(self) -> Iterator[Line]:
        """Logs that others deliver: who is behind, and by how much."""
        if not self.state.sources:
            yield self._line("sources", "no_sources", GOOD, "operator")
        for one in sorted(self.state.sources, key=lambda one: (not one.gaps, one.silent_since is None, one.name)):
            yield self._source(one)

    def _source(self, one: LogSource) -> Line:
        counted = self.words("works.counted", said=self.words.number(one.said), here=self.words.number(one.here))
        gaps = [
            self.words("works.gap", since=self.words.instant(gap.since), until=self.words.instant(gap.until), said=gap.said, here=gap.here, by=self.words.instant(gap.mend_by))
            for gap in one.gaps
        ]  # fmt: skip
        if one.gaps:
            said, state = self.words("works.said.source_gaps", n=len(one.gaps)), ACT
        elif one.silent_since is not None:
            said, state = self.words("works.said.source_silent", ago=self._ago(one.silent_since)), ACT
        elif one.whole_until is None:
            said, state = self.words("works.said.source_untold"), SOON
        else:
            said, state = self.words("works.said.source_whole", when=self.words.instant(one.whole_until)), GOOD
        whose = self.words("works.nobody") if state == GOOD else self.words("works.whose.source", name=one.name)
        return Line(one.name, said, state, whose, "", (counted, *gaps))

    def deadlines(self) -> Iterator[Line]:
        """What waits for people."""
        held = self.state.works
        yield self._waiting("cases", held.cases, "security", _CASES)
        yield self._waiting("reviews", held.reviews, "reviewer", _REVIEWS)
        yield self._waiting("questions", held.questions, "log_keeper", _QUESTIONS)

    def _waiting(self, name: str, held: Deadlines, whose: str, address: str) -> Line:
        if not held.open:
            return self._line(name, "none_open", GOOD, whose)
        near = held.next is not None and held.next - self.now <= works_policy().deadline_soon
        state = ACT if held.late else SOON if near else GOOD
        when = self.words.instant(held.next) if held.next else ""
        return self._line(
            name, "open_late" if held.late else "open", state, whose, address, n=held.open, late=held.late, when=when
        )

    def incidents(self) -> Iterator[Line]:
        """Each with its clock."""
        held = self.state.works.incidents
        if not held:
            yield self._line("incidents", "no_incidents", GOOD, "security")
        for one in held:
            name = self.words("works.name.incident", number=one.number, kind=one.class_)
            if one.next is None:
                yield Line(
                    name,
                    self.words("works.said.incident_done"),
                    SOON,
                    self.words("works.whose.security"),
                    f"{_INCIDENTS}/{one.id}",
                )
                continue
            late = one.next.at <= self.now
            near = one.next.at - self.now <= works_policy().deadline_soon
            said = self.words(
                "works.said.incident_late" if late else "works.said.incident", step=one.next.step.words[self.words.language],
                when=self.words.instant(one.next.at), left=self._span(abs(one.next.at - self.now)),
            )  # fmt: skip
            yield Line(
                name,
                said,
                ACT if late else SOON if near else GOOD,
                self.words("works.whose.security"),
                f"{_INCIDENTS}/{one.id}",
            )

    def own_works(self) -> Iterator[Line]:
        """Outbox, backup, certificates, keys, assessments."""
        held, rules = self.state.works, works_policy()
        slow = held.oldest is not None and self.now - held.oldest > rules.outbox_at_most
        yield self._line(
            "outbox",
            "outbox_failed" if held.failed else "outbox",
            ACT if held.failed or slow else GOOD,
            "outbox",
            "/metrics",
            n=held.waiting,
            failed=held.failed,
        )
        at = held.marks.get(BACKUP)
        if at is None:
            yield self._line("backup", "no_backup", ACT, "backup")
        else:
            old = self.now - at > rules.backup_at_most
            yield self._line(
                "backup", "backup", ACT if old else GOOD, "backup", when=self.words.instant(at), ago=self._ago(at)
            )
        for name, until in held.certificates:
            over, near = until <= self.now, until - self.now <= rules.certificate_soon
            line = self._line(
                "certificate",
                "certificate",
                ACT if over else SOON if near else GOOD,
                "certificate",
                when=self.words.day(until),
            )
            yield Line(self.words("works.name.certificate", name=name), line.said, line.state, line.whose)
        oldest = min((one.since for one in self.state.keys), default=None)
        if oldest is not None:
            old = self.now - oldest > rules.key_at_most
            yield self._line(
                "keys", "keys", SOON if old else GOOD, "keys", n=len(self.state.keys), when=self.words.day(oldest)
            )
        if not held.assessed:
            yield self._line("posture", "no_posture", SOON, "security", _ASSESSMENT)
        else:
            yield self._line(
                "posture",
                "posture",
                SOON if held.overdue else GOOD,
                "security",
                _ASSESSMENT,
                places=held.assessed,
                lacking=held.lacking,
                late=held.overdue,
            )
