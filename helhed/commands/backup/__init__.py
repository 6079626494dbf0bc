"""Backup and restore: a consistent copy, encrypted, and the proof that what comes back is what was there.

A backup is a folder: ``manifest.json`` (no personal data), ``database.age`` (what pg_dump writes, of one snapshot) and
``secrets.age`` (the installation's keys). The two are encrypted with age (https://age-encryption.org/v1) to recipients
whose keys need not be on the server: who can write backups cannot read them.
"""

from helhed.commands.backup.copying import back_up
from helhed.commands.backup.keys import new_identity
from helhed.commands.backup.manifest import BackupDamaged, Head, Manifest
from helhed.commands.backup.restoring import NotEmpty, NotTheSame, check, restore

__all__ = [
    "BackupDamaged", "Head", "Manifest", "NotEmpty", "NotTheSame", "back_up", "check", "new_identity", "restore",
]  # fmt: skip
