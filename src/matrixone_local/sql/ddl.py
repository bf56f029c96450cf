"""What a statement makes, drops or changes, and how it ends a transaction: decided by its tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from matrixone_local.errors import SqlError
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.tokens import Kind, Reader, Token

NO_SUCH_OBJECT = frozenset({1049, 1146})  # no such database, no such table
UNUSED_TABLE = "__mo_nobody"  # what no table is called
_DEFINE = frozenset({"CREATE", "DROP", "ALTER", "TRUNCATE", "RENAME"})
_KINDS = {"TABLE": "TABLE", "DATABASE": "DATABASE", "SCHEMA": "DATABASE"}

Name = tuple[str, ...]


def defines(tokens: Sequence[Token]) -> bool:
    """Whether the engine would commit the transaction to carry this out."""
    return len(tokens) > 1 and tokens[0].text.upper() in _DEFINE


@dataclass(frozen=True)
class SchemaObject:
    """A table, view or database.

    Args:
        kind: `TABLE`, `VIEW` or `DATABASE`.
        name: one or two parts, in small letters, as names of tables are on a MatrixOne server.
        if_exists: IF [NOT] EXISTS was said.
    """

    kind: str
    name: Name
    if_exists: bool = False

    def within(self, database: str) -> SchemaObject:
        """The same with the database named."""
        if self.kind == "DATABASE" or len(self.name) == 2:
            return self
        return replace(self, name=(database.lower(), *self.name))

    @property
    def quoted(self) -> str:
        """Its name, as SQL has it."""
        return ".".join(map(quoted, self.name))

    @property
    def database(self) -> str:
        """The database it is in, or is."""
        return self.name[0]

    @property
    def drop(self) -> str:
        """What drops it, if it is there."""
        return f"DROP {self.kind} IF EXISTS {self.quoted}"


@dataclass(frozen=True)
class DdlEffect:
    """What a statement does to tables, views and databases.

    Args:
        creates: the table or database that it makes.
        drops: the tables or databases that it drops.
        alters: what it may make, change or drop of other kinds, under all names that it gives them.
    """

    creates: SchemaObject | None = None
    drops: tuple[SchemaObject, ...] = ()
    alters: tuple[SchemaObject, ...] = ()

    def within(self, database: str) -> DdlEffect:
        """The same with the databases named."""
        return DdlEffect(
            self.creates and self.creates.within(database),
            tuple(one.within(database) for one in self.drops),
            tuple(one.within(database) for one in self.alters),
        )


def change(sql: str, tokens: Sequence[Token]) -> DdlEffect | None:
    """What a definition does, as far as a transaction can take it back; None for what is not known here."""
    read = Reader(sql, list(tokens))
    try:
        if read.take("RENAME", "TABLE"):
            return DdlEffect(alters=_renamed(read))
        if read.take("ALTER", "TABLE"):
            return DdlEffect(alters=(named(read, "TABLE"), *_new_name(read)))
        if read.take("TRUNCATE"):
            read.take("TABLE")
            return DdlEffect(alters=(named(read, "TABLE"),))
        if read.take("ALTER", "VIEW") or read.take("CREATE", "OR", "REPLACE", "VIEW"):
            return DdlEffect(alters=(named(read, "VIEW"),))
        if read.take("CREATE"):
            return _made(read)
        return _dropped(read) if read.take("DROP") else None
    except SqlError:
        return None  # the engine says what is wrong with it


def _made(read: Reader) -> DdlEffect | None:
    index = any(read.take(*words, "INDEX") for words in ((), ("UNIQUE",), ("FULLTEXT",), ("SPATIAL",)))
    if index:
        return _of_an_index(read)
    if read.take("VIEW"):
        read.take("IF", "NOT", "EXISTS")
        return DdlEffect(alters=(named(read, "VIEW"),))
    read.take("EXTERNAL")
    kind = _kind(read)
    if kind is None:
        return None
    if_exists = read.take("IF", "NOT", "EXISTS")
    return DdlEffect(creates=replace(named(read, kind), if_exists=if_exists))


def _dropped(read: Reader) -> DdlEffect | None:
    if read.take("INDEX"):
        return _of_an_index(read)
    if read.take("VIEW"):
        read.take("IF", "EXISTS")
        return DdlEffect(alters=names(read, "VIEW"))
    kind = _kind(read)
    if kind is None:
        return None
    if_exists = read.take("IF", "EXISTS")
    return DdlEffect(drops=tuple(replace(one, if_exists=if_exists) for one in names(read, kind)))


def _kind(read: Reader) -> str | None:
    return next((kind for word, kind in _KINDS.items() if read.take(word)), None)


def named(read: Reader, kind: str) -> SchemaObject:
    """What is named next."""
    first = read.name().lower()
    return SchemaObject(kind, (first, read.name().lower()) if read.take(".") else (first,))


def names(read: Reader, kind: str) -> tuple[SchemaObject, ...]:
    """What is named next, with commas between the names."""
    found = [named(read, kind)]
    while read.take(","):
        found.append(named(read, kind))
    return tuple(found)


def _of_an_index(read: Reader) -> DdlEffect:
    """Behind CREATE INDEX or DROP INDEX: it is its table that changes."""
    while not read.take("ON"):
        read.next(*Kind)
    return DdlEffect(alters=(named(read, "TABLE"),))


def _renamed(read: Reader) -> tuple[SchemaObject, ...]:
    """Behind RENAME TABLE: the old names and the new ones."""
    found: list[SchemaObject] = []
    while True:
        found.append(named(read, "TABLE"))
        read.expect("TO")
        found.append(named(read, "TABLE"))
        if not read.take(","):
            return tuple(found)


def _new_name(read: Reader) -> tuple[SchemaObject, ...]:
    """What ALTER TABLE … RENAME [TO | AS] calls the table."""
    while read.current is not None:
        if not read.take("RENAME"):
            read.at += 1
        elif not any(map(read.take, ("COLUMN", "INDEX", "KEY"))):
            read.take("TO")
            read.take("AS")
            return (named(read, "TABLE"),)
    return ()


class End(Enum):
    """How a statement may end a transaction."""

    COMMIT = "commit"
    ROLLBACK = "rollback"
    AUTOCOMMIT = "autocommit"  # commits where autocommit was off


def ends_transaction(tokens: Sequence[Token]) -> End | None:
    """How a statement ends the open transaction, if it does."""
    if tokens[0].says("ROLLBACK"):
        return End.ROLLBACK
    if tokens[0].says("COMMIT", "BEGIN") or (tokens[0].says("START") and tokens[1].says("TRANSACTION")):
        return End.COMMIT
    sets = tokens[0].says("SET") and any(
        token.text.lower().rpartition(".")[2].lstrip("@") == "autocommit" for token in tokens[1:]
    )
    return End.AUTOCOMMIT if sets else None
