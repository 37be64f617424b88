"""Who gets in: by subprotocol or first message, with a good token, from a good origin."""

import asyncio
import json
import re

import httpx
import pytest

from duet_common.ids import new_id
from duet_common.testing.tokens import TokenFactory
from tests.integration.realtime.conftest import Serve, hub_of
from tests.support.forged_tokens.catalogue import Forgery, forgeries
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser
from tests.support.websocket_client import refusal, talking, welcomed

LEGAL_SUBPROTOCOL = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,7000}")


async def test_a_login_opens_the_socket(duet: Duet, registered_user: RegisteredUser) -> None:
    async with talking(duet, registered_user.access_token, "laptop") as talker:
        assert talker.socket.subprotocol == "duet.v1"
        assert await talker.hear() == {
            "type": "welcome",
            "client_id": "laptop",
            "user_id": str(registered_user.id),
            "channels": ["lobby"],
        }


@pytest.mark.parametrize(
    ("offered", "answered"),
    [(["duet.v1"], "duet.v1"), ([], None), (["graphql-ws"], None), (["x", "duet.v1"], "duet.v1")],
)
async def test_without_a_bearer_the_first_message_authenticates(
    trusting: Duet, tokens: TokenFactory, offered: list[str], answered: str | None
) -> None:
    user_id = new_id()
    async with talking(trusting, subprotocols=offered) as talker:
        assert talker.socket.subprotocol == answered
        await talker.say("auth", token=tokens.access_token(user_id), id="a1")

        welcome = await talker.hear()

        assert (welcome["type"], welcome["user_id"]) == ("welcome", str(user_id))
        assert welcome["id"] == "a1"


async def test_the_bearer_may_be_offered_before_the_protocol(
    trusting: Duet, tokens: TokenFactory
) -> None:
    offered = [f"bearer.{tokens.access_token()}", "duet.v1"]
    async with talking(trusting, subprotocols=offered) as talker:
        assert talker.socket.subprotocol == "duet.v1"
        assert (await talker.hear())["type"] == "welcome"


@pytest.mark.parametrize(
    "said",
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
async def test_anything_else_said_first_closes(trusting: Duet, said: str | bytes) -> None:
    async with talking(trusting) as talker:
        await talker.send(said)
        assert await talker.closed() == 4401
    assert len(hub_of(trusting)) == 0


async def test_silence_closes(serve: Serve) -> None:
    async with serve(ws_authentication_seconds=0.05) as duet, talking(duet) as talker:
        assert await talker.closed() == 4401


async def test_a_refused_token_is_told_by_the_code_and_not_by_the_handshake(
    trusting: Duet,
) -> None:
    async with talking(trusting, "forged") as talker:
        assert talker.socket.subprotocol == "duet.v1"
        assert await talker.closed() == 4401
        reason = "The access token is invalid or has expired. Get a new one."
        assert talker.socket.close_reason == reason


async def test_two_tokens_are_one_too_many(trusting: Duet, tokens: TokenFactory) -> None:
    offered = ["duet.v1", *(f"bearer.{tokens.access_token()}" for _ in range(2))]
    async with talking(trusting, subprotocols=offered) as talker:
        assert await talker.closed() == 4401


async def test_a_token_elsewhere_is_not_looked_at(trusting: Duet, tokens: TokenFactory) -> None:
    token = tokens.access_token()
    headers = {"Authorization": f"Bearer {token}", "Cookie": f"access_token={token}"}
    path = f"c1?token={token}&access_token={token}"
    async with talking(trusting, client_id=path, additional_headers=headers) as talker:
        await talker.say("ping")
        assert await talker.closed() == 4401


async def test_every_forgery_is_refused_by_subprotocol(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async def code(forgery: Forgery) -> int:
        async with talking(trusting, forgery.token) as talker:
            return await talker.closed()

    legal = [one for one in forgeries(tokens) if LEGAL_SUBPROTOCOL.fullmatch(one.token)]
    assert len(legal) > 200
    assert {one.name: await code(one) for one in legal} == {one.name: 4401 for one in legal}


async def test_every_forgery_is_refused_as_first_message(
    trusting: Duet, tokens: TokenFactory
) -> None:
    async def code(forgery: Forgery) -> int:
        async with talking(trusting) as talker:
            await talker.say("auth", token=forgery.token)
            return await talker.closed()

    # A frame over 64 KiB is the server's to refuse.
    table = {one.name: 1009 if len(one.token) > 2**16 else 4401 for one in forgeries(tokens)}
    assert {one.name: await code(one) for one in forgeries(tokens)} == table
    assert set(table.values()) == {1009, 4401}


async def test_nobody_hears_of_who_was_not_let_in(trusting: Duet, tokens: TokenFactory) -> None:
    async with welcomed(trusting, tokens.access_token()) as witness:
        async with talking(trusting, "forged") as stranger:
            assert await stranger.closed() == 4401
        async with talking(trusting):
            pass
        assert await witness.ask("ping") == {"type": "pong", "id": "asked"}


class TestOrigin:
    async def refused(self, duet: Duet, origin: str) -> bool:
        response = await refusal(duet, "/ws/c1", origin=origin)
        problem = json.loads(response.body or b"")
        assert response.status_code == 403
        assert response.headers["content-type"] == "application/problem+json"
        return bool(problem["code"] == "origin_refused")

    async def test_the_same_host_may(self, trusting: Duet, tokens: TokenFactory) -> None:
        for origin in (trusting.url, trusting.url.replace("http", "https")):
            async with welcomed(trusting, tokens.access_token(), origin=origin):
                pass

    async def test_who_is_listed_may(self, trusting: Duet, tokens: TokenFactory) -> None:
        async with welcomed(trusting, tokens.access_token(), origin="https://app.example.com"):
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
    async def test_others_may_not(self, trusting: Duet, origin: str) -> None:
        assert await self.refused(trusting, origin)

    async def test_a_good_token_does_not_help(self, trusting: Duet, tokens: TokenFactory) -> None:
        offered = ["duet.v1", f"bearer.{tokens.access_token()}"]
        response = await refusal(
            trusting, "/ws/c1", origin="https://evil.test", subprotocols=offered
        )
        assert response.status_code == 403


@pytest.mark.parametrize("client_id", ["a", "Z9_-", "x" * 64])
async def test_a_client_names_itself(trusting: Duet, tokens: TokenFactory, client_id: str) -> None:
    async with talking(trusting, tokens.access_token(), client_id) as talker:
        assert (await talker.hear())["client_id"] == client_id


@pytest.mark.parametrize(
    "client_id", ["x" * 65, "a.b", "a%20b", "a%0A", "%C3%A9", "%00", "%FF", "a%22b", "a;b", "~"]
)
async def test_another_name_is_refused_before_the_handshake(trusting: Duet, client_id: str) -> None:
    response = await refusal(trusting, f"/ws/{client_id}")
    problem = json.loads(response.body or b"")
    assert (response.status_code, problem["code"]) == (422, "validation_failed")
    assert problem["errors"][0]["field"] == "path.client_id"


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/a/b", "/ws/a%2Fb", "/wsx", "/api/v1/posts"])
async def test_there_is_no_socket_elsewhere(trusting: Duet, path: str) -> None:
    assert (await refusal(trusting, path)).status_code == 403


@pytest.mark.parametrize("path", ["/ws/c1", "/ws", "/ws/"])
async def test_without_an_upgrade_there_is_nothing(trusting: Duet, path: str) -> None:
    async with httpx.AsyncClient(base_url=trusting.url) as client:
        assert_problem(await client.get(path), 404, "not_found")


async def test_a_client_that_goes_during_the_handshake_leaves_nothing(
    serve: Serve, tokens: TokenFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def go(duet: Duet, first: str | None) -> None:
        async with talking(duet) as talker:
            if first is not None:
                await talker.say("auth", token=first)
            talker.abort()

    async with serve() as duet:
        said = [None, "forged", tokens.access_token()] * 5
        await asyncio.gather(*(go(duet, first) for first in said))
    assert len(hub_of(duet)) == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
