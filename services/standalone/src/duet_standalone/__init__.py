"""The standalone server (`make run`): both services on one origin, with an embedded PostgreSQL."""
