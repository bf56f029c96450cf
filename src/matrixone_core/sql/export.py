"""SELECT … INTO OUTFILE, and what is asked of a query beside it (server-facts 33, 70)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import ClauseElement, Executable, TextClause, bindparam
from sqlalchemy.ext.compiler import compiles

from matrixone_core.fragments import Part, Value, bind_values, quote_name
from matrixone_core.steps import Command, Reply, Statement


class Surrounded(Executable, ClauseElement):
    """A query with SQL before and behind it; its values come as the server sends them, whatever types its columns have.

    Args:
        before: the SQL before it.
        query: the query.
        behind: the SQL behind it.
    """

    inherit_cache = False

    def __init__(self, before: str, query: Any, behind: TextClause) -> None:
        self.before = before
        self.query = query
        self.behind = behind


@compiles(Surrounded)
def _compile(element: Surrounded, compiler: Any, **kw: Any) -> str:
    query = compiler.process(element.query, **kw)
    compiler._result_columns = []  # noqa: SLF001  # without them SQLAlchemy changes no value
    # a line's end, as the query may end in a comment
    return f"{element.before}{query}\n{compiler.process(element.behind, **kw)}"


def surrounded(query: Any, behind: Iterator[Part], before: str = "") -> Surrounded:
    """A query with SQL around it, whose values are bound under names that the query's own cannot have."""
    sql, values = bind_values(behind)
    parameters: list[Any] = [bindparam(name, value, unique=True) for name, value in values.items()]
    return Surrounded(before, query, TextClause(sql).bindparams(*parameters))


@dataclass(frozen=True)
class Query:
    """A query whose rows are exported.

    Args:
        clause: the query for SQLAlchemy, its values bound.
        sql: the query for people, with the names of parameters in place of their values.
    """

    clause: Any
    sql: str


@dataclass(frozen=True)
class CsvOutput:
    r"""How INTO OUTFILE writes CSV; backslashes are doubled, NULL is `\N`.

    Args:
        header: whether the first line has the columns' names.
        delimiter: the text between fields.
        quote: the character around texts.
        line_terminator: what ends a line.
        quoted: the columns whose values have quotes around them whatever their type.
    """

    header: bool = True
    delimiter: str = ","
    quote: str = '"'
    line_terminator: str = "\n"
    quoted: tuple[str, ...] = ()

    name: ClassVar[str] = "csv"

    def parts(self) -> Iterator[Part]:
        """The clauses, in the server's order."""
        yield " FIELDS TERMINATED BY "
        yield Value(self.delimiter)
        yield " ENCLOSED BY "
        yield Value(self.quote)
        yield " LINES TERMINATED BY "
        yield Value(self.line_terminator)
        yield f" HEADER '{'TRUE' if self.header else 'FALSE'}'"
        if self.quoted:
            yield f" FORCE_QUOTE ({', '.join(map(quote_name, self.quoted))})"


@dataclass(frozen=True)
class JsonLinesOutput:
    """JSON lines as INTO OUTFILE writes them: DECIMAL and moments are texts, bytes are base64."""

    name: ClassVar[str] = "jsonline"

    def parts(self) -> Iterator[Part]:
        """No clause."""
        yield from ()


@dataclass(frozen=True)
class ParquetOutput:
    """Parquet as INTO OUTFILE writes it: DECIMAL and moments are texts."""

    name: ClassVar[str] = "parquet"

    def parts(self) -> Iterator[Part]:
        """No clause."""
        yield from ()


Output = CsvOutput | JsonLinesOutput | ParquetOutput


@dataclass(frozen=True)
class Outfile(Command):
    """Write the rows of a query to new files of a stage at once, in a transaction or not (server-facts 14).

    Args:
        query: the query.
        url: the first file's `stage://` URL; further ones have `.1`, `.2`, … behind it.
        output: the format.
        split_size: the bytes after which another file begins; None for one file.
    """

    stays: ClassVar[bool] = True

    query: Query
    url: str
    output: Output
    split_size: int | None = None

    def parts(self) -> Iterator[Part]:
        yield f"{self.query.sql}\n"
        yield from self._clauses()

    def _clauses(self) -> Iterator[Part]:
        yield "INTO OUTFILE "
        yield Value(self.url)
        yield f" FORMAT '{self.output.name}'"
        if self.split_size is not None:
            yield f" SPLITSIZE '{self.split_size}'"
        yield from self.output.parts()

    def __clause_element__(self) -> Any:
        return surrounded(self.query.clause, self._clauses())


@dataclass(frozen=True)
class CountQueryRows(Statement[int]):
    """The number of rows that a query has now."""

    query: Query

    def parts(self) -> Iterator[Part]:
        yield f"SELECT count(*) AS n FROM ({self.query.sql}\n) q"

    def __clause_element__(self) -> Any:
        return surrounded(self.query.clause, iter((") q",)), "SELECT count(*) AS n FROM (")

    def parse(self, reply: Reply, /) -> int:
        return int(reply.rows[0]["n"])


@dataclass(frozen=True)
class SelectNothing(Command):
    """A query without its rows: the reply has the columns."""

    query: Query

    def parts(self) -> Iterator[Part]:
        yield f"SELECT * FROM ({self.query.sql}\n) q WHERE FALSE"

    def __clause_element__(self) -> Any:
        return surrounded(self.query.clause, iter((") q WHERE FALSE",)), "SELECT * FROM (")


@dataclass(frozen=True)
class SelectRows(Command):
    """A query's rows as the server sends them."""

    query: Query

    def parts(self) -> Iterator[Part]:
        yield self.query.sql

    def __clause_element__(self) -> Any:
        return surrounded(self.query.clause, iter(("",)))


@dataclass(frozen=True)
class SelectBlocks(SelectRows):
    """A query's rows for columns, with the types that it says its columns have; the values stay as they come."""

    def __clause_element__(self) -> Any:
        return self.query.clause


@dataclass(frozen=True)
class SelectTimeZone(Statement[str]):
    """The session's time zone, in which TIMESTAMPs are written."""

    def parts(self) -> Iterator[Part]:
        yield "SELECT @@time_zone AS zone"

    def parse(self, reply: Reply, /) -> str:
        return str(reply.rows[0]["zone"])
