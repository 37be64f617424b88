"""A line a round on stderr, so that stdout holds the result alone."""

import sys


class Progress:
    """On a terminal the line is rewritten; in a log each round has its own."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()

    def say(self, line: str) -> None:
        sys.stderr.write(f"\r\x1b[K{line}" if self._is_terminal else f"{line}\n")
        sys.stderr.flush()

    def done(self) -> None:
        if self._is_terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
