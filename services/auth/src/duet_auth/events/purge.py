"""Deletes the events that are older than the retention."""

import logging
from datetime import timedelta
from typing import Final

from duet_auth.events.repository import BATCH, EventRepository
from duet_common.clock import Clock
from duet_common.db.database import Database
from duet_common.errors import DatabaseUnavailable
from duet_common.periodic import PeriodicTask

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS: Final = 600.0


class EventPurge:
    """Deletes expired events every ten minutes, one process at a time, in short transactions."""

    def __init__(self, database: Database, retention: timedelta, clock: Clock) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._task = PeriodicTask("event-purge", self._run_or_log, lambda: _INTERVAL_SECONDS)

    def start(self) -> None:
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    async def run(self) -> int:
        """Delete all expired events except the newest of them, and return their number."""
        before = self._clock() - self._retention
        # Without a reader, no event would get a position, and none would be deleted.
        while await self._assign_seq() == BATCH:
            pass
        total = 0
        while True:
            async with self._database.transaction() as session:
                deleted = await EventRepository(session).purge(before) or 0
            total += deleted
            if deleted < BATCH:
                return total

    async def _assign_seq(self) -> int:
        async with self._database.transaction() as session:
            return await EventRepository(session).assign_seq()

    async def _run_or_log(self) -> None:
        try:
            deleted = await self.run()
        except DatabaseUnavailable as error:
            logger.warning("Expired events were not deleted (%r). Retried later.", error.__cause__)
        else:
            if deleted:
                logger.info("%d expired events were deleted.", deleted)
