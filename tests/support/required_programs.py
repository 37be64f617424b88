"""Programs that some tests need and that may not be installed."""

import os
import shutil
from typing import NoReturn

import pytest


def require_program(program: str) -> str:
    """Return the path of a program. If it is not installed, skip the test, or fail it in CI."""
    path = shutil.which(program)
    if path is None:
        skip_or_fail_in_ci(f"{program} is not installed")
    return path


def skip_or_fail_in_ci(reason: str) -> NoReturn:
    """Skip the test. In CI, where no test may be skipped, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"no test may be skipped in CI: {reason}")
    pytest.skip(reason)
