"""The asyncio tasks of one test, among those of the services that run in the same event loop."""

import asyncio


class StartedTasks:
    """Knows which tasks have been started since it was made."""

    def __init__(self) -> None:
        self._before = asyncio.all_tasks()

    def __call__(self, prefix: str) -> list[str]:
        """Return the names, with this prefix, of the new tasks that have not ended."""
        names = (task.get_name() for task in asyncio.all_tasks() - self._before)
        return [name for name in names if name.startswith(prefix)]
