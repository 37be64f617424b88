"""Sources of a verifier's public keys: a file, or auth's JWKS with a stored copy."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from duet_common.http_client import AsyncClient, get_document
from duet_common.periodic import PeriodicTask
from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.keys import Keyset, VerificationKey, parse_jwks

logger = logging.getLogger(__name__)

_MAX_DOCUMENT_BYTES: Final = 64 * 1024
_MAX_FETCH_SECONDS: Final = 5.0


class KeySource(Protocol):
    """Finds the key that a token names. A key that was removed must no longer be found."""

    def current(self, kid: str) -> VerificationKey | None:
        """Return the key if it is known, without I/O."""
        ...

    async def find(self, kid: str) -> VerificationKey | None:
        """Return the key, or None. An unknown key may cause a fetch."""
        ...


class FileKeySource:
    """The keys of a JWK Set in a file, read once, for a verifier without a network."""

    def __init__(self, path: Path) -> None:
        """Raises `InvalidKey` if the file is not a JWK Set or contains no usable key."""
        self._keys: Keyset = parse_jwks(path.read_bytes())
        if not self._keys:
            raise InvalidKey(f"{path} contains no usable key")

    @property
    def has_keys(self) -> bool:
        return True

    def current(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)


class JwksStore(Protocol):
    """Stores the last valid JWKS document, so that a verifier can restart while auth is down."""

    async def load(self) -> bytes | None: ...

    async def save(self, document: bytes) -> None: ...


class JwksKeySource:
    """auth's JWKS, fetched over HTTP.

    - At most one fetch runs at a time, and none within `cool_down` seconds of the last (a fifth of
      that without a key), so that tokens with unknown kids cannot flood the issuer.
    - A fetch that fails, or returns no usable key, changes nothing.
    - The document is fetched every `refresh_every` seconds, so that the next key is known before
      auth signs with it.
    """

    def __init__(
        self,
        url: str,
        client: AsyncClient,
        store: JwksStore,
        *,
        cool_down: float = 5.0,
        refresh_every: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._client = client
        self._store = store
        self._cool_down = cool_down
        self._refresh_every = refresh_every
        self._monotonic = monotonic
        self._keys: Keyset = {}
        self._document: bytes | None = None
        self._saved: bytes | None = None
        self._etag: str | None = None
        self._asked_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._refreshing = PeriodicTask("jwks-refresh", self._refresh_and_save, self._interval)

    async def start(self) -> None:
        """Load the stored copy and start to refresh it. Call `stop` at shutdown."""
        await self._load()
        self._refreshing.start()

    async def stop(self) -> None:
        await self._refreshing.stop()
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching

    @property
    def has_keys(self) -> bool:
        return bool(self._keys)

    @property
    def _pause(self) -> float:
        # Without a key, no token can be verified: fetch more often until auth has started.
        return self._cool_down if self._keys else self._cool_down / 5

    def current(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        key = self._keys.get(kid)
        if key is None:
            await self.refresh()
            key = self._keys.get(kid)
        return key

    async def refresh(self) -> None:
        """Fetch, or wait for the current fetch; do nothing during the cool-down. Never raises."""
        if self._fetching is None or self._fetching.done():
            now = self._monotonic()
            if self._asked_at is not None and now - self._asked_at < self._pause:
                return
            self._asked_at = now
            self._fetching = asyncio.create_task(self._fetch(), name="jwks-fetch")
        # Unlike `await`: a cancelled caller does not cancel the fetch that others wait for, and
        # a fetch that `stop` cancels does not cancel its callers.
        await asyncio.wait({self._fetching})

    def _interval(self) -> float:
        if self._asked_at is None:
            return 0.0
        return self._refresh_every if self._keys else self._pause

    async def _refresh_and_save(self) -> None:
        await self.refresh()
        # Saved here and not in the fetch, so that no request waits for the store.
        await self._save()

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(_MAX_FETCH_SECONDS):  # for an origin that sends slowly
                await self._ask()
        except Exception as error:
            # Usually HttpFailure or InvalidKey. Whatever it is, fetching must continue.
            state = f"The previous {len(self._keys)} keys stay in use."
            if not self._keys:
                state = "No key is available yet."
            logger.warning("The JWKS was not fetched: %r. %s", error, state)

    async def _ask(self) -> None:
        document = await get_document(
            self._client,
            self._url,
            accept="application/jwk-set+json, application/json",
            etag=self._etag,
            max_bytes=_MAX_DOCUMENT_BYTES,
        )
        if document is None:
            return
        keys = parse_jwks(document.content)
        if not keys:
            raise InvalidKey("the document contains no usable key")
        self._keys = keys
        self._etag = document.etag
        self._document = document.content

    async def _load(self) -> None:
        try:
            stored = await self._store.load()
            if stored is not None:
                self._keys = parse_jwks(stored)
                self._saved = stored
        except Exception:
            # Without the copy, verification starts with the first fetch.
            logger.exception("The stored copy of the JWKS was not loaded.")

    async def _save(self) -> None:
        document = self._document
        if document is None or document == self._saved:
            return
        try:
            await self._store.save(document)
        except Exception:
            # Verification continues from memory, and the next refresh saves it.
            logger.exception("The copy of the JWKS was not stored.")
        else:
            self._saved = document
