"""Identifiers, clock, errors, database, outbox, the ask and the access-log write. Imports nothing above it."""
