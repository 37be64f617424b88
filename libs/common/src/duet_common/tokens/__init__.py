"""Access tokens: what they hold, how they are verified offline, and where public keys come from.

Nothing here does I/O but `duet_common.tokens.key_sources`. Content uses all of it but
`duet_common.tokens.signing`, which an import contract keeps from it: only auth can sign.
"""
