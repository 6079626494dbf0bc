"""What a backup says about itself, so that what is restored can be compared with it."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import msgspec

from helhed.foundation.database import Connection
from helhed.foundation.errors import HelhedError

FORMAT = 1
MANIFEST, DATABASE, SECRETS = "manifest.json", "database.age", "secrets.age"
_PIECE = 1 << 20


class BackupDamaged(HelhedError):
    """The backup is not whole: a file is missing, or is not the one that its manifest names."""


class Head(NamedTuple):
    """How many rows a table has, and the sum (modulo 2^64) of the first 64 bits of the SHA-256 of each."""

    rows: int
    digest: str


class Role(NamedTuple):
    """A database role."""

    name: str
    may_log_in: bool


class Manifest(msgspec.Struct, frozen=True):
    """``manifest.json``."""

    format: int
    at: str  #: when the snapshot was taken
    helhed: str  #: version of the program
    postgres: int  #: server_version_num
    roles: list[Role]
    heads: dict[str, Head]  #: of every table, the access log among them
    files: dict[str, str]  #: SHA-256 of each file, in hexadecimal

    def write(self, folder: Path) -> None:
        """Into a folder."""
        (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Of a folder, its files checked. Raises BackupDamaged."""
        try:
            manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=cls)
            whole = manifest.format == FORMAT and all(
                digest_of(folder / name) == manifest.files[name] for name in (DATABASE, SECRETS)
            )
        except (OSError, KeyError, msgspec.DecodeError):
            raise BackupDamaged from None
        if not whole:
            raise BackupDamaged
        return manifest


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


_TABLES = """
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and (n.nspname in ('foundation', 'fhir', 'registries', 'trust', 'exchange', 'insight', 'portals')
                           or c.oid::regclass::text = 'helhed_migration' or c.oid::regclass::text = 'public.helhed_migration')
order by 1"""
_SUM = """
select count(*) as rows, coalesce(sum(('x' || left(encode(sha256(convert_to(t::text, 'UTF8')), 'hex'), 16))::bit(64)::bigint::numeric), 0)::text
       as total
from {} t"""
#: how values are written as text, whoever asks
_AS_TEXT = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}


async def heads(connection: Connection) -> dict[str, Head]:
    """The head of every table, as this transaction sees them."""
    for name, value in _AS_TEXT.items():
        await connection.execute("select set_config($1, $2, true)", name, value)
    tables = [row[0] for row in await connection.fetch(_TABLES)]
    return {table: await _head(connection, table) for table in tables}


async def _head(connection: Connection, table: str) -> Head:
    row = await connection.fetchrow(_SUM.format(table))
    assert row is not None
    return Head(row["rows"], f"{int(row['total']) % 2**64:016x}")
