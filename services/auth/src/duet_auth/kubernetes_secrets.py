"""`duet-auth make-secrets`: create the chart's missing Secrets, without changing existing ones.

The chart cannot create them while it is rendered: `lookup` finds nothing in `helm template`, so
each rendering would create new ones (helm/helm#3053). deploy/helm/duet/README.md describes
`SECRETS_SPEC`.
"""

import base64
import os
import re
import secrets
import ssl
import string
from http import HTTPStatus
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from duet_common.http_client import Client, HttpFailure, api_client, send

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_ALPHABET: Final = string.ascii_letters + string.digits
_PASSWORD_LENGTH: Final = 40
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


class SecretsFailure(Exception):
    """Raised when Secrets cannot be created. The message contains names and no values."""


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Generate(_Spec):
    """`password`: 40 characters that need no escaping in a URL. `base64-32`: 32 bytes in base64."""

    generate: Literal["password", "base64-32"]

    def value(self) -> str:
        if self.generate == "password":
            return "".join(secrets.choice(_ALPHABET) for _ in range(_PASSWORD_LENGTH))
        return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


class Template(_Spec):
    """Text in which `{key}` is replaced by the generated value of that key of the same Secret."""

    template: str

    def keys(self) -> set[str]:
        return set(_PLACEHOLDER.findall(self.template))

    def value(self, generated: dict[str, str]) -> str:
        return _PLACEHOLDER.sub(lambda match: generated[match[1]], self.template)


class SecretSpec(_Spec):
    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
    data: dict[str, Generate | Template] = Field(min_length=1)

    @model_validator(mode="after")
    def _templates_name_generated_keys(self) -> "SecretSpec":
        generated = {key for key, entry in self.data.items() if isinstance(entry, Generate)}
        for key, entry in self.data.items():
            if isinstance(entry, Template) and not entry.keys() <= generated:
                raise ValueError(f"The template of {key!r} names a key that is not generated.")
        return self

    def values(self) -> dict[str, str]:
        """Return new values for every key."""
        generated = {k: e.value() for k, e in self.data.items() if isinstance(e, Generate)}
        made = {k: e.value(generated) for k, e in self.data.items() if isinstance(e, Template)}
        return {**generated, **made}


class SecretsSpec(_Spec):
    """The content of `SECRETS_SPEC`."""

    labels: dict[str, str] = {}
    secrets: list[SecretSpec]


class _Existing(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    data: dict[str, str] | None = None


def cluster_client(account: Path = _ACCOUNT) -> Client:
    """Return a client for the Secrets of the pod's namespace. Raises `SecretsFailure`."""
    try:
        token = (account / "token").read_text(encoding="ascii").strip()
        namespace = (account / "namespace").read_text(encoding="ascii").strip()
        # By address: the Job's network policy allows the API server, but not DNS.
        host = f"{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    except (OSError, KeyError) as error:
        raise SecretsFailure("This is not a pod with a service account token.") from error
    return api_client(
        f"https://{host}/api/v1/namespaces/{namespace}/secrets",
        token=token,
        tls=ssl.create_default_context(cafile=str(account / "ca.crt")),
        timeout=10.0,
    )


def make_secrets(spec: SecretsSpec, client: Client) -> list[str]:
    """Create the missing Secrets and return their names. Raises `SecretsFailure`."""
    return [secret.name for secret in spec.secrets if _make(secret, spec.labels, client)]


def _make(secret: SecretSpec, labels: dict[str, str], client: Client) -> bool:
    path = f"/{secret.name}"
    try:
        found = send(client, "GET", path, allowed=[HTTPStatus.NOT_FOUND])
        if found.status == HTTPStatus.NOT_FOUND:
            body = {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "Opaque",
                "metadata": {"name": secret.name, "labels": labels},
                "stringData": secret.values(),
            }
            made = send(client, "POST", "", body, allowed=[HTTPStatus.CONFLICT])
            if made.status != HTTPStatus.CONFLICT:
                return True
            found = send(client, "GET", path)  # another process has created it
    except HttpFailure as error:
        raise SecretsFailure(f"Secret {secret.name}: {error}") from None
    missing = secret.data.keys() - (_Existing.model_validate_json(found.content).data or {})
    if missing:
        raise SecretsFailure(
            f"The Secret {secret.name} has no {', '.join(sorted(missing))}. Add it, or delete the "
            "Secret, so that it is created again."
        )
    return False
