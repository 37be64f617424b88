"""The auth service: users, passwords, sessions and tokens. Only auth can sign tokens."""
