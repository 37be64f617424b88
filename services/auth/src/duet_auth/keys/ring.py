"""The keys in a process's memory. They are read every few seconds: any process may rotate them."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.keys.encryption import WrongKeyEncryptionKey
from duet_auth.keys.errors import NoSigningKey
from duet_auth.keys.service import KeyService, LoadedKeys
from duet_common.db.database import Database
from duet_common.periodic import PeriodicTask
from duet_common.tokens.keys import Jwks, VerificationKey
from duet_common.tokens.signing import SigningKey
from duet_common.web.etag import etag_of

logger = logging.getLogger(__name__)


class KeyRing:
    """Holds the active key, which signs, and is the `KeySource` of auth's own verifier."""

    def __init__(
        self,
        database: Database,
        service: Callable[[AsyncSession], KeyService],
        refresh_every: float,
    ) -> None:
        self._database = database
        self._service = service
        self._loaded: LoadedKeys | None = None
        self._refreshing = PeriodicTask("key-ring", self._refresh_or_log, lambda: refresh_every)
        self.jwks = b""
        self.etag = ""

    async def start(self) -> None:
        """Read the keys, create them if there are none, and keep reading them until `stop`.

        Raises `WrongKeyEncryptionKey`. If the database cannot be reached, the service starts, and
        is not ready until the keys have been read.
        """
        await self._try_refresh()
        self._refreshing.start()

    async def stop(self) -> None:
        await self._refreshing.stop()

    @property
    def active(self) -> SigningKey:
        """The key that signs. Raises `NoSigningKey` until the keys have been read."""
        if self._loaded is None:
            raise NoSigningKey
        return self._loaded.active

    @property
    def active_since(self) -> datetime | None:
        """When the active key was activated; None until the keys have been read."""
        return self._loaded.active_since if self._loaded else None

    @property
    def has_keys(self) -> bool:
        return self._loaded is not None

    def current(self, kid: str) -> VerificationKey | None:
        return self._loaded.published.get(kid) if self._loaded else None

    async def find(self, kid: str) -> VerificationKey | None:
        """Return the key, or None. Raises `NoSigningKey` until the keys have been read."""
        if self._loaded is None:
            raise NoSigningKey
        # A key signs only after it was published for long enough to have been read here.
        return self.current(kid)

    async def refresh(self) -> None:
        """Read the keys now."""
        async with self._database.transaction() as session:
            service = self._service(session)
            try:
                loaded = await service.load()
            except NoSigningKey:
                await service.ensure()
                loaded = await service.load()
        document = Jwks(keys=[key.jwk for key in loaded.published.values()])
        self.jwks = document.model_dump_json().encode("utf-8")
        self.etag = etag_of(document)
        self._loaded = loaded

    async def _refresh_or_log(self) -> None:
        with suppress(WrongKeyEncryptionKey):  # logged below
            await self._try_refresh()

    async def _try_refresh(self) -> None:
        try:
            await self.refresh()
        except WrongKeyEncryptionKey as error:
            logger.error("%s", error)
            raise
        except Exception as error:
            # Whatever it is (no database, no schema yet), the keys in memory remain valid.
            cause = error.__cause__ or error
            logger.warning("Signing keys were not read (%r). Keys in memory stay in use.", cause)
