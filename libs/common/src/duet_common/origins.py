"""The web origins whose pages may use the API, as the setting `ALLOWED_ORIGINS` lists them."""

import json
import re
from typing import Annotated, Final

from pydantic import BeforeValidator, HttpUrl, ValidationError
from pydantic_settings import NoDecode

_ORIGIN: Final = re.compile(r"https?://[^\s/?#@*]+/?", re.IGNORECASE)
_EXAMPLE: Final = "https://app.example.com"


def normalize_origin(text: str) -> str:
    """Return the origin as browsers write it in `Origin` (RFC 6454, section 6.2).

    The host is in lower case and in Punycode, a default port is left out, and so is a slash at the
    end. Raises ValueError for anything that is not the scheme, host and port of a web page. `*` and
    wildcards are refused, because any page that a user visits could then use a deployment that only
    the user's network can reach; so is `null`, which every sandboxed page has in common.
    """
    if "*" in text:
        raise ValueError(f"{text!r} contains a wildcard; list each origin, such as {_EXAMPLE}")
    try:
        url = HttpUrl(text) if _ORIGIN.fullmatch(text) else None
    except ValidationError:
        url = None
    if url is None:
        raise ValueError(
            f"{text!r} is not an origin such as {_EXAMPLE} (http or https, host and port, no path)"
        )
    return str(url).removesuffix("/")


def _normalize_all(value: object) -> object:
    if isinstance(value, str):  # an environment variable
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f'must be a JSON list of origins, such as ["{_EXAMPLE}"]')
    return [normalize_origin(text) for text in value]


AllowedOrigins = Annotated[list[str], NoDecode, BeforeValidator(_normalize_all)]
"""Origins in the form of `normalize_origin`, parsed from JSON. pydantic-settings would report
invalid JSON without the reason."""
