"""Tools of the house: run as ``python -m tools.<name>`` from the root of the repository."""
