"""The public keys of clients: by value, or fetched from where a client publishes them and kept for a while."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from joserfc.jwk import Key

from helhed.foundation.clock import Clock
from helhed.foundation.errors import HelhedError
from helhed.trust.identity.clients import Client
from helhed.trust.identity.jose import Unsound, fit_or_raise, public_key

KEPT_FOR = timedelta(minutes=10)
ASKED_AGAIN_AFTER = timedelta(seconds=30)  #: sooner than that an unknown key does not send us to the client again
_MOST_KEYS, _MOST_KEPT = 20, 1024


class Fetches(Protocol):
    """``foundation.fetching``."""

    async def get(self, url: str) -> bytes:
        """The document at an address."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: list[Any]
    at: datetime


class ClientKeys:
    """Finds the key that a client signed with."""

    def __init__(self, fetcher: Fetches, clock: Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def find(self, client: Client, header: Mapping[str, Any]) -> Key:
        """The key that a statement of the client names, or its only one that fits. Raises Unsound."""
        if client.keys is not None:
            return chosen(client.keys.get("keys"), header)
        if client.keys_uri is None:
            raise Unsound
        kept = self._kept.get(client.keys_uri)
        now = self._clock()
        if kept is None or now - kept.at > KEPT_FOR:
            kept = await self._fetch(client.keys_uri, now)
        try:
            return chosen(kept.keys, header)
        except Unsound:
            if now - kept.at < ASKED_AGAIN_AFTER:
                raise
            return chosen((await self._fetch(client.keys_uri, now)).keys, header)

    async def _fetch(self, uri: str, now: datetime) -> _Kept:
        """What is published there now; nothing, for a while, where nothing can be had."""
        keys: list[Any] = []
        try:
            told = json.loads(await self._fetcher.get(uri))
            keys = list(told["keys"])
        except (HelhedError, ValueError, KeyError, TypeError, RecursionError):
            keys = []
        self._kept[uri] = kept = _Kept(keys, now)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return kept


def chosen(keys: object, header: Mapping[str, Any]) -> Key:
    """The key of a JWK Set that a header means. Raises Unsound when it names none of them, or could mean several."""
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise Unsound
    named = header.get("kid")
    meant = [key for key in keys if isinstance(key, dict) and (named is None or key.get("kid") == named)]
    fitting = [key for told in meant if (key := _fitting(told, header["alg"])) is not None]
    if len(fitting) != 1:
        raise Unsound
    return fitting[0]


def _fitting(told: dict[str, Any], algorithm: str) -> Key | None:
    if told.get("use", "sig") != "sig" or told.get("alg", algorithm) != algorithm:
        return None
    try:
        key = public_key(told)
        fit_or_raise(key, algorithm)
    except Unsound:
        return None
    return key
