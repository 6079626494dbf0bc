"""Inbox, outbox, MedCom formats and receipts. Built with initiative 2.1."""
