"""The method mysql_native_password: what a server keeps, and what a client proves that it knows."""

from __future__ import annotations

import hashlib


def native_hash(password: str) -> bytes:
    """What a server keeps of a password: SHA1(SHA1(password))."""
    # SHA-1 is what the mysql_native_password method is made of.
    return hashlib.sha1(hashlib.sha1(password.encode(), usedforsecurity=False).digest(), usedforsecurity=False).digest()


def native_password_fits(stored: bytes, challenge: bytes, answer: bytes) -> bool:
    """Whether *answer* proves that the client knows the password stored as *stored*."""
    if len(answer) != 20:
        return not answer and stored == native_hash("")
    mix = hashlib.sha1(challenge + stored, usedforsecurity=False).digest()
    first = bytes(a ^ b for a, b in zip(answer, mix, strict=True))
    return hashlib.sha1(first, usedforsecurity=False).digest() == stored


def native_answer(password: str, challenge: bytes) -> bytes:
    """The proof a client sends for *password*."""
    if not password:
        return b""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    mix = hashlib.sha1(challenge + native_hash(password), usedforsecurity=False).digest()
    return bytes(a ^ b for a, b in zip(once, mix, strict=True))
