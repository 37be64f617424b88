"""The metadata that migrations are compared with has the table of every model in the sources."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[3] / "services"
TABLE_NAME = re.compile(r"^ +__tablename__\b.*= *[\"'](\w+)[\"']", re.MULTILINE)


@pytest.mark.parametrize("service", ["auth", "content"])
def test_no_model_is_missing_from_the_metadata_that_migrations_compare_with(service: str) -> None:
    sources = (SERVICES / service / "src").rglob("*.py")
    in_sources = {name for path in sources for name in TABLE_NAME.findall(path.read_text())}
    # In a process of its own: here, another test may have imported a model that migrations do not.
    script = f"from duet_{service}.migrations import MIGRATIONS; print(*MIGRATIONS.metadata.tables)"
    tables = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert in_sources
    assert set(tables.split()) == in_sources
