"""Who brings a token to a command."""

from helhed.app import token_audience
from helhed.foundation.ask import Ask
from helhed.foundation.clock import system_clock
from helhed.foundation.keyring import KeyPurpose
from helhed.foundation.keyring_file import KeysInUse
from helhed.foundation.settings import Settings
from helhed.trust.tokens.verifying import TokenVerifier


def holder_of(settings: Settings, token: str) -> Ask:
    """The ask of a token's holder. Raises NotAuthenticated, which says nothing about why."""
    verifier = TokenVerifier([], system_clock, token_audience(settings), demo=settings.demo)
    verifier.take(KeysInUse(settings.data_dir).secrets(KeyPurpose.TOKENS))
    return verifier.ask(b"Bearer " + token.strip().encode())
