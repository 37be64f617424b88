"""Pages in headless Chromium use the API from another origin, if `ALLOWED_ORIGINS` names it."""

from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from duet_common.testing.clock import AdjustableClock
from tests.support.clients import run
from tests.support.required_programs import require_program
from tests.support.running_duet import Duet, running_duet
from tests.support.users import PASSWORD, RegisteredUser

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A page</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture
def page_origin() -> Iterator[str]:
    """The origin of an empty page, on a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def chromium() -> str:
    return require_program("chromium")


@pytest.fixture
async def duet_for_the_page(
    duet: Duet, clock: AdjustableClock, page_origin: str
) -> AsyncIterator[Duet]:
    """Both services, which allow the page's origin, with a limit of one refresh per minute."""
    content = {"allowed_origins": [page_origin]}
    auth = {**content, "rate_limit_enabled": True, "rate_limit_refresh": 1}
    async with running_duet(duet.urls, clock, auth=auth, content=content) as allowing:
        yield allowing


async def test_a_page_of_an_allowed_origin_uses_the_whole_api(
    duet_for_the_page: Duet, page_origin: str, typescript_programs: Path, chromium: str
) -> None:
    await run(
        typescript_programs,
        *("node", "allowed-page.js", duet_for_the_page.url, page_origin),
        CHROMIUM=chromium,
    )


async def test_a_page_of_another_origin_is_refused(
    duet_for_the_page: Duet, page_origin: str, typescript_programs: Path, chromium: str
) -> None:
    other_origin = page_origin.replace("127.0.0.1", "localhost")
    await run(
        typescript_programs,
        *("node", "refused-page.js", duet_for_the_page.url, other_origin),
        CHROMIUM=chromium,
    )


async def test_no_origin_is_allowed_by_default(
    duet: Duet, page_origin: str, typescript_programs: Path, chromium: str
) -> None:
    await run(
        typescript_programs,
        *("node", "refused-page.js", duet.url, page_origin),
        CHROMIUM=chromium,
    )


async def test_the_docs_page_stores_no_password_and_no_token(
    duet: Duet, registered_user: RegisteredUser, typescript_programs: Path, chromium: str
) -> None:
    await run(
        typescript_programs,
        *("node", "docs-page.js", duet.url, registered_user.email, PASSWORD),
        CHROMIUM=chromium,
    )
