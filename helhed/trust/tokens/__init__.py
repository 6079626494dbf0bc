"""Tokens as they come in: verified, read, their scopes; and those of demo mode."""
