"""Helhed: an open national health network."""
