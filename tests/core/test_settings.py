"""How to connect: what comes before what, and what cannot be."""

import inspect

import pytest

from matrixone import AsyncClient, Client, Settings
from matrixone_core.errors import InvalidArgument


def resolve(environment=None, **arguments):
    return Settings.resolve(environment or {}, arguments)


def test_defaults():
    settings = resolve()
    assert (settings.host, settings.port, settings.user, settings.password) == ("127.0.0.1", 6001, "root", "111")
    assert (settings.connect_timeout, settings.read_timeout, settings.lock_timeout) == (10, None, None)
    assert settings.pool == {
        "pool_size": 10,
        "max_overflow": 20,
        "pool_timeout": 30,
        "pool_recycle": 1800,
        "pool_pre_ping": True,
    }
    assert settings.reserve == settings.pool | {"pool_size": 4, "max_overflow": 0}
    assert settings.timeout is None
    quick = settings.within(4)
    assert (quick.connect_timeout, quick.pool_timeout, quick.timeout) == (4, 4, 4)
    assert resolve(connect_timeout=2, pool_timeout=1).within(4).pool_timeout == 1
    assert settings.wait is None
    assert settings.where == "127.0.0.1:6001 as root"


def test_arguments_over_variables_over_url_over_defaults():
    environment = {"MATRIXONE_URL": "mysql://u:p@h:1/d", "MATRIXONE_HOST": "h2", "MATRIXONE_DATABASE": "d2"}
    settings = resolve(environment, database="d3", port=None)
    assert (settings.host, settings.port, settings.user, settings.password, settings.database) == (
        "h2",
        1,
        "u",
        "p",
        "d3",
    )
    assert Settings.resolve(environment, {"url": "mysql://other", "host": "x"}, {"host": "y"}).host == "y"
    assert resolve(environment, url="mysql://other").host == "other"


@pytest.mark.parametrize("name", ["host", "user", "password", "database", "account", "role", "ssl_ca"])
def test_each_variable(name):
    assert getattr(resolve({f"MATRIXONE_{name.upper()}": "x"}), name) == "x"


def test_variables_that_are_no_text():
    assert resolve({"MATRIXONE_PORT": "7"}).port == 7
    assert resolve({"MATRIXONE_SSL_MODE": "VERIFY-CA"}).ssl_mode == "verify_ca"
    assert resolve({"MATRIXONE_HOST": ""}).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://", {}),
        ("mysql://h", {"host": "h"}),
        ("matrixone+aiomysql://[::1]:7/", {"host": "::1", "port": 7}),
        ("mysql://sys%3Aroot%3Aadmin:p%40%3A@h/d%2Fx", {"account": "sys", "user": "root", "role": "admin", "password": "p@:",
                                                       "database": "d/x"}),
        ("mysql://acc%23u@h", {"account": "acc", "user": "u"}),
        ("mysql+pymysql://u:@h?charset=utf8mb4&connect_timeout=3&ssl_mode=required",
         {"user": "u", "password": "", "connect_timeout": 3, "ssl_mode": "required"}),
    ],
)  # fmt: skip
def test_urls(url, expected):
    settings = resolve(url=url)
    assert {name: getattr(settings, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"url": "postgres://u:sesame@h"}, "begins with 'postgres'"),
        ({"url": "127.0.0.1:6001"}, "does not begin with mysql://"),
        ({"url": "sys:root:sesame@h"}, "begins with"),
        ({"url": "mysql://sys:root:sesame@h"}, "2 colons before the @"),
        ({"url": "mysql://u:sesame@h:port"}, "cannot be read"),
        ({"url": "mysql://u%3A:sesame@h"}, "not user, account:user"),
        ({"url": "mysql://u:sesame@h?nope=1"}, "no setting 'nope'"),
        ({"port": 0}, "port=0"), ({"port": "x"}, "1 to 65535"), ({"port": 70000}, "1 to 65535"),
        ({"host": ""}, "host is empty"), ({"host": 3}, "must be a str"), ({"password": 3}, "must be a str"),
        ({"user": "a:b"}, "account=, user= and role="), ({"account": "a#b"}, "cannot have"),
        ({"ssl_mode": "maybe"}, "disabled, required, verify_ca, verify_identity"), ({"ssl_key": "k"}, "without ssl_cert"),
        ({"time_zone": "'; DROP"}, "'\\+08:00'"), ({"time_zone": 8}, "'\\+08:00'"), ({"connect_timeout": 0}, "more than zero"),
        ({"connect_timeout": "x"}, "a number"), ({"read_timeout": -1}, "zero or more"), ({"lock_timeout": 0}, "1 or more"),
        ({"lock_timeout": 1.5}, "whole"), ({"pool_size": 0}, "1 or more"), ({"max_overflow": -1}, "zero or more"),
        ({"pool_timeout": float("inf")}, "a number"), ({"pool_recycle": -2}, "zero or more"), ({"wait": "long"}, "a number"),
        ({"nope": 1}, "no setting 'nope'"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(arguments, says):
    with pytest.raises(InvalidArgument, match=says) as caught:
        resolve(**arguments)
    assert "sesame" not in f"{caught.value}{caught.value.__cause__}"


def test_settings_of_the_session():
    settings = resolve(time_zone="Asia/Shanghai", lock_timeout=5, read_timeout=1.5, connect_timeout=2)
    assert dict(settings.sqlalchemy_url("aiomysql").query) == {
        "connect_timeout": "2.0", "lock_timeout": "5", "time_zone": "Asia/Shanghai",
    }  # fmt: skip
    assert settings.read_timeout == 1.5


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_mistyped_setting_is_told_at_once(client):
    with pytest.raises(InvalidArgument, match="no setting 'hots'; did you mean 'host'"):
        client(hots="x")


def test_an_unknown_setting_that_resembles_none_lists_all():
    with pytest.raises(InvalidArgument, match="no setting 'xyzzy'; the settings are account, connect_timeout"):
        resolve(xyzzy=1)


def test_pool_recycle_may_be_never():
    assert resolve(pool_recycle=-1).pool_recycle == -1


def test_logins():
    assert resolve(account="a", role="r").login == "a:root:r"
    assert resolve(account="a").login == "a:root"
    assert resolve(role="r").login == "sys:root:r"


def test_the_password_shows_nowhere():
    settings = resolve(password="sesame")
    assert "sesame" not in f"{settings} {settings!r} {settings.where} {settings.sqlalchemy_url('pymysql')}"
    assert settings.sqlalchemy_url("pymysql").password == "sesame"


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_connect_shows_its_settings(client):
    for function in (client.connect, client):
        parameters = inspect.signature(function).parameters
        names = [name for name in parameters if name != "self"]
        assert names == [
            "url", "host", "port", "user", "password", "database", "account", "role", "ssl_mode", "ssl_ca", "ssl_cert",
            "ssl_key", "connect_timeout", "read_timeout", "timeout", "lock_timeout", "time_zone", "pool_size", "max_overflow",
            "pool_timeout", "pool_recycle", "reserve_size", "wait", "slow_query_threshold", "on_connect",
        ]  # fmt: skip
        assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in names)
        assert parameters["connect_timeout"].default == 10
        assert parameters["pool_recycle"].default == 1800
        assert parameters["host"].default is None


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "lock_timeout"])
def test_no_time_is_longer_than_a_year(name):
    """PyMySQL refuses a longer `connect_timeout` by an error of its own, and a longer `read_timeout` ends at once."""
    assert getattr(Settings.resolve({}, {name: 31_536_000}), name) == 31_536_000
    for seconds in (31_536_001, 10**400):
        with pytest.raises(InvalidArgument, match=name):
            Settings.resolve({}, {name: seconds})


@pytest.mark.parametrize(
    "name", ["port", "timeout", "pool_size", "max_overflow", "pool_recycle", "wait", "lock_timeout"]
)
def test_a_number_is_no_flag(name):
    for wrong in (True, False):
        with pytest.raises(InvalidArgument, match=f"{name}={wrong} must be"):
            Settings.resolve({}, {name: wrong})
    with pytest.raises(InvalidArgument, match=r"port=1\.5"):
        Settings.resolve({}, {"port": 1.5})
