"""Access tokens: their claims, offline verification, and sources of public keys.

Only `duet_common.tokens.key_sources` performs I/O. An import contract keeps
`duet_common.tokens.signing` from content: only auth can sign.
"""
