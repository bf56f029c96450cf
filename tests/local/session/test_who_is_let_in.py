"""What somebody tries who wants to be let in, or to have more rights."""

import os
import subprocess
import sys

import pymysql
import pytest
from attacks import tried

from matrixone_local import LocalServer


def test_root_is_not_locked_out(place):
    with place.connect() as connection:
        for attack in ("DROP USER root", "DROP USER IF EXISTS root", "DROP USER 'root'@'localhost'", "DROP USER ROOT"):
            assert tried(connection, attack) == ([(20101, "internal error: can not delete the user root")], True)
        for role in ("moadmin", "public"):
            words = f"internal error: can not delete the role {role}"
            assert tried(connection, f"DROP ROLE {role}")[0] in (
                [(20101, words)],
                [(20101, f"internal error: there is no role {role}")],
            )
        assert tried(connection, "CREATE USER root IDENTIFIED BY 'x'")[1]
        assert not tried(connection, "CREATE USER IF NOT EXISTS root IDENTIFIED BY 'x'")[1]
        assert tried(connection, "REVOKE moadmin FROM root")[1]
    place.connect().close()


def test_nobody_becomes_an_administrator(place):
    words = "internal error: the role moadmin can not be granted to non administration user {}"
    with place.connect() as connection:
        refused = tried(connection, "CREATE USER another IDENTIFIED BY 'x' DEFAULT ROLE moadmin")
        assert refused == ([(20101, words.format("another"))], True)
        assert tried(connection, "GRANT moadmin TO someone") == ([(20101, words.format("someone"))], True)
    with pytest.raises(pymysql.MySQLError):
        place.connect(user="another", password="x")
    with place.connect(user="someone", password="sesame") as connection:
        for attack in (
            "CREATE USER x IDENTIFIED BY 'x'",
            "CREATE STAGE x URL='file:///'",
            "SET GLOBAL time_zone = '+01:00'",
        ):
            assert tried(connection, attack)[1], attack


def test_variables_of_all_connections(place):
    with place.connect() as connection:
        for attack in ("SET GLOBAL general_log_file = '/x'", "SET GLOBAL plugin_dir = '/x'"):
            assert "for all connections" in str(tried(connection, attack)), attack
        assert tried(connection, "SET GLOBAL lock_wait_timeout = 60 + 1") == ([], False)
    with place.connect() as connection:
        assert tried(connection, "SELECT @@lock_wait_timeout")[0] == [("61",)]
        assert tried(connection, "SET @@global.lock_wait_timeout = 120") == ([], False)


def test_who_kills_whom(place):
    with place.connect() as root, place.connect(user="someone", password="sesame") as someone:
        ids = [tried(one, "SELECT CONNECTION_ID()")[0][0][0] for one in (root, someone)]
        tried(someone, f"SET @id = {ids[0]}")
        for attack in (
            f"KILL QUERY {ids[0]}",
            f"KILL {ids[0]}",
            f"KILL CONNECTION {ids[0]}",
            "KILL @id",
            "KILL QUERY @id",
        ):
            assert tried(someone, attack)[1], attack
            assert tried(someone, f"PREPARE p FROM '{attack}'")[1], attack
        assert tried(root, "SELECT 1") == ([(1,)], False)
        assert not tried(root, f"KILL QUERY {ids[1]}")[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", ""])  # it is refused
def test_the_password_that_everybody_knows_is_for_loopback(host):
    with pytest.raises(ValueError, match="password"):
        LocalServer(host=host)
    arguments = [sys.executable, "-m", "matrixone_local", "serve", "--port", "0", "--host", host]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, env=os.environ, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--password" in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_password(host):
    LocalServer(host=host)
    LocalServer(host="0.0.0.0", password="sesame")  # nothing is started


def test_an_address_that_is_set_later_is_checked_at_the_start():
    server = LocalServer()
    server.host = "0.0.0.0"
    with pytest.raises(ValueError, match="everybody knows the default password"):
        server.start()
