"""Values that never show themselves: passwords, keys, and what holds them."""

from collections.abc import Iterable, Iterator, Mapping
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


def secret(value: str | None) -> Secret | None:
    """*value* as a `Secret`, None as None."""
    return None if value is None else Secret(value)


class Credentials(Mapping[str, str]):
    """A stage's credentials by name, secret ones masked; immutable.

    Args:
        pairs: names and values. Names are folded to upper case, as the server's are.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        self._values = {
            name.upper(): value if name.upper() in _HARMLESS else Secret(value) for name, value in dict(pairs).items()
        }

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


class SecretText(TypeDecorator[Secret]):
    """A column that holds secrets: SQLAlchemy's `echo='debug'` logs its rows, so they come back as `Secret`."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Secret | None:
        """What the column's value becomes."""
        return secret(value)


def redacted(words: str, secrets: Iterable[Secret]) -> str:
    """The words with every secret cut out; ones too short to be told from other text are left.

    Args:
        words: a server's or a driver's message.
        secrets: what must not show.
    """
    for hidden in sorted(secrets, key=len, reverse=True):
        if len(hidden) >= 4:
            words = words.replace(hidden.reveal(), MASK)
    return words
