"""What attacks on a server need: a place with files that it may not read, and what an attack leads to."""

from contextlib import contextmanager

import pymysql

SECRET = "the secret of the machine"


class Place:
    """A server that may use one folder, and a folder beside it that it may not."""

    def __init__(self, server, allowed, other):
        self.server, self.allowed, self.other = server, allowed, other
        self.secret, self.new = other / "secret.csv", other / "new.csv"

    def fill(self, text):
        return (
            text.replace("SECRET", str(self.secret)).replace("NEW", str(self.new)).replace("ALLOWED", str(self.allowed))
        )

    def connect(self, **arguments):
        login = {"host": self.server.host, "port": self.server.port, "user": "root", "password": self.server.password}
        return pymysql.connect(
            **login | {"autocommit": True, "ssl_disabled": True, "charset": "utf8mb4", "database": "test"} | arguments
        )

    @contextmanager
    def untouched(self):
        """A block in which no file is read into a table or written beside what was allowed."""
        before = sorted(self.other.rglob("*"))
        yield
        assert sorted(self.other.rglob("*")) == before
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM t")
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT 1")  # the server lives
            assert cursor.fetchone() == (1,)


def tried(connection, sql):
    """All rows that a text leads to, and whether something was refused."""
    rows, refused = [], False
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            rows += cursor.fetchall()
            while cursor.nextset():
                rows += cursor.fetchall()
    except pymysql.MySQLError as error:
        refused = True
        rows.append(error.args)
    return rows, refused
