"""Signing key lifecycle: next (published), active (signing), retired (published).

A key signs only after every verifier has had time to fetch it, and stays published until the last
token that it signed has expired. Therefore a rotation never makes a verifier refuse a valid token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.keys.encryption import KeyEncryption
from duet_auth.keys.errors import NoSigningKey
from duet_auth.keys.models import SigningKeyRow
from duet_auth.keys.repository import KeyRepository
from duet_common.clock import Clock
from duet_common.tokens.jose import Algorithm
from duet_common.tokens.keys import VerificationKey, parse_jwk, verification_key
from duet_common.tokens.signing import SigningKey, generate_private_key


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """How keys rotate.

    `propagation` is the minimum time for which a key is published before it signs. `retention` is
    the time for which it is published after its retirement: the lifetime of a token, plus the time
    until every process has noticed the rotation.
    """

    algorithm: Algorithm
    propagation: timedelta
    retention: timedelta


@dataclass(frozen=True, slots=True)
class NotPropagated:
    """The result of a rotation that has to wait: the next key may sign after `wait`."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class Rotated:
    active: str
    next: str


@dataclass(frozen=True, slots=True)
class LoadedKeys:
    """The keys that a process needs: the one that signs, and those that are published."""

    active: SigningKey
    active_since: datetime
    published: dict[str, VerificationKey]


class KeyService:
    """Creates, rotates and loads keys. The service never commits."""

    def __init__(
        self, session: AsyncSession, encryption: KeyEncryption, policy: KeyPolicy, clock: Clock
    ) -> None:
        self._keys = KeyRepository(session)
        self._encryption = encryption
        self._policy = policy
        self._clock = clock

    async def ensure(self) -> None:
        """Create the active and the next key if they do not exist, as on the first start."""
        await self._keys.lock()
        rows = await self._keys.all()
        now = self._clock()
        if not any(_is_active(row) for row in rows):
            await self._make(now, activated_at=now)
        if not any(row.activated_at is None for row in rows):
            await self._make(now, activated_at=None)

    async def rotate(self, *, force: bool = False) -> Rotated | NotPropagated:
        """Retire the active key, activate the next key, and publish a new next key.

        Only one rotation runs at a time. Without `force`, the next key is not activated until it
        has been published for the propagation time, because a verifier may not have fetched it.
        """
        await self.ensure()
        rows = await self._keys.all()
        now = self._clock()
        following = next(row for row in rows if row.activated_at is None)
        wait = following.published_at + self._policy.propagation - now
        if wait > timedelta(0) and not force:
            return NotPropagated(wait)
        active = next(row for row in rows if _is_active(row))
        active.retired_at = now
        await (
            self._keys.session.flush()
        )  # before the next key becomes active: a unique index allows one
        following.activated_at = now
        await self._keys.session.flush()
        made = await self._make(now, activated_at=None)
        await self._keys.delete_retired_before(now - self._policy.retention)
        return Rotated(active=following.kid, next=made.kid)

    async def load(self) -> LoadedKeys:
        """Raises `WrongKeyEncryptionKey`, and `NoSigningKey` before the first `ensure`."""
        earliest = self._clock() - self._policy.retention
        rows = [r for r in await self._keys.all() if not r.retired_at or r.retired_at >= earliest]
        active = next((row for row in rows if _is_active(row)), None)
        if active is None or active.activated_at is None:
            raise NoSigningKey
        pem = self._encryption.decrypt(active.encrypted_private_key, active.kid)
        return LoadedKeys(
            active=SigningKey.from_pem(pem, _algorithm(active)),
            active_since=active.activated_at,
            published={row.kid: verification_key(parse_jwk(row.public_jwk)) for row in rows},
        )

    async def list(self) -> Sequence[SigningKeyRow]:
        """Return every stored key, oldest first."""
        return await self._keys.all()

    async def _make(self, now: datetime, activated_at: datetime | None) -> SigningKeyRow:
        pem = generate_private_key(self._policy.algorithm)
        key = SigningKey.from_pem(pem, self._policy.algorithm)
        row = SigningKeyRow(
            kid=key.kid,
            algorithm=key.algorithm,
            public_jwk=key.public_jwk.model_dump(),
            encrypted_private_key=self._encryption.encrypt(pem, key.kid),
            published_at=now,
            activated_at=activated_at,
        )
        await self._keys.add(row)
        return row


def _is_active(row: SigningKeyRow) -> bool:
    return row.activated_at is not None and row.retired_at is None


def _algorithm(row: SigningKeyRow) -> Algorithm:
    return "RS256" if row.algorithm == "RS256" else "ES256"
