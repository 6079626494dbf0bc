"""The treatment relation: declared, confirmed, and registered by places for themselves."""
