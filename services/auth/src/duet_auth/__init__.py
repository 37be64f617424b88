"""auth: users, passwords, sessions, and the issue and refresh of tokens. Only auth can sign."""
