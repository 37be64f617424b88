"""What both Duet services share. It imports no service (pyproject.toml holds the contract)."""
