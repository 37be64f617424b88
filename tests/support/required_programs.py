"""Programs that some tests need and a machine may not have."""

import os
import shutil
from typing import NoReturn

import pytest


def needed(program: str) -> str:
    """Where it is. Without it the test is skipped, and in CI, where nothing may be, it fails."""
    path = shutil.which(program)
    if path is None:
        lacking(f"{program} is not installed")
    return path


def lacking(what: str) -> NoReturn:
    """Skip a test for want of something; fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"nothing may be skipped in CI, and {what}")
    pytest.skip(what)
