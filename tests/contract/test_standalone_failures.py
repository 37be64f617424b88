"""If `duet-standalone` cannot start, it prints the cause on one line and leaves nothing running."""

import socket
from pathlib import Path

import pytest

from duet_standalone.data_folder import DataFolder
from tests.support.programs import (
    STANDALONE,
    is_postgres_running,
    run_to_exit,
    standalone_environment,
)


async def startup_error(folder: Path, environment: dict[str, str]) -> str:
    """Return the one line that a program prints when it cannot start, without its prefix."""
    status, error = await run_to_exit(STANDALONE, environment, folder)
    assert status == 1, error
    assert "Traceback" not in error
    (line,) = error.splitlines()
    assert line.startswith("duet: ")
    return line.removeprefix("duet: ")


async def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = await startup_error(tmp_path, standalone_environment(data, PORT=str(port)))
    assert error.startswith(f"Port {port} on 127.0.0.1 cannot be used")
    assert "Set PORT" in error
    assert not data.exists()


async def test_a_host_that_is_not_an_address_of_the_machine_is_reported(tmp_path: Path) -> None:
    error = await startup_error(
        tmp_path, standalone_environment(tmp_path / "data", HOST="192.0.2.1")
    )
    assert "on 192.0.2.1 cannot be used" in error


async def test_a_file_in_place_of_the_data_folder_is_reported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("in the way")
    error = await startup_error(tmp_path, standalone_environment(data))
    assert error.startswith(f"The data folder {data} cannot be used")
    assert "Set DATA_DIR" in error
    assert data.read_text() == "in the way"


async def test_a_data_folder_in_use_is_reported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with DataFolder(data):
        error = await startup_error(tmp_path, standalone_environment(data))
    assert error.startswith(f"The data folder {data} is in use by another process")
    assert not (data / "postgres").exists()


@pytest.mark.parametrize(
    "url",
    ["postgresql://ada:s3cret@{closed}/duet", "postgresql:///x?host=/nowhere", "nonsense"],
    ids=["a closed port", "a missing socket", "not a URL"],
)
async def test_an_unreachable_database_is_reported(tmp_path: Path, url: str) -> None:
    data = tmp_path / "data"
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = url.format(closed=f"127.0.0.1:{bound.getsockname()[1]}")
        error = await startup_error(tmp_path, standalone_environment(data, DATABASE_URL=url))
    assert "cannot be reached" in error
    assert "Check DATABASE_URL" in error
    assert "s3cret" not in error
    assert not (data / "postgres").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("ACCESS_TOKEN_MINUTES", "0"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
async def test_an_invalid_setting_is_reported(tmp_path: Path, name: str, value: str) -> None:
    data = tmp_path / "data"
    error = await startup_error(tmp_path, standalone_environment(data, **{name: value}))
    assert error.startswith(f"The setting {name} is invalid")
    assert not is_postgres_running(data)


async def test_a_file_with_an_invalid_key_encryption_key_is_reported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "key-encryption.key").write_text("c2hvcnQ=\n")
    error = await startup_error(tmp_path, standalone_environment(data))
    assert error.startswith("The setting KEY_ENCRYPTION_KEY is invalid")
    assert not is_postgres_running(data)
