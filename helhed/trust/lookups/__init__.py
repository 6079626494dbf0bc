"""How many different people somebody may look up in a short time."""
