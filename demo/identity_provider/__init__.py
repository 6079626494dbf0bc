"""The demo's identity provider: a small OpenID Connect provider of its own that lets anybody be anybody, and says so loudly.

It knows nothing of the network but what people it shows and which client may ask. It stands in for the broker of citizens
and for the providers of employers, each under an issuer of its own. Tests run it by itself and make it misbehave.
"""

from demo.identity_provider.pages import build_demo_provider
from demo.identity_provider.provider import FACES, Client, DemoProvider, Face, People, Person

__all__ = ["FACES", "Client", "DemoProvider", "Face", "People", "Person", "build_demo_provider"]
