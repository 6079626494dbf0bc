"""A log in memory, of synthetic events, with everything that signs it at hand: what honest logs and forgers are made of."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from helhed.trust.evidence.hashes import EMPTY, chain_hash, map_key, map_leaf
from helhed.trust.evidence.heads import Head, Signer, log_id
from helhed.trust.evidence.sparse import ROW, TOP, BucketTree, bucket_of, node_of, nodes_of, path_above, path_below
from helhed.trust.evidence.tree import Tree, appended

LOG_KEYS = (b"l" * 32, b"m" * 32)
WITNESSES = {"patientforening.demo": b"p" * 32, "region.demo": b"r" * 32}
BEGUN = 1_795_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND


def public_of(secret: bytes) -> str:
    """The public half of a key, in hexadecimal."""
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw().hex()


def canonical(content: Any) -> str:
    """Canonical JSON of what is plain."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@dataclass
class SmallLog:
    """Events by position, each with what it commits to."""

    log: bytes = log_id(Signer(LOG_KEYS[0]).public)
    events: list[str] = field(default_factory=list)
    opens: list[dict[str, dict[str, str]]] = field(default_factory=list)
    named: list[tuple[int, ...]] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    keys: int = 1  #: how many log keys are in use
    at: int = BEGUN

    def add(self, *citizens: int, **more: Any) -> None:
        """One event that names these."""
        number = len(self.events)
        values = {"actor": f'"{1000 + number % 3}"'}
        if citizens:
            values["citizens"] = canonical([str(one) for one in citizens])
        salts = {name: hashlib.sha256(f"{name}{number}".encode()).digest()[:16] for name in values}
        committed = {
            name: hashlib.sha256(b"\x05" + salts[name] + value.encode()).hexdigest() for name, value in values.items()
        }
        event = {"action": 1, "at": self.at + number * SECOND, "event": "look", "id": str(number), "kind": 2, "v": 1,
                 "permitted": True, "role": "læge", "trace": str(UUID(int=number)), **committed, **more}  # fmt: skip
        self.events.append(canonical(event))
        self.opens.append({name: {"salt": salts[name].hex(), "value": value} for name, value in values.items()})
        self.named.append(citizens)
        self.leaves.append(hashlib.sha256(b"\x00" + self.events[-1].encode()).digest())

    # --- heads --------------------------------------------------------------------------------------------------------

    def tree(self) -> Tree:
        """Of all leaves."""
        return Tree(len(self.leaves), appended(0, {}, self.leaves).__getitem__)

    def chain(self, citizen: int) -> list[int]:
        """The positions that name a citizen."""
        return [position for position, named in enumerate(self.named) if citizen in named]

    def members(self) -> dict[int, tuple[bytes, bytes]]:
        """Key and leaf in the map of every citizen."""
        found = {}
        for citizen in {one for named in self.named for one in named}:
            state, positions = EMPTY, self.chain(citizen)
            for counter, position in enumerate(positions, 1):
                state = chain_hash(state, counter, position, self.leaves[position])
            key = map_key(self.log, citizen)
            found[citizen] = (key, map_leaf(key, len(positions), state))
        return found

    def map(self) -> BucketTree:
        """Of all chains."""
        buckets: dict[int, list[tuple[bytes, bytes]]] = {}
        for member in self.members().values():
            buckets.setdefault(bucket_of(member[0]), []).append(member)
        return BucketTree({bucket: node_of(those) for bucket, those in buckets.items()})

    def sign(self, at: int | None = None, **other: Any) -> Head:
        """The next head; ``other`` says what a forger would have it say."""
        signer = Signer(LOG_KEYS[self.keys - 1])
        said = {"size": len(self.leaves), "root": self.tree().root() if self.leaves else EMPTY, "map_root": self.map().root,
                "at": self.at + len(self.leaves) * SECOND if at is None else at, **other}  # fmt: skip
        head = signer.head(self.log, self.keys, self.heads[-1] if self.heads else None, **said)
        self.heads.append(head)
        return head

    # --- what others are told -----------------------------------------------------------------------------------------

    def told_keys(self) -> list[dict[str, Any]]:
        """The keys, as an export has them."""
        told = [{"number": 1, "public": public_of(LOG_KEYS[0]), "endorser": 0, "endorsement": ""}]
        if self.keys > 1:
            second = Signer(LOG_KEYS[1]).public
            consent = Signer(LOG_KEYS[0]).endorse(self.log, 2, second).hex()
            told.append({"number": 2, "public": second.hex(), "endorser": 1, "endorsement": consent})
        return told

    def map_path(self, citizen: int) -> list[str]:
        """The way of a citizen through the map."""
        members, tree = self.members(), self.map()
        key = members[citizen][0]
        beside = [one for one in members.values() if one[0][:2] == key[:2]]
        row, place = divmod(bucket_of(key), ROW)
        siblings, alone = path_above(nodes_of(tree.row(row)), place, alone=len(beside) == 1)
        above = path_above(nodes_of(tree.row(TOP)), row, alone=alone)[0]
        return [one.hex() for one in [*path_below(beside, key), *siblings, *above]]

    def export(self, *citizens: int, witnesses: Sequence[str] = tuple(WITNESSES), later: int = 0) -> dict[str, Any]:
        """What a citizen with these keys takes out. The last ``later`` heads follow the one that proves."""
        head = self.heads[-1 - later]
        tree = self.tree()
        positions = sorted({position for citizen in citizens for position in self.chain(citizen)})
        return {
            "format": "helhed-log-export", "v": 1, "log": self.log.hex(), "made": head.at + SECOND,
            "keys": self.told_keys(), "head": told(head), "later": [told(one) for one in self.heads[len(self.heads) - later :]],
            "cosignatures": [cosignature(self.heads[-1], self.log.hex(), name) for name in witnesses],
            "events": [{"position": one, "event": self.events[one], "open": self.opens[one],
                        "path": [part.hex() for part in tree.inclusion(one)]} for one in positions],
            "chains": [{"citizen": str(one), "positions": self.chain(one), "path": self.map_path(one)} for one in citizens],
        }  # fmt: skip


def told(head: Head) -> dict[str, str]:
    """A head as others read it."""
    return {"body": head.body, "signature": head.signature.hex()}


def cosignature(head: Head, log: str, name: str, secret: bytes | None = None, at: int | None = None) -> dict[str, Any]:
    """What a witness says of a head; ``at`` is when, a second after the head says it was made unless it was otherwise."""
    at = head.at + SECOND if at is None else at
    body = f'{{"at":{at},"head":"{head.digest().hex()}","log":"{log}","v":1,"witness":"{name}"}}'
    secret = secret or WITNESSES[name]
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(f"helhed log cosignature v1\n{body}".encode())
    return {"head": head.number, "witness": name, "public": public_of(secret), "at": at, "signature": signature.hex()}


#: two citizens among others, the first with a record that also names the second
ANE, BO = 4_611_686_018_427_387_904, -77


def honest(make: Callable[[SmallLog], None] = lambda _: None) -> SmallLog:
    """A log of 13 events and two heads."""
    log = SmallLog()
    for number in range(9):
        log.add(ANE if number % 3 else 100 + number)
    log.sign()
    log.add(BO, ANE)
    log.add()
    log.add(ANE)
    log.add(BO)
    make(log)
    log.sign()
    return log
