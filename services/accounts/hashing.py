"""Passwords at rest: Argon2id over an HMAC with a key that is kept apart from the database (the pepper).

Whoever has only the database cannot guess: without the key no guess can be compared. Slow on purpose, to be run off
the loop and outside of any transaction.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

ResultT = TypeVar("ResultT")

# Before a hash that was made with the pepper; one without it was made before there was a pepper.
_PEPPERED = "p1"
_ARGON2 = PasswordHasher()


class Run(Protocol):
    """Runs a slow pure function somewhere it may block: a thread pool under gevent, the caller's thread elsewhere."""

    def __call__(self, function: Callable[..., ResultT], *args: str) -> ResultT: ...


def run_here(function: Callable[..., ResultT], *args: str) -> ResultT:
    return function(*args)


@dataclass(frozen=True)
class HashCheck:
    """`needs_rehash`: it fits, but was not made as hashes are made today."""

    matches: bool
    needs_rehash: bool = False


class PasswordHashes:
    """Makes and compares hashes with one pepper."""

    def __init__(self, pepper: str) -> None:
        self._key = pepper.encode()

    def hash(self, password: str) -> str:
        """With a salt of its own."""
        return _PEPPERED + _ARGON2.hash(self._peppered(password))

    def check(self, password_hash: str, password: str) -> HashCheck:
        is_peppered = password_hash.startswith(_PEPPERED)
        argon2_hash = password_hash.removeprefix(_PEPPERED)
        try:
            _ARGON2.verify(argon2_hash, self._peppered(password) if is_peppered else password)
        except (VerificationError, InvalidHashError):
            return HashCheck(matches=False)
        return HashCheck(matches=True, needs_rehash=not is_peppered or _ARGON2.check_needs_rehash(argon2_hash))

    def _peppered(self, password: str) -> str:
        return base64.b64encode(hmac.new(self._key, password.encode(), hashlib.sha256).digest()).decode()
