"""Values that never show themselves: passwords, keys, and what holds them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Dialect, String, TypeDecorator

MASK = "***"
# What of a stage's credentials is no secret; whatever else a server may come to know is taken for one.
_HARMLESS = frozenset({"AWS_REGION", "ENDPOINT", "PROVIDER"})


class Secret(str):
    """A text whose repr, str and format are `***`; it is sent and compared whole.

    `reveal()` gives the plain text.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """*value*, which may be a secret already."""
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
        """The plain text."""
        return "".join(self)


class SecretBytes(bytes):
    """A password's bytes, masked as a `Secret` is; a driver computes with them as with any."""

    def __repr__(self) -> str:
        return f"b'{MASK}'"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)


def password_bytes(password: str | bytes | None) -> SecretBytes:
    """A password as the server has it, in UTF-8; empty for None.

    Raises:
        ValueError: it is no Unicode: half of a surrogate pair is in it.
    """
    if isinstance(password, bytes):
        return SecretBytes(password)
    password = Secret(password or "")  # the plain one is not to be seen in a traceback
    try:
        return SecretBytes(password.encode())
    except UnicodeEncodeError:
        pass  # raised below, as this error has the password in it
    raise ValueError("the password must be Unicode text, and has half of a surrogate pair in it")


@dataclass(frozen=True)
class NotText:
    """The place of a value that is given for a secret and is no text: what it holds may be one all the same.

    Args:
        kind: the name of its type.
    """

    kind: str


def secret(value: str | None) -> Secret | None:
    """*value* as a `Secret`, None as None."""
    return None if value is None else Secret(value)


def mask(value: Any) -> Secret | NotText | None:
    """What shows nothing of *value*, whatever that is; it never fails, as the frames of a failure show their values."""
    if value is None or isinstance(value, Secret | NotText):
        return value
    return Secret(value) if isinstance(value, str) else NotText(type(value).__name__)


def mask_pairs(values: Any) -> "Credentials | NotText":
    """What shows no secret of a stage's credentials, whatever is given for them; it never fails."""
    try:
        return NotText(type(values).__name__) if isinstance(values, str | bytes) else Credentials(values)
    except TypeError:
        return NotText(type(values).__name__)


def mask_url(value: Any) -> str | NotText:
    """What shows no login of a URL, as in `https://user:password@host`, whatever is given for one; it never fails."""
    hidden = mask(value)
    return hidden.reveal() if isinstance(hidden, Secret) and "@" not in hidden else hidden or NotText("NoneType")


class Credentials(Mapping[str, str]):
    """A stage's credentials by name, secret ones masked; immutable.

    Args:
        pairs: names and values. Names are folded to upper case, as the server's are.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        values = _by_name(pairs)
        del pairs  # the plain ones are not to be seen in a traceback
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
        """These credentials with *changes* laid over them."""
        return Credentials({**self, **Credentials(changes)})


def _by_name(pairs: Any) -> dict[str, str] | None:
    """The values by their names, masked; None if they are none."""
    try:
        hidden = {name.upper(): Secret(value) for name, value in dict(pairs).items()}
    except (TypeError, AttributeError, ValueError):
        return None
    return {name: value.reveal() if name in _HARMLESS and "@" not in value else value for name, value in hidden.items()}


class SecretText(TypeDecorator[Secret]):
    """A column that holds secrets: SQLAlchemy's `echo='debug'` logs its rows, so they come back as `Secret`."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Secret | None:
        """What the column's value becomes."""
        return secret(value)


_SECRET_WORDS = re.compile("identified|password|credentials|secret|s3option", re.IGNORECASE)


def mentions_secrets(sql: str) -> bool:
    """Whether a statement that a program or a person has written may have a password or a key in it."""
    return _SECRET_WORDS.search(sql) is not None


def redact(words: str, secrets: Iterable[Secret]) -> str:
    """The words with every secret cut out; those too short to be distinguished from other text are left.

    Args:
        words: a server's or a driver's message.
        secrets: what must not show.
    """
    forms = {form for hidden in secrets for form in _forms(hidden.reveal()) if len(form) >= 4}
    for form in sorted(forms, key=len, reverse=True):
        words = words.replace(form, MASK)
    return words


def _forms(sent: str) -> tuple[str, ...]:
    """What a message may have of a secret: the text that was sent, and what it was before or is after an escape more.

    The one before is the caller's, the one after in the text of the statement, as we or a driver write it.
    """
    doubled = sent.replace("\\", "\\\\")
    before = sent.replace("''", "'").replace("\\\\", "\\")
    return sent, before, doubled.replace("'", "''"), doubled.replace("'", "\\'")
