"""Heads, the keys that sign them, and the witnesses that sign them too."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from helhed.trust.verifier.faults import Faulty
from helhed.trust.verifier.primitives import canonical, digest_of_text, from_hex, named, signed_by, unsigned, whole

_NAMES = {"v", "log", "number", "size", "root", "map", "at", "previous", "key"}
Keys = Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head whose signature holds."""

    number: int
    size: int
    root: bytes
    map: bytes
    at: int
    previous: str
    digest: str


def check_keys(log: bytes, told: Sequence[Any]) -> Keys:
    """The keys that the log may sign with. Raises Faulty."""
    keys: dict[int, bytes] = {}
    for one in told:
        entry = named(one, {"number", "public", "endorser", "endorsement"})
        number, endorser = whole(entry, "number", 1), whole(entry, "endorser")
        public, consent = from_hex(entry["public"], 32), from_hex(entry["endorsement"])
        if number != len(keys) + 1:
            raise Faulty("key", "The keys of the log are not in order.")
        if number == 1:
            good = hashlib.sha256(b"helhed log v1\n" + public).digest() == log and not endorser and not consent
        else:
            content = log + unsigned(number) + public
            good = endorser in keys and signed_by(keys[endorser], "helhed log key v1", content, consent)
        if not good:
            raise Faulty("key", "A key of the log is there without the consent of the one before it.")
        keys[number] = public
    return keys


def check_head(log: bytes, keys: Keys, told: Any) -> SeenHead:
    """A head, once its signature holds. Raises Faulty."""
    envelope = named(told, {"body", "signature"})
    body = named(canonical(envelope["body"]), _NAMES)
    if body["v"] != 1 or type(body["v"]) is not int:
        raise Faulty("format", "A head is of a version that is not known.")
    if from_hex(body["log"], 32) != log:
        raise Faulty("log", "A head is of another log.")
    public = keys.get(whole(body, "key", 1))
    signature = from_hex(envelope["signature"])
    if public is None or not signed_by(public, "helhed log head v1", envelope["body"].encode(), signature):
        raise Faulty("head", "The signature of a head does not hold.")
    return SeenHead(
        whole(body, "number", 1), whole(body, "size"), from_hex(body["root"], 32), from_hex(body["map"], 32),
        whole(body, "at"), from_hex(body["previous"], 32).hex(), digest_of_text(envelope["body"]),
    )  # fmt: skip


def check_line(first: SeenHead, later: Sequence[SeenHead]) -> None:
    """Whether heads follow one another. Raises Faulty."""
    for before, after in pairwise([first, *later]):
        follows = after.number == before.number + 1 and after.previous == before.digest
        if not follows or after.size < before.size or after.at < before.at:
            raise Faulty("order", "The heads of the log do not follow one another: there are two histories.")


def cosignature_body(log: str, head: str, at: int, witness: str) -> bytes:
    """What a witness signs."""
    return f'{{"at":{at},"head":"{head}","log":"{log}","v":1,"witness":"{witness}"}}'.encode()


def check_cosignatures(
    log: bytes, heads: Sequence[SeenHead], told: Sequence[Any], trusted: Mapping[bytes, str]
) -> list[tuple[str, int]]:
    """Which trusted witnesses signed one of these heads, and when by their own clock. Raises Faulty for one that does not hold."""
    by_number = {head.number: head for head in heads}
    found = []
    for one in told:
        entry = named(one, {"head", "witness", "public", "at", "signature"})
        public = from_hex(entry["public"], 32)
        if public not in trusted:
            continue
        head = by_number.get(whole(entry, "head", 1))
        witness, at = str(entry["witness"]), whole(entry, "at")
        content = cosignature_body(log.hex(), head.digest if head else "", at, witness)
        good = signed_by(public, "helhed log cosignature v1", content, from_hex(entry["signature"]))
        if head is None or not good:
            raise Faulty("witness", "What a witness is said to have signed, it has not.")
        found.append((witness, at))
    return found
