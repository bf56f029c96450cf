"""Connections to the local server by PyMySQL: no client of ours in between."""

import pymysql
import pytest

NO_TLS = {"ssl_disabled": True}  # PyMySQL 1.2 reads the system's certificates for each connection else: 20 ms


class Connection:
    def __init__(self, server, **arguments):
        arguments = {"user": server.user, "password": server.password, "autocommit": True} | NO_TLS | arguments
        self.raw = pymysql.connect(host=server.host, port=server.port, charset="utf8mb4", **arguments)

    def __call__(self, sql, *values):
        with self.raw.cursor() as cursor:
            count = cursor.execute(sql, values or None)
            return list(cursor.fetchall()) if cursor.description else count

    def refused(self, sql):
        """The code and the words with which a statement is refused."""
        with pytest.raises(pymysql.MySQLError) as caught:
            self(sql)
        return caught.value.args

    def tables(self):
        """The names of the tables of its database."""
        return [row[0] for row in self("SHOW TABLES")]

    def definition(self, table):
        """The columns of a table and the names of its indexes."""
        return self(f"SHOW COLUMNS FROM {table}"), [row[2] for row in self(f"SHOW INDEX FROM {table}")]

    def wait(self, milliseconds=50):
        """Ask the server for its time until a span of it is over: a moment that was read before is then past."""
        [(began,)] = self("SELECT NOW(6)")
        while self("SELECT TIMESTAMPDIFF(MICROSECOND, %s, NOW(6))", began)[0][0] < 1000 * milliseconds:
            pass


@pytest.fixture
def connection_to():
    return Connection


@pytest.fixture
def connect(matrixone_server):
    made = []

    def connect(**arguments):
        made.append(Connection(matrixone_server, **arguments))
        return made[-1]

    yield connect
    for connection in made:
        if connection.raw.open:
            connection.raw.close()


@pytest.fixture
def sql(connect, matrixone_database_local):
    connection = connect(database=matrixone_database_local)
    yield connection
    if connection.raw.open:  # a transaction of a test that failed would keep the database from being dropped
        connection.raw.close()


@pytest.fixture
def matrixone_database_local(connect, unique):
    admin, name = connect(), unique("local")
    admin(f"CREATE DATABASE {name}")
    yield name
    admin(f"DROP DATABASE IF EXISTS {name}")
