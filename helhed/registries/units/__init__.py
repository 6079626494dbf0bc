"""Organisational units (SOR) in two times: how a unit was on a day, and what we knew of it at a moment."""
