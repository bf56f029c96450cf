"""Secrets, such as passwords and keys, whose repr and str are masked."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Dialect, String, TypeDecorator

MASK = "***"
# The credentials of a stage that are not secret; all others, also unknown ones, are treated as secrets.
_HARMLESS = frozenset({"AWS_REGION", "ENDPOINT", "PROVIDER"})


class Secret(str):
    """A str whose `repr`, `str` and `format` give `***`; `reveal()` returns the plain text.

    Drivers send, and comparisons use, the plain text.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Mask *value*; return it unchanged if it is a secret already."""
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # str() would make 'None' of None
            raise TypeError(f"a secret is a str, not {type(value).__name__}")
        return value if isinstance(value, cls) else super().__new__(cls, value)  # str() of one would be the mask

    def __repr__(self) -> str:
        return f"'{MASK}'"

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return format(MASK, format_spec)

    def reveal(self) -> str:
        """Return the plain text."""
        return "".join(self)


class SecretBytes(bytes):
    """Bytes of a password, masked as a `Secret` is; drivers can compute with them."""

    def __repr__(self) -> str:
        return f"b'{MASK}'"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)


def password_bytes(password: str | bytes | None) -> SecretBytes:
    """Return a password as the server needs it, in UTF-8; empty for None.

    Raises:
        ValueError: the password has half of a surrogate pair, so that it has no UTF-8.
    """
    if isinstance(password, bytes):
        return SecretBytes(password)
    password = Secret(password or "")  # tracebacks must not show the plain one
    try:
        return SecretBytes(password.encode())
    except UnicodeEncodeError:
        pass  # raised below, as this error has the password in it
    raise ValueError("the password must be Unicode text, and has half of a surrogate pair in it")


@dataclass(frozen=True)
class NotText:
    """A placeholder for a value that was given as a secret and is not a text; its content may still be secret.

    Args:
        kind: name of the value's type.
    """

    kind: str


def secret(value: str | None) -> Secret | None:
    """Return *value* as a `Secret`, and None as None."""
    return None if value is None else Secret(value)


def mask(value: Any) -> Secret | NotText | None:
    """Mask a value of any type. This never raises, as the traceback would show the value."""
    if value is None or isinstance(value, Secret | NotText):
        return value
    return Secret(value) if isinstance(value, str) else NotText(type(value).__name__)


def mask_pairs(values: Any) -> "Credentials | NotText":
    """Mask the secrets of a stage's credentials, given as any type. This never raises, as `mask`."""
    try:
        return NotText(type(values).__name__) if isinstance(values, str | bytes) else Credentials(values)
    except TypeError:
        return NotText(type(values).__name__)


def mask_url(value: Any) -> str | NotText:
    """Mask a URL that may have a login, as `https://user:password@host`, given as any type. This never raises."""
    hidden = mask(value)
    return hidden.reveal() if isinstance(hidden, Secret) and "@" not in hidden else hidden or NotText("NoneType")


class Credentials(Mapping[str, str]):
    """The credentials of a stage: an immutable mapping of names to values, with secrets masked.

    Args:
        pairs: names and values. Names are converted to upper case, as on the server.

    Raises:
        TypeError: `pairs` is not a mapping from names to texts.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        values = _by_name(pairs)
        del pairs  # tracebacks must not show the plain ones
        self._values = values or {}
        if values is None:
            raise TypeError("credentials are a mapping from names to texts, as in {'AWS_KEY_ID': '…'}")

    def __getitem__(self, name: str) -> str:
        return self._values[name.upper()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Credentials({self._values!r})"

    def merged(self, changes: Mapping[str, str]) -> "Credentials":
        """Return a copy with *changes* merged in."""
        return Credentials({**self, **Credentials(changes)})


def _by_name(pairs: Any) -> dict[str, str] | None:
    """Return the values by name, with secrets masked; None if *pairs* are not names and texts."""
    try:
        hidden = {name.upper(): Secret(value) for name, value in dict(pairs).items()}
    except (TypeError, AttributeError, ValueError):
        return None
    return {name: value.reveal() if name in _HARMLESS and "@" not in value else value for name, value in hidden.items()}


class SecretText(TypeDecorator[Secret]):
    """A column with secrets, read as `Secret`, as SQLAlchemy's `echo='debug'` logs rows."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Secret | None:
        """Return the column's value as a secret."""
        return secret(value)


_SECRET_WORDS = re.compile(r"identified|password|credentials|secret|s3option|://[^\s'\"]*@", re.IGNORECASE)


def mentions_secrets(sql: str) -> bool:
    """Return whether a caller's statement may contain a password or a key."""
    return _SECRET_WORDS.search(sql) is not None


def redact(words: str, secrets: Iterable[Secret]) -> str:
    """Replace secrets in a message by the mask, except those that are too short to tell from other text.

    Args:
        words: message of a server or a driver.
        secrets: the secrets to replace.
    """
    forms = {form for hidden in secrets for form in _forms(hidden.reveal()) if len(form) >= 4}
    for form in sorted(forms, key=len, reverse=True):
        words = words.replace(form, MASK)
    return words


def _forms(sent: str) -> tuple[str, ...]:
    """Return the forms in which a message may show a secret: as sent, and with one level of escapes less or more.

    The caller gave the form with less; the SQL text of the statement has the form with more.
    """
    doubled = sent.replace("\\", "\\\\")
    before = sent.replace("''", "'").replace("\\\\", "\\")
    return sent, before, doubled.replace("'", "''"), doubled.replace("'", "\\'")
