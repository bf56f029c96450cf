"""Users, roles and rights, as far as the local server has them."""

import pymysql
import pytest


@pytest.fixture
def names(sql, unique):
    """A user and two roles of which it is a member, and a table with a row."""
    user, first, second = unique("user"), unique("first"), unique("second")
    sql("CREATE TABLE t (a INT)")
    sql("INSERT INTO t VALUES (1)")
    for role in (first, second):
        sql(f"CREATE ROLE {role}")
        sql(f"GRANT CONNECT ON ACCOUNT * TO {role}")
    sql(f"CREATE USER {user} IDENTIFIED BY 'sesame'")
    sql(f"GRANT {first}, {second} TO {user}")
    yield user, first, second
    sql(f"DROP USER IF EXISTS {user}")
    for role in (first, second):
        sql(f"DROP ROLE IF EXISTS {role}")


@pytest.fixture
def member(connect, names):
    return connect(user=names[0], password="sesame")


def test_grants_are_shown_without_the_servers_own(sql, member, names, matrixone_database_local):
    sql(f"GRANT SELECT ON TABLE {matrixone_database_local}.* TO {names[1]}")
    grants = [row[0] for row in member("SHOW GRANTS")]
    assert f"GRANT SELECT ON `{matrixone_database_local}`.* TO '{names[0]}'" in grants
    assert sql(f"SHOW GRANTS FOR '{names[0]}'") == [(line,) for line in grants]
    for own in ("__mo", "oceanbase"):
        assert own not in str([grants, sql("SHOW GRANTS")])


def test_the_same_text_tells_each_who_it_is(sql, member, names):
    for _ in range(2):
        assert sql("SELECT CURRENT_USER(), 'hello'") == [("root@localhost", "hello")]
        assert member("SELECT CURRENT_USER(), 'hello'") == [(f"{names[0]}@localhost", "hello")]
        assert member("SELECT 1 AS user") == [(1,)]


def test_a_right_is_taken_back(sql, member, names, matrixone_database_local):
    _, first, second = names
    for role in (first, second):
        sql(f"GRANT SELECT, INSERT ON TABLE {matrixone_database_local}.* TO {role}")
    assert member(f"SELECT a FROM {matrixone_database_local}.t") == [(1,)]
    sql(f"REVOKE SELECT ON TABLE {matrixone_database_local}.* FROM {first}")
    assert member(f"SELECT a FROM {matrixone_database_local}.t") == [(1,)]  # by the other role
    sql(f"REVOKE SELECT ON TABLE {matrixone_database_local}.* FROM {second}")
    assert member.refused(f"SELECT a FROM {matrixone_database_local}.t")
    assert member(f"INSERT INTO {matrixone_database_local}.t VALUES (2)") == 1


@pytest.mark.parametrize("statement", ["REVOKE {first} FROM {user}", "DROP ROLE {first}"])
def test_who_is_no_member_has_no_rights(sql, member, names, matrixone_database_local, statement):
    user, first, second = names
    sql(f"GRANT ALL ON TABLE {matrixone_database_local}.* TO {first}")
    sql(f"GRANT SELECT ON TABLE {matrixone_database_local}.* TO {second}")
    assert member(f"INSERT INTO {matrixone_database_local}.t VALUES (2)") == 1
    sql(statement.format(first=first, user=user))
    assert member.refused(f"INSERT INTO {matrixone_database_local}.t VALUES (3)")
    assert member(f"SELECT count(*) FROM {matrixone_database_local}.t") == [(2,)]  # by the other role


def test_who_was_dropped_cannot_log_in_and_gets_nothing(sql, connect, names, matrixone_database_local):
    user, first, _ = names
    sql(f"DROP USER {user}")
    with pytest.raises(pymysql.MySQLError, match="Access denied"):
        connect(user=user, password="sesame")
    sql(f"GRANT SELECT ON TABLE {matrixone_database_local}.* TO {first}")
    sql(f"CREATE USER {user} IDENTIFIED BY 'other'")
    assert connect(user=user, password="other").refused(f"SELECT a FROM {matrixone_database_local}.t")


def test_a_password_is_changed(sql, connect, names):
    user = names[0]
    assert "ALTER USER" in sql.refused("SET PASSWORD = 'other'")[1]
    sql(f"ALTER USER {user} IDENTIFIED BY 'other'")
    connect(user=user, password="other")
    with pytest.raises(pymysql.MySQLError, match="Access denied"):
        connect(user=user, password="sesame")
    assert sql.refused("ALTER USER nobody IDENTIFIED BY 'x'")[0] == 20101
    sql("ALTER USER IF EXISTS nobody IDENTIFIED BY 'x'")
    assert connect(user=user, password="other").refused(f"ALTER USER {user} IDENTIFIED BY 'x'")[0] == 20101
