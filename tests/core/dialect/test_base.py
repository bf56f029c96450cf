"""The SQLAlchemy dialect: what it compiles, and what it gives the drivers."""

import ssl
import subprocess
import sys
import uuid
from types import SimpleNamespace

import pytest
import trustme
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, make_url, select
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.reflection import MySQLTableDefinitionParser
from sqlalchemy.exc import CompileError

import matrixone_async.dialect
import matrixone_sync.dialect
from matrixone import DATALINK, UUID, VECF32, VECF64
from matrixone_core.dialect import MatrixOneDialect_aiomysql, MatrixOneDialect_pymysql
from matrixone_core.errors import InvalidArgument, NotSupported

T = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer))
DIALECTS = pytest.mark.parametrize("dialect", [matrixone_sync.dialect.Dialect, matrixone_async.dialect.Dialect])


def test_the_dialects_are_found_by_their_names():
    assert make_url("matrixone+pymysql://").get_dialect() is matrixone_sync.dialect.Dialect
    assert make_url("matrixone+aiomysql://").get_dialect(_is_async=True) is matrixone_async.dialect.Dialect
    assert create_engine("matrixone://root@localhost").dialect.name == "matrixone"


def arguments(dialect, options=""):
    return dialect().create_connect_args(make_url(f"matrixone+x://u:p@h:7/d{options}"))[1]


@DIALECTS
def test_what_the_driver_is_given(dialect):
    given = arguments(dialect, "?time_zone=%2B08:00&lock_timeout=5&connect_timeout=3")
    assert given["session_variables"] == "SET autocommit=0, time_zone='+08:00', lock_wait_timeout=5"
    assert (given["host"], given["port"], given["user"], given["charset"]) == ("h", 7, "u", "utf8mb4")
    assert float(given["connect_timeout"]) == 3
    assert "ssl" not in given
    assert arguments(dialect)["session_variables"] == "SET autocommit=0"
    assert arguments(dialect, "?init_command=SELECT 1")["init_command"] == "SELECT 1"


@DIALECTS
def test_a_server_whose_connections_begin_with_a_mode_that_values_are_not_written_for(dialect, monkeypatch):
    """An administrator may have set it for all (server-facts 103)."""

    def initialize(self, _connection):
        self._backslash_escapes = False

    class Connected:
        connection = SimpleNamespace(driver_connection=None)

        def execution_options(self, **_options):
            return self

    monkeypatch.setattr(MySQLDialect, "initialize", initialize)
    with pytest.raises(InvalidArgument, match="NO_BACKSLASH_ESCAPES"):
        dialect().initialize(Connected())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "chain.pem")
    return folder


@DIALECTS
def test_tls(dialect, certificates):
    ca = f"ssl_ca={certificates}/ca.pem"
    assert "ssl" not in arguments(dialect, f"?ssl_mode=disabled&{ca}")
    required = arguments(dialect, "?ssl_mode=required")["ssl"]
    assert (required.verify_mode, required.check_hostname) == (ssl.CERT_NONE, False)
    for options in (f"?{ca}", f"?ssl_mode=verify_ca&{ca}", f"?{ca}&ssl_cert={certificates}/cert.pem"):
        checked = arguments(dialect, options)["ssl"]
        assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert arguments(dialect, f"?ssl_mode=verify_identity&{ca}")["ssl"].check_hostname
    assert arguments(dialect, f"?ssl_cert={certificates}/cert.pem")["ssl"].verify_mode is ssl.CERT_NONE
    assert "ssl" in arguments(dialect, f"?ssl_cert={certificates}/chain.pem&ssl_key={certificates}/key.pem")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        arguments(dialect, f"?ssl_cert={certificates}/chain.pem&ssl_key={certificates}/ca.pem")
    with pytest.raises(InvalidArgument, match="ssl_ca='/no/such/file' cannot be read"):
        arguments(dialect, "?ssl_ca=/no/such/file")


def test_upserts_are_written_as_the_server_reads_them():
    statement = insert(T).values(id=1)
    statement = statement.on_duplicate_key_update(n=statement.inserted.n)
    assert "ON DUPLICATE KEY UPDATE n = VALUES(n)" in str(statement.compile(dialect=MatrixOneDialect_pymysql()))


@DIALECTS
def test_an_offset_by_itself_has_a_limit_that_it_can_be_added_to(dialect):
    def clause(query):
        return str(query.compile(dialect=dialect(), compile_kwargs={"literal_binds": True})).partition("LIMIT ")[2]

    assert clause(select(T).offset(2)) == f"2, {1 << 62}"
    assert clause(select(T).limit(18446744073709551615).offset(2)) == "2, 18446744073709551615"
    assert clause(select(T).limit(3)) == "3"
    assert clause(select(T)) == ""


def test_options_of_locks_are_refused_in_words():
    dialect = MatrixOneDialect_pymysql()
    assert str(select(T).with_for_update().compile(dialect=dialect)).endswith("FOR UPDATE")
    assert "FOR" not in str(select(T).compile(dialect=dialect))
    for options, name in (({"skip_locked": True}, "SKIP LOCKED"), ({"nowait": True}, "NOWAIT"), ({"of": T}, "OF")):
        with pytest.raises(CompileError, match=f"MatrixOne has no {name};"):
            select(T).with_for_update(**options).compile(dialect=dialect)


def test_savepoints_are_refused_in_words():
    with pytest.raises(NotSupported, match="no savepoints"):
        MatrixOneDialect_pymysql().do_savepoint(None, "x")


class Cursor:
    def __init__(self):
        self.sent = []

    def execute(self, sql):
        self.sent.append(sql)

    def close(self):
        self.sent.append("closed")

    def cursor(self):
        return self


def test_autocommit_is_set_by_a_statement():
    cursor = Cursor()
    MatrixOneDialect_pymysql().set_isolation_level(cursor, "AUTOCOMMIT")
    assert cursor.sent == ["SET autocommit=1", "closed"]
    cursor = Cursor()
    MatrixOneDialect_pymysql().set_isolation_level(cursor, "READ COMMITTED")
    assert cursor.sent[0] == "SET autocommit=0"
    assert "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED" in cursor.sent


def test_types_that_mysql_does_not_have_are_recognised_on_reflection():
    dialect = MatrixOneDialect_pymysql()
    dialect.server_version_info = (8, 0, 30)
    parser = MySQLTableDefinitionParser(dialect, dialect.identifier_preparer)
    columns = parser.parse(
        "CREATE TABLE `t` (\n  `b` bool DEFAULT NULL,\n  `v` vecf32(3) DEFAULT NULL,\n  `w` vecf64(2) DEFAULT NULL,\n"
        "  `l` datalink DEFAULT NULL,\n  `u` uuid DEFAULT NULL\n)",
        "utf8mb4",
    ).columns
    types = {column["name"]: column["type"] for column in columns}
    assert [type(kind).__name__ for kind in types.values()] == ["BOOLEAN", "VECF32", "VECF64", "DATALINK", "UUID"]
    assert (types["v"].dimensions, types["w"].dimensions) == (3, 2)


@pytest.mark.parametrize(
    ("kind", "sql", "value", "sent", "told", "read"),
    [
        (VECF32(3), "VECF32(3)", [1, 2.5, 3], "[1.0,2.5,3.0]", "[1, 2.5, 3]", [1.0, 2.5, 3.0]),
        (VECF64(1), "VECF64(1)", None, None, None, None),
        (UUID(), "UUID", uuid.UUID(int=1), str(uuid.UUID(int=1)), str(uuid.UUID(int=1)), uuid.UUID(int=1)),
        (UUID(), "UUID", None, None, None, None),
    ],
)
def test_values_of_those_types(kind, sql, value, sent, told, read):
    dialect = MatrixOneDialect_pymysql()
    assert kind.compile(dialect=dialect) == sql
    assert kind.bind_processor(dialect)(value) == sent
    assert kind.result_processor(dialect, None)(told) == read
    assert DATALINK().compile(dialect=dialect) == "DATALINK"


ALEMBIC = "import alembic.migration"
ENGINE = "engine = sqlalchemy.create_engine('matrixone://u:p@h/d')"


@pytest.mark.parametrize("steps", [[ALEMBIC, ENGINE], [ENGINE, ALEMBIC]], ids=["before", "after"])
def test_alembic_may_be_imported_before_the_first_engine_or_after_it(steps):
    script = ["import sqlalchemy, sys", *steps, "from alembic.ddl.impl import DefaultImpl"]
    script.append("found = DefaultImpl.get_by_dialect(engine.dialect)")
    script.append("print(found.__module__, found.transactional_ddl, engine.dialect.name)")
    done = subprocess.run([sys.executable, "-c", "\n".join(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["matrixone_core.dialect.alembic", "True", "matrixone"]


def test_the_dialect_does_not_import_alembic():
    script = "import sqlalchemy, sys\n" + ENGINE + "\nprint(engine.dialect.name, 'alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["matrixone", "False"]


def test_a_name_that_is_read_registers_the_implementation_once(monkeypatch):
    import alembic.ddl.impl

    monkeypatch.delitem(sys.modules, "matrixone_core.dialect.alembic", raising=False)
    monkeypatch.delitem(alembic.ddl.impl._impls, "matrixone", raising=False)  # noqa: SLF001  # Alembic's
    assert MatrixOneDialect_pymysql().name == MatrixOneDialect_aiomysql.name == "matrixone"
    assert alembic.ddl.impl._impls["matrixone"].__name__ == "MatrixOneImpl"  # noqa: SLF001  # Alembic's
