"""A `JwksStore` in content's database."""

import logging

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from duet_common.db.database import Database
from duet_content.jwks.models import JwksCopy

logger = logging.getLogger(__name__)


class DatabaseJwksStore:
    """Stores the last valid JWKS document of one issuer."""

    def __init__(self, database: Database, issuer: str) -> None:
        self._database = database
        self._issuer = issuer

    async def load(self) -> bytes | None:
        """Return the copy, or None if there is none or the database cannot be read.

        An unavailable database is not an error here, because the keys can be fetched over HTTP.
        """
        try:
            async with self._database.transaction() as session:
                copy = await session.get(JwksCopy, self._issuer)
                return copy.document if copy else None
        except Exception as error:
            logger.warning("The stored copy of the JWKS was not read: %s", error)
            return None

    async def save(self, document: bytes) -> None:
        statement = insert(JwksCopy).values(issuer=self._issuer, document=document)
        async with self._database.transaction() as session:
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=[JwksCopy.issuer],
                    set_={"document": document, "fetched_at": func.now()},
                )
            )
