"""LOAD DATA: read the statement, read the file, insert its rows in the client's own transaction.

The engine has a LOAD DATA of its own, which does not roll back and turns bad integers into 0
(design/local-server.md); so the file is read here, strictly, and sent as INSERT statements over the client's session.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .csvfile import CsvForm, Field
from .engine import EngineError, Link
from .errors import Refused, bad_input, internal
from .stages import Stages, braces
from .storage import Storage
from .tokens import Kind, Reader
from .values import Column, quoted

BATCH_ROWS = 1000
KILLS_OUTLIVED = 20
BATCH_CHARACTERS = 1 << 20


@dataclass(frozen=True)
class Source:
    """What LOAD DATA reads: a path, data in the statement, or an S3 object told by options."""

    path: str = ""
    inline: str | None = None
    s3: Mapping[str, str] | None = None
    compression: str = "auto"
    format: str = "csv"


@dataclass(frozen=True)
class LoadData:
    """A LOAD DATA statement.

    Args:
        source: what is read.
        table: the target, one or two names.
        form: how the file's fields are told apart.
        ignore: how many records are skipped at the start.
        fields: the columns that the file's fields go into; None where a field is skipped (`@x`).
        nulls: column to the text that means NULL there, from `SET column=NULLIF(column, text)`.
    """

    source: Source
    table: tuple[str, ...]
    form: CsvForm = field(default_factory=CsvForm)
    ignore: int = 0
    fields: tuple[str | None, ...] = ()
    nulls: Mapping[str, str] = field(default_factory=dict[str, str])


def parse_load(read: Reader) -> LoadData:
    """What stands behind LOAD DATA."""
    source = _source(read)
    if not read.take("IGNORE"):
        read.take("REPLACE")
    read.expect("INTO", "TABLE")
    table = [read.name()]
    if read.take("."):
        table.append(read.name())
    if read.take("CHARACTER", "SET"):
        read.next(Kind.WORD, Kind.STRING)
    form = _form(read)
    ignore = 0
    if read.take("IGNORE"):
        ignore = int(read.next(Kind.NUMBER).text)
        if not read.take("LINES"):
            read.expect("ROWS")
    fields = tuple(_listed(read)) if read.take("(") else ()
    nulls = dict(_assignments(read)) if read.take("SET") else {}
    while read.take("PARALLEL") or read.take("STRICT"):
        read.string()
    read.end()
    return LoadData(source, tuple(table), form, ignore, fields, nulls)


def _source(read: Reader) -> Source:
    if read.take("LOCAL"):
        raise internal("the local server does not take LOAD DATA LOCAL yet; put the file into a stage")
    if read.take("INLINE"):
        options = dict(_pairs(read))
        return Source(inline=options.get("DATA", ""), format=options.get("FORMAT", "csv"))
    if read.take("URL"):
        read.expect("S3OPTION")
        return _told(braces(read), remote=True)
    read.expect("INFILE")
    if read.looks("{"):
        return _told(braces(read), remote=False)
    return Source(read.string())


def _told(options: Mapping[str, str], *, remote: bool) -> Source:
    return Source(
        options.get("filepath", ""),
        s3=options if remote else None,
        compression=options.get("compression", "auto"),
        format=options.get("format", "csv"),
    )


def _pairs(read: Reader) -> Iterator[tuple[str, str]]:
    while True:
        name = read.next(Kind.WORD).text.upper()
        read.expect("=")
        yield name, read.string()
        if not read.take(","):
            return


def _form(read: Reader) -> CsvForm:
    told: dict[str, str] = {}
    if read.take("FIELDS") or read.take("COLUMNS"):
        while clause := _clause(read, _FIELD_CLAUSES):
            told[clause] = _text(read)
    if read.take("LINES"):
        while clause := _clause(read, _LINE_CLAUSES):
            told[clause] = _text(read)
    if told.pop("line_end", "\n") not in {"\n", "\r\n"}:
        raise bad_input("the local server reads lines that end with \\n or \\r\\n")
    return CsvForm(**told)


_FIELD_CLAUSES: Mapping[tuple[str, ...], str] = {
    ("TERMINATED", "BY"): "delimiter",
    ("OPTIONALLY", "ENCLOSED", "BY"): "quote",
    ("ENCLOSED", "BY"): "quote",
    ("ESCAPED", "BY"): "escape",
}
_LINE_CLAUSES: Mapping[tuple[str, ...], str] = {("STARTING", "BY"): "starting", ("TERMINATED", "BY"): "line_end"}


def _clause(read: Reader, known: Mapping[tuple[str, ...], str]) -> str | None:
    """What the clause that comes next tells, stepped over."""
    return next((what for words, what in known.items() if read.take(*words)), None)


def _text(read: Reader) -> str:
    token = read.next(Kind.STRING, Kind.NUMBER)
    if token.kind is Kind.NUMBER:
        return bytes.fromhex(token.text[2:]).decode()
    return token.value


def _listed(read: Reader) -> Iterator[str | None]:
    while True:
        if (token := read.current) and token.text.startswith("@"):
            read.at += 1
            yield None
        else:
            yield read.name()
        if not read.take(","):
            read.expect(")")
            return


def _assignments(read: Reader) -> Iterator[tuple[str, str]]:
    while True:
        column = read.name()
        read.expect("=", "NULLIF", "(")
        subject = read.current
        if subject is None or subject.text.startswith("@"):
            raise bad_input("the nullif func first param is not UnresolvedName form")  # server-facts 20
        if read.name().lower() != column.lower():
            raise bad_input("the nullif func first param must equal to colName")
        read.expect(",")
        yield column, read.string()
        read.expect(")")
        if not read.take(","):
            return


class Cancelled(Protocol):
    """Whether somebody has asked to stop (KILL QUERY)."""

    def is_set(self) -> bool:
        """True once asked."""
        ...


class Loader:
    """Carries LOAD DATA statements out.

    Args:
        stages: where `stage://` leads.
        storage: what opens files.
    """

    def __init__(self, stages: Stages, storage: Storage) -> None:
        self._stages = stages
        self._storage = storage

    def load(self, statement: LoadData, link: Link, cancelled: Cancelled) -> int:
        """Insert the file's rows; all of them or none.

        Args:
            statement: what to load, and how.
            link: the client's session, whose transaction the rows become part of.
            cancelled: asked between batches.

        Returns:
            How many rows were inserted.

        Raises:
            Refused: the file, the table or a value is not as it should be; no row of the statement stays.
            EngineError: the engine refuses the rows.
        """
        if statement.source.format.lower() != "csv":
            raise internal(f"the local server does not load {statement.source.format} yet; csv it does")
        columns = _columns(statement.table, link)
        pieces = self._open(statement.source)
        records = statement.form.records(pieces)
        for _ in range(statement.ignore):
            next(records, None)
        batches = _batches(_rows(records, statement, columns))
        single = link.autocommit and not link.in_transaction
        link.query("BEGIN" if single else "SAVEPOINT matrixone_load")
        head = _insert(statement, columns)
        try:
            count = 0
            for batch in batches:
                if cancelled.is_set():
                    raise internal("context canceled")
                count += link.query(f"{head}{','.join(batch)}").affected
            if single:
                link.query("COMMIT")
        except BaseException:
            _rolled_back(link, "ROLLBACK" if single else "ROLLBACK TO SAVEPOINT matrixone_load")
            raise
        return count

    def _open(self, source: Source) -> Iterator[bytes]:
        if source.inline is not None:
            return iter([source.inline.encode("utf-8", "surrogateescape")])
        if source.s3 is not None:
            s3 = source.s3
            credentials = {
                "AWS_KEY_ID": s3.get("access_key_id", ""),
                "AWS_SECRET_KEY": s3.get("secret_access_key", ""),
                "AWS_REGION": s3.get("region", ""),
                "ENDPOINT": s3.get("endpoint", ""),
                "PROVIDER": s3.get("provider", "minio"),
            }
            return self._storage.open(f"s3://{s3.get('bucket', '')}/{source.path}", credentials, source.compression)
        if source.path.startswith("stage://"):
            place = self._stages.resolve(source.path)
            return self._storage.open(place.url, place.credentials, source.compression)
        return self._storage.open(f"file://{source.path}", {}, source.compression)


def _rolled_back(link: Link, statement: str) -> None:
    """Roll back, though a KILL QUERY that was meant for the load may hit this instead."""
    for _ in range(KILLS_OUTLIVED):
        try:
            link.query(statement)
        except EngineError:
            continue
        return
    link.close()  # the engine rolls back what a closed session leaves


def _columns(table: Sequence[str], link: Link) -> list[Column]:
    where = ".".join(map(quoted, table))
    try:
        found = link.query(f"SHOW COLUMNS FROM {where}")
    except EngineError as error:
        missing = re.fullmatch(r"Table '(.*?)\.(.*)' doesn't exist", error.message)
        if missing:
            raise Refused(1146, f"no such table {missing[1]}.{missing[2]}", "42S02") from None
        raise
    return [
        Column(str(name), str(kind).lower(), required == "NO" and "auto_increment" not in str(extra).lower())
        for name, kind, required, _key, _default, extra, *_ in found.rows
    ]


def _targets(statement: LoadData, columns: Sequence[Column]) -> list[Column | None]:
    if not statement.fields:
        return list(columns)
    known = {column.name.lower(): column for column in columns}
    targets: list[Column | None] = []
    for name in statement.fields:
        if name is not None and name.lower() not in known:
            raise Refused(1054, f"Unknown column '{name}' in '{statement.table[-1]}'", "42S22")
        targets.append(None if name is None else known[name.lower()])
    return targets


def _insert(statement: LoadData, columns: Sequence[Column]) -> str:
    names = ",".join(quoted(column.name) for column in _targets(statement, columns) if column)
    return f"INSERT INTO {'.'.join(map(quoted, statement.table))} ({names}) VALUES "  # noqa: S608  # names are quoted


def _rows(records: Iterator[list[Field]], statement: LoadData, columns: Sequence[Column]) -> Iterator[str]:
    """Each record as `(value, …)`."""
    nulls = {name.lower(): text for name, text in statement.nulls.items()}
    readers: list[Callable[[Field, int], str] | None] = [
        None if column is None else column.reader(nulls.get(column.name.lower()))
        for column in _targets(statement, columns)
    ]
    for number, record in enumerate(records, 1):
        if len(record) != len(readers):
            raise bad_input(f"the data of row {number} contained is not equal to input columns")
        values = [
            read(found, position)
            for position, (read, found) in enumerate(zip(readers, record, strict=True))
            if read is not None
        ]
        yield f"({','.join(values)})"


def _batches(rows: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row)
        if len(batch) == BATCH_ROWS or size > BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
