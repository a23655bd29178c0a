"""How a random token is kept where it must not be read back."""

import hashlib


def hash_token(token: str) -> str:
    """Tokens have 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()
