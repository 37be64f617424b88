"""Content's copy of auth's public keys, with which it can restart while auth is down."""
