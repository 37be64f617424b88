"""Why the gateway cannot start, in a sentence that says what to do next."""


class StartFailure(Exception):
    """Ends the program with exit status 1 and this one line."""
