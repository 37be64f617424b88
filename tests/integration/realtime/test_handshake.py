"""A WebSocket needs a valid token, as a subprotocol or first message, and an allowed origin."""

import asyncio
import re

import httpx
import pytest

from duet_common.ids import new_id
from duet_common.testing.tokens import TokenFactory
from tests.integration.realtime.conftest import RunDuet, hub_of
from tests.support.forged_tokens.catalogue import Forgery, forgeries
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser
from tests.support.websocket_client import (
    authenticated_websocket,
    handshake_refusal,
    open_websocket,
)

VALID_SUBPROTOCOL = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,7000}")


async def test_a_token_from_login_opens_a_websocket(
    duet: Duet, registered_user: RegisteredUser
) -> None:
    async with open_websocket(duet, registered_user.access_token, "laptop") as client:
        assert client.socket.subprotocol == "duet.v1"
        assert await client.receive() == {
            "type": "welcome",
            "client_id": "laptop",
            "user_id": str(registered_user.id),
            "channels": ["lobby"],
        }


@pytest.mark.parametrize(
    ("offered", "answered"),
    [(["duet.v1"], "duet.v1"), ([], None), (["graphql-ws"], None), (["x", "duet.v1"], "duet.v1")],
)
async def test_the_first_message_authenticates_without_a_bearer_subprotocol(
    frozen_duet: Duet, tokens: TokenFactory, offered: list[str], answered: str | None
) -> None:
    user_id = new_id()
    async with open_websocket(frozen_duet, subprotocols=offered) as client:
        assert client.socket.subprotocol == answered
        await client.send_message("auth", token=tokens.access_token(user_id), id="a1")

        welcome = await client.receive()

        assert (welcome["type"], welcome["user_id"]) == ("welcome", str(user_id))
        assert welcome["id"] == "a1"


async def test_the_bearer_subprotocol_may_come_first(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    offered = [f"bearer.{tokens.access_token()}", "duet.v1"]
    async with open_websocket(frozen_duet, subprotocols=offered) as client:
        assert client.socket.subprotocol == "duet.v1"
        assert (await client.receive())["type"] == "welcome"


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "ping"}',
        '{"type": "subscribe", "channel": "lobby"}',
        '{"type": "publish", "channel": "lobby", "data": 1}',
        '{"type": "auth"}',
        '{"type": "auth", "token": 1}',
        '{"type": "auth", "token": "\\ud800"}',
        '{"type": "auth", "token": "x", "since": 1}',
        '{"type": "welcome"}',
        "{",
        "",
        "null",
        b'{"type": "ping"}',
        b"\xff",
    ],
)
async def test_any_other_first_message_closes_the_connection(
    frozen_duet: Duet, frame: str | bytes
) -> None:
    async with open_websocket(frozen_duet) as client:
        await client.send_frame(frame)
        assert await client.close_code() == 4401
    assert len(hub_of(frozen_duet)) == 0


async def test_a_connection_without_a_first_message_is_closed(run_duet: RunDuet) -> None:
    async with run_duet(ws_authentication_seconds=0.05) as duet, open_websocket(duet) as client:
        assert await client.close_code() == 4401


async def test_an_invalid_token_closes_the_connection_after_the_handshake(
    frozen_duet: Duet,
) -> None:
    async with open_websocket(frozen_duet, "forged") as client:
        assert client.socket.subprotocol == "duet.v1"
        assert await client.close_code() == 4401
        reason = "The access token is invalid or has expired. Get a new one."
        assert client.socket.close_reason == reason


async def test_two_bearer_subprotocols_are_refused(frozen_duet: Duet, tokens: TokenFactory) -> None:
    offered = ["duet.v1", *(f"bearer.{tokens.access_token()}" for _ in range(2))]
    async with open_websocket(frozen_duet, subprotocols=offered) as client:
        assert await client.close_code() == 4401


async def test_a_token_in_the_query_or_a_header_is_ignored(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    token = tokens.access_token()
    headers = {"Authorization": f"Bearer {token}", "Cookie": f"access_token={token}"}
    path = f"c1?token={token}&access_token={token}"
    async with open_websocket(frozen_duet, client_id=path, additional_headers=headers) as client:
        await client.send_message("ping")
        assert await client.close_code() == 4401


async def test_every_forgery_is_refused_as_subprotocol(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async def code(forgery: Forgery) -> int:
        async with open_websocket(frozen_duet, forgery.token) as client:
            return await client.close_code()

    valid_names = [one for one in forgeries(tokens) if VALID_SUBPROTOCOL.fullmatch(one.token)]
    assert len(valid_names) > 200
    assert {one.name: await code(one) for one in valid_names} == {
        one.name: 4401 for one in valid_names
    }


async def test_every_forgery_is_refused_as_first_message(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async def code(forgery: Forgery) -> int:
        async with open_websocket(frozen_duet) as client:
            await client.send_message("auth", token=forgery.token)
            return await client.close_code()

    # The server closes the connection for a frame over 64 KiB before it checks the token.
    expected = {one.name: 1009 if len(one.token) > 2**16 else 4401 for one in forgeries(tokens)}
    assert {one.name: await code(one) for one in forgeries(tokens)} == expected
    assert set(expected.values()) == {1009, 4401}


async def test_an_unauthenticated_connection_is_not_announced(
    frozen_duet: Duet, tokens: TokenFactory
) -> None:
    async with authenticated_websocket(frozen_duet, tokens.access_token()) as witness:
        async with open_websocket(frozen_duet, "forged") as refused:
            assert await refused.close_code() == 4401
        async with open_websocket(frozen_duet):
            pass
        assert await witness.request("ping") == {"type": "pong", "id": "asked"}


class TestOrigin:
    async def test_the_same_host_is_allowed(self, frozen_duet: Duet, tokens: TokenFactory) -> None:
        for origin in (frozen_duet.url, frozen_duet.url.replace("http", "https")):
            async with authenticated_websocket(frozen_duet, tokens.access_token(), origin=origin):
                pass

    async def test_a_listed_origin_is_allowed(
        self, frozen_duet: Duet, tokens: TokenFactory
    ) -> None:
        async with authenticated_websocket(
            frozen_duet, tokens.access_token(), origin="https://app.example.com"
        ):
            pass

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.test",
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:1",
            "http://localhost:8000",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.test",
            "https://app.example.com@evil.test",
            "https://app.example.com/path",
            "file://",
            "",
        ],
    )
    async def test_another_origin_gets_a_close_code(self, frozen_duet: Duet, origin: str) -> None:
        async with open_websocket(frozen_duet, origin=origin) as client:
            assert client.socket.subprotocol == "duet.v1"
            assert await client.close_code() == 4403
            reason = "Pages of this origin are not allowed to use this API."
            assert client.socket.close_reason == reason
        assert len(hub_of(frozen_duet)) == 0

    @pytest.mark.parametrize("offered", [[], ["graphql-ws"], ["x", "duet.v1"]])
    async def test_another_origin_gets_a_close_code_whatever_it_offers(
        self, frozen_duet: Duet, offered: list[str]
    ) -> None:
        async with open_websocket(
            frozen_duet, subprotocols=offered, origin="https://evil.test"
        ) as client:
            assert await client.close_code() == 4403

    async def test_a_valid_token_does_not_allow_another_origin(
        self, frozen_duet: Duet, tokens: TokenFactory
    ) -> None:
        async with authenticated_websocket(frozen_duet, tokens.access_token()) as witness:
            async with open_websocket(
                frozen_duet, tokens.access_token(), origin="https://evil.test"
            ) as client:
                assert await client.close_code() == 4403
            # The lobby was not told that somebody joined.
            assert await witness.request("ping") == {"type": "pong", "id": "asked"}


@pytest.mark.parametrize("client_id", ["a", "Z9_-", "x" * 64])
async def test_a_valid_client_id_is_accepted(
    frozen_duet: Duet, tokens: TokenFactory, client_id: str
) -> None:
    async with open_websocket(frozen_duet, tokens.access_token(), client_id) as client:
        assert (await client.receive())["client_id"] == client_id


@pytest.mark.parametrize(
    "client_id", ["x" * 65, "a.b", "a%20b", "a%0A", "%C3%A9", "%00", "%FF", "a%22b", "a;b", "~"]
)
async def test_an_invalid_client_id_gets_a_close_code(
    frozen_duet: Duet, tokens: TokenFactory, client_id: str
) -> None:
    async with open_websocket(frozen_duet, tokens.access_token(), client_id) as client:
        assert client.socket.subprotocol == "duet.v1"
        assert await client.close_code() == 4400
        reason = "The client id must match [A-Za-z0-9_-]{1,64}."
        assert client.socket.close_reason == reason
    assert len(hub_of(frozen_duet)) == 0


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/a/b", "/ws/a%2Fb", "/wsx", "/api/v1/posts"])
async def test_other_paths_refuse_a_handshake(frozen_duet: Duet, path: str) -> None:
    assert (await handshake_refusal(frozen_duet, path)).status_code == 403


@pytest.mark.parametrize("path", ["/ws/c1", "/ws", "/ws/"])
async def test_a_plain_http_request_is_not_found(frozen_duet: Duet, path: str) -> None:
    async with httpx.AsyncClient(base_url=frozen_duet.url) as client:
        assert_problem(await client.get(path), 404, "not_found")


async def test_a_client_that_disconnects_early_leaves_nothing_in_the_hub(
    run_duet: RunDuet, tokens: TokenFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def go(duet: Duet, first: str | None) -> None:
        async with open_websocket(duet) as client:
            if first is not None:
                await client.send_message("auth", token=first)
            client.abort()

    async with run_duet() as duet:
        frame = [None, "forged", tokens.access_token()] * 5
        await asyncio.gather(*(go(duet, first) for first in frame))
    assert len(hub_of(duet)) == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
