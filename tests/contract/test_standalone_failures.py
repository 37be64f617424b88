"""When `duet-standalone` cannot start it says why in one line, and leaves nothing running."""

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


async def why(folder: Path, environment: dict[str, str]) -> str:
    """The one line of a program that did not start, without its prefix."""
    status, said = await run_to_exit(STANDALONE, environment, folder)
    assert status == 1, said
    assert "Traceback" not in said
    (line,) = said.splitlines()
    assert line.startswith("duet: ")
    return line.removeprefix("duet: ")


async def test_a_taken_port(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = await why(tmp_path, standalone_environment(data, PORT=str(port)))
    assert said.startswith(f"port {port} on 127.0.0.1 cannot be used")
    assert "set PORT" in said
    assert not data.exists()


async def test_a_host_that_is_not_ours(tmp_path: Path) -> None:
    said = await why(tmp_path, standalone_environment(tmp_path / "data", HOST="192.0.2.1"))
    assert "on 192.0.2.1 cannot be used" in said


async def test_a_file_where_the_data_folder_should_be(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("in the way")
    said = await why(tmp_path, standalone_environment(data))
    assert said.startswith(f"the data folder {data} cannot be used")
    assert "set DATA_DIR" in said
    assert data.read_text() == "in the way"


async def test_a_data_folder_in_use(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with DataFolder(data):
        said = await why(tmp_path, standalone_environment(data))
    assert said.startswith(f"the data folder {data} is in use by another Duet")
    assert not (data / "postgres").exists()


@pytest.mark.parametrize(
    "url",
    ["postgresql://ada:s3cret@{dead}/duet", "postgresql:///x?host=/nowhere", "nonsense"],
    ids=["a dead port", "no socket", "no URL"],
)
async def test_a_database_that_cannot_be_reached(tmp_path: Path, url: str) -> None:
    data = tmp_path / "data"
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = url.format(dead=f"127.0.0.1:{bound.getsockname()[1]}")
        said = await why(tmp_path, standalone_environment(data, DATABASE_URL=url))
    assert "cannot be reached" in said
    assert "check DATABASE_URL" in said
    assert "s3cret" not in said
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
async def test_a_setting_that_is_wrong(tmp_path: Path, name: str, value: str) -> None:
    data = tmp_path / "data"
    said = await why(tmp_path, standalone_environment(data, **{name: value}))
    assert said.startswith(f"the setting {name} is wrong")
    assert not is_postgres_running(data)


async def test_a_key_that_does_not_open_the_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "key-encryption.key").write_text("c2hvcnQ=\n")
    said = await why(tmp_path, standalone_environment(data))
    assert said.startswith("the setting KEY_ENCRYPTION_KEY is wrong")
    assert not is_postgres_running(data)
