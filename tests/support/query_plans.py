"""How PostgreSQL executes a `Query`."""

from typing import Any

import asyncpg

from duet_common.db.queries import Query


async def assert_uses_index(
    connection: "asyncpg.Connection[asyncpg.Record]",
    query: Query[Any],
    index: str,
    **parameters: object,
) -> None:
    """Assert that the query reads this index, and neither scans a whole table nor sorts.

    PostgreSQL may plan for the parameters given (custom) or for any (generic): both are checked.
    """
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"SET plan_cache_mode = {mode}")
        arguments = query._arguments(parameters)
        rows = await connection.fetch(f"EXPLAIN {query.sql}", *arguments)
        plan = "\n".join(row[0] for row in rows)
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "Sort" not in plan, plan
