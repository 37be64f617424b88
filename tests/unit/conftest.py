"""Unit tests cannot open network sockets. Unix sockets are allowed: the event loop uses them."""

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets() -> object:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
