"""What `make run` serves: both services on one origin, with an embedded PostgreSQL."""
