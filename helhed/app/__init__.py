"""Composition: settings, wiring, the ASGI application. Upper rooms are plugged into lower ones here and nowhere else."""

from helhed.app.asgi import Application, application
from helhed.app.installation import database, token_audience, token_key
from helhed.app.network import Network

__all__ = ["Application", "Network", "application", "database", "token_audience", "token_key"]
