"""The published JWK Set verifies tokens, can be cached and contains no private key."""

import asyncio
import json

import httpx
import jwt
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.keys.models import SigningKeyRow
from tests.support.problems import assert_problem
from tests.support.users import RegisteredUser

JWKS = "/.well-known/jwks.json"
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}


async def test_the_active_and_the_next_key_are_published(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    response = await client.get(JWKS)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/jwk-set+json"
    keys = response.json()["keys"]
    rows = await db_session.scalars(select(SigningKeyRow.kid))
    assert {key["kid"] for key in keys} == set(rows)
    assert len(keys) == 2
    for key in keys:
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


async def test_no_private_member_is_published(client: httpx.AsyncClient) -> None:
    for key in (await client.get(JWKS)).json()["keys"]:
        assert key.keys().isdisjoint(PRIVATE_MEMBERS)


async def test_pyjwt_verifies_an_access_token_with_the_published_keys(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    published = jwt.PyJWKSet.from_dict((await client.get(JWKS)).json())
    header = jwt.get_unverified_header(registered_user.access_token)

    claims = jwt.decode(
        registered_user.access_token,
        published[header["kid"]].key,
        algorithms=["ES256"],
        audience="duet",
        issuer="https://duet.local",
        options={"require": ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope"]},
    )

    assert header["typ"] == "at+jwt"
    assert claims["sub"] == str(registered_user.id)
    assert claims["exp"] - claims["iat"] == 600


async def test_the_keys_may_be_cached_for_five_seconds(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get(JWKS)

    assert response.headers["cache-control"] == "public, max-age=5"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_a_matching_etag_is_answered_with_304(client: httpx.AsyncClient, form: str) -> None:
    etag = (await client.get(JWKS)).headers["etag"]

    response = await client.get(JWKS, headers={"If-None-Match": form.format(etag)})

    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["etag"] == etag
    assert response.headers["cache-control"] == "public, max-age=5"


@pytest.mark.parametrize("tag", ['"other"', "", "nonsense", '""'])
async def test_another_etag_is_answered_with_the_keys(client: httpx.AsyncClient, tag: str) -> None:
    response = await client.get(JWKS, headers={"If-None-Match": tag})

    assert response.status_code == 200
    assert response.json()["keys"]


async def test_the_same_document_has_the_same_etag(client: httpx.AsyncClient) -> None:
    first, second = await asyncio.gather(client.get(JWKS), client.get(JWKS))

    assert first.headers["etag"] == second.headers["etag"]
    assert first.content == second.content


async def test_private_keys_are_encrypted_at_rest(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    rows = await db_session.execute(
        text("SELECT k::text, encrypted_private_key FROM signing_keys k"),
        bind_arguments={"mapper": SigningKeyRow},
    )

    for shown, encrypted in rows.all():
        stored = shown.encode() + encrypted
        assert b"PRIVATE KEY" not in stored
        assert b"MIG" not in stored  # the start of an EC private key in base64 (PKCS #8)
        assert json.dumps("d") not in shown


async def test_the_jwks_path_allows_only_reads(client: httpx.AsyncClient) -> None:
    response = await client.post(JWKS, json={})

    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD"
