"""Presenters: view data and a language in, words ready for a template out. Pure functions."""
