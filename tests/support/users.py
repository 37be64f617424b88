"""Functions that register users and log them in over HTTP."""

import itertools
import uuid
from dataclasses import dataclass

import httpx

PASSWORD = "correct horse battery staple"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class RegisteredUser:
    """A user who has registered and logged in."""

    id: uuid.UUID
    email: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


def new_email() -> str:
    return f"registered-{next(_NUMBERS)}@example.com"


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    """Log in and return the response, whatever its status."""
    return await client.post("/api/v1/auth/login", data={"username": email, "password": password})


async def register_user(client: httpx.AsyncClient, **fields: str) -> RegisteredUser:
    """Register a user and log in; `fields` are members of the registration request."""
    email = fields.setdefault("email", new_email())
    fields.setdefault("password", PASSWORD)
    registered = await client.post("/api/v1/auth/register", json=fields)
    assert registered.status_code == 201, registered.text
    tokens = (await log_in(client, email, fields["password"])).json()
    return RegisteredUser(
        id=uuid.UUID(registered.json()["id"]),
        email=email,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
    )
