"""What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5803 and RFC 7677): with it a password is set without being told.

A statement may end up in the log of the server that runs it; this one holds nothing that anybody could log in with.
"""

import hmac
import secrets
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256

from helhed.foundation.database import Connection

_ROUNDS, _SALT_BYTES = 4096, 16


async def set_password(connection: Connection, password: str) -> None:
    """The password of helhed_app, from the next connection on."""
    kept = verifier(password, secrets.token_bytes(_SALT_BYTES)) if password.isascii() else password
    statement = await connection.fetchval("select format('alter role helhed_app password %L', $1::text)", kept)
    await connection.execute(statement)


def verifier(password: str, salt: bytes) -> str:
    """Of an ASCII password; others would have to be normalised first (RFC 4013)."""
    salted = pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ROUNDS)
    stored = sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${_ROUNDS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(value: bytes) -> str:
    return b64encode(value).decode()
