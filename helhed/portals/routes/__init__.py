"""Routes: each handler parses, asks, calls one room and renders."""
