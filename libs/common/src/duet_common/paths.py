"""Paths that machines poll, listed once for logs, limits, metrics and traces."""

from typing import Final

LIVENESS_PATH: Final = "/livez"
READINESS_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
PROBE_PATHS: Final = frozenset({LIVENESS_PATH, READINESS_PATH, METRICS_PATH})
"""Neither limited, measured nor traced, and in the access log only at DEBUG."""

JWKS_PATH: Final = "/.well-known/jwks.json"

EVENTS_PATH: Final = "/internal/events"
USERS_SNAPSHOT_PATH: Final = "/internal/users"

POLLED_PATHS: Final = PROBE_PATHS | {JWKS_PATH, EVENTS_PATH, USERS_SNAPSHOT_PATH}
"""Not limited, and in the access log only at DEBUG. A verifier that could not fetch the public
keys would refuse valid tokens after a rotation, and a reader of events that was limited would
accept revoked ones."""
