"""The demo people, one module each."""
