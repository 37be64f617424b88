"""Startup errors of the standalone server; each message says what to do next."""


class StartFailure(Exception):
    """Ends the program with exit status 1 and this one line."""
