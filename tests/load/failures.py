"""The error that ends the benchmark before it has a result."""


class BenchFailure(Exception):
    """The benchmark cannot continue. `main` prints this message and exits with status 1."""
