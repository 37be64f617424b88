"""content's copy of auth's public keys, so that it restarts and verifies while auth is down."""
