"""Why a bench stops before it has a result."""


class BenchFailure(Exception):
    """Ends the bench with exit status 1 and this text."""
