"""A unit test opens no socket; a Unix one is let through, which the event loop is made of."""

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets() -> object:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
