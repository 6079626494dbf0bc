"""The keys commands: what keys there are, and one taking the place of another while the network serves."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console
from rich.table import Table

from helhed.app import database
from helhed.foundation.clock import Clock, system_clock
from helhed.foundation.database import application_password, connected
from helhed.foundation.errors import HelhedError
from helhed.foundation.keyring import Key, KeyPurpose, State
from helhed.foundation.keyring_file import change_keyring, random_key, read_keyring
from helhed.foundation.lanes import LOST
from helhed.foundation.proving import proof_secret, put_proof_keys
from helhed.foundation.scram import set_password
from helhed.foundation.settings import Settings


class NeverChanged(HelhedError):
    """The secret never changes: the ids of everything imported follow from it, and whom tokens are for. See the how-to."""


class NoSuchPurpose(HelhedError):
    """There are keys for cursors, tokens, sessions, pseudonyms, database and log."""


class PasswordIsSet(HelhedError):
    """HELHED_DATABASE_APP_PASSWORD says what the password is: change it there."""


def purpose_named(name: str) -> KeyPurpose:
    """What a key is for. Raises NeverChanged or NoSuchPurpose."""
    if name in {"secret", "identity"}:
        raise NeverChanged
    if name not in set(KeyPurpose):
        raise NoSuchPurpose
    return KeyPurpose(name)


def prepare(settings: Settings, purpose: KeyPurpose, clock: Clock = system_clock) -> Key:
    """A new key that is accepted from now on, and used for nothing yet. Raises PasswordIsSet."""
    if purpose is KeyPurpose.DATABASE and settings.database_app_password:
        raise PasswordIsSet
    fresh = random_key(purpose, State.ACCEPTED, clock())
    change_keyring(settings.data_dir, lambda ring: ring.with_new(fresh))
    return fresh


def activate(settings: Settings, id: str, clock: Clock = system_clock) -> Key:
    """Use a key from now on. Raises NoSuchKey or KeyRetired."""
    read_keyring(settings.data_dir).activated(id, clock())  # may it be?
    key = read_keyring(settings.data_dir).key(id)
    if key.purpose is KeyPurpose.DATABASE and key.secret is not None:
        accepted = read_keyring(settings.data_dir).secrets(KeyPurpose.DATABASE)
        others = [secret for secret in accepted if secret != key.secret]
        asyncio.run(_tell_database(settings, [key.secret, *others]))
    return change_keyring(settings.data_dir, lambda ring: ring.activated(id, clock())).key(id)


def rotate(settings: Settings, purpose: KeyPurpose, clock: Clock = system_clock) -> Key:
    """A new key that is used from now on; what was used before is still accepted. Raises PasswordIsSet."""
    return activate(settings, prepare(settings, purpose, clock).id, clock)


def retire(settings: Settings, id: str, clock: Clock = system_clock) -> Key:
    """Accept a key no longer, and erase it. Raises NoSuchKey or KeyInUse."""
    ring = change_keyring(settings.data_dir, lambda ring: ring.retired(id, clock()))
    if ring.key(id).purpose is KeyPurpose.DATABASE:
        asyncio.run(_tell_database(settings, ring.secrets(KeyPurpose.DATABASE)))
    return ring.key(id)


def print_keys(settings: Settings) -> None:
    """Everything about the keys but what they are."""
    table = Table("key", "for", "state", "made", "in this state since", box=None, pad_edge=False)
    for key in sorted(read_keyring(settings.data_dir).keys, key=lambda key: (key.purpose, key.created)):
        moments = (f"{at:%Y-%m-%d %H:%M}" for at in (key.created, key.changed))
        table.add_row(key.id, key.purpose, key.state.name.lower(), *moments)
    Console(width=120).print(table)


async def _tell_database(settings: Settings, secrets: Sequence[bytes]) -> None:
    """Whoever connects to a server of the operator's meanwhile tries both passwords; both prove. An embedded server knows its
    users by the operating system, and one that stands still is told when it starts.
    """
    target, embedded = database(settings)
    with suppress(*(() if embedded is None else LOST)):
        async with connected(target.owner) as connection:
            if embedded is None and not settings.database_app_password:
                await set_password(connection, application_password(settings, secrets[0]))
            await put_proof_keys(connection, [proof_secret(secret) for secret in secrets])
