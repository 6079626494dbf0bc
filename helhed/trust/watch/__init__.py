"""Watching over the network: signals in the log of looks and at the doors, cases, warnings and incidents."""
