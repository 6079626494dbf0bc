"""What this network does not have, as opposed to what is wrong."""


class Unsupported(Exception):
    """A parameter or modifier that this network does not have; the message says which."""
