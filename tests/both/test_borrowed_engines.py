"""Clients on an engine that belongs to the program, by both clients."""

import asyncio
import threading

import pytest
import sqlalchemy
from models import User
from sqlalchemy import NullPool, StaticPool, event, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from matrixone import AsyncClient, Client, ConnectionFailed, InvalidArgument, StageExists, WrongEventLoop


def core(engine):
    """The engine that blocks, within the one of the side."""
    engine = getattr(engine, "wrapped", engine)
    return getattr(engine, "sync_engine", engine)


def test_the_engine_is_used_and_stays_open(new_engine, from_engine, database, unique, files):
    engine = new_engine()
    with engine.connect() as connection:
        own = connection.execute(text("SELECT CONNECTION_ID()")).scalar()
    client = from_engine(engine)
    assert core(client.engine) is core(engine)
    assert client.execute("SELECT CONNECTION_ID(), DATABASE()").one() == (own, database)
    client.create_table(User)
    files.put("users.csv", "1,Ada,ada@x,36\n2,Grace,grace@x,45\n")
    stage = unique()
    with client.session() as session:  # stages go over another connection
        session.stage.create_local(stage, files.folder)
        assert session.load_data.read_csv_stage(stage, "users.csv", User).rows == 2
    assert client.load_data.read_csv(b"3,Alan,,\n", User).rows == 1  # data that is sent
    with pytest.raises(StageExists):
        client.stage.create_local(stage, files.folder)
    client.disconnect()
    assert core(engine).pool.checkedin() >= 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM users")).scalar() == 3
    with client:
        assert "as root" in repr(client)
        assert client.execute(select(User.name).order_by(User.id)).scalars().all() == ["Ada", "Grace", "Alan"]


def test_two_clients_share_an_engine(new_engine, from_engine):
    engine = new_engine(pool_size=2, max_overflow=1)
    first, second = from_engine(engine), from_engine(engine)
    status = first.pool_status()
    assert (status.size, status.limit, status.waiting, status.reserve.limit) == (2, 3, 0, 3)
    assert first.execute("SELECT 1").scalar() == second.execute("SELECT 1").scalar() == 1
    first.disconnect()
    assert second.execute("SELECT 2").scalar() == 2
    of_client = from_engine(second.engine)
    with pytest.raises(OperationalError) as caught:
        of_client.execute("SELECT SLEEP(20)", timeout=0.3)
    assert caught.value.orig.args[0] == 3024


def test_a_statement_that_is_given_up_on_is_stopped_on_the_server(new_engine, from_engine, proxy, side):
    driver = "pymysql" if side == "sync" else "aiomysql"
    client = from_engine(new_engine(proxy.url.replace("mysql://", f"matrixone+{driver}://")))
    own = client.execute("SELECT CONNECTION_ID()").scalar()
    with pytest.raises(OperationalError):
        client.execute("SELECT SLEEP(30)", timeout=0.3)
    assert proxy.sent("KILL") == [f"KILL QUERY {own}"]


def test_settings_belong_to_the_engine(new_engine, from_engine):
    client = from_engine(new_engine())
    with pytest.raises(InvalidArgument, match="takes no settings; omit database, host"):
        client.connect(database="d", host="h")
    assert client.connect().execute("SELECT 1").scalar() == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"poolclass": StaticPool}, "StaticPool"), ({"isolation_level": "AUTOCOMMIT"}, "AUTOCOMMIT"),
        ({"execution_options": {"isolation_level": "AUTOCOMMIT"}}, "AUTOCOMMIT"),
    ],
)  # fmt: skip
def test_engines_that_cannot_keep_the_promise(new_engine, from_engine, options, says):
    with pytest.raises(InvalidArgument, match=says):
        from_engine(new_engine(**options))


def run_statement(sql):
    def hook(connection):
        cursor = connection.cursor()
        cursor.execute(sql)
        cursor.close()

    return hook


@pytest.mark.parametrize("means", ["connect_args", "url", "init_command", "listener"])
def test_connections_that_commit_each_statement_are_refused(new_engine, from_engine, means):
    """Of a session that fails its first rows would stay."""
    with pytest.raises(InvalidArgument, match="autocommit is on"):
        engine = new_engine(**{
            "connect_args": {"connect_args": {"autocommit": True}},
            "init_command": {"connect_args": {"init_command": "SET autocommit=1"}},
        }.get(means, {}))  # fmt: skip
        if means == "url":
            engine = new_engine(core(engine).url.update_query_dict({"autocommit": "true"}))
        if means == "listener":
            event.listen(core(engine), "connect", lambda raw, _: run_statement("SET autocommit=1")(raw))
        with from_engine(engine).session() as session:
            session.execute(text("SELECT 1"))
        raise AssertionError("nothing was refused")


def test_other_work_on_an_engine_that_commits_each_statement(new_engine, from_engine):
    engine = new_engine(connect_args={"autocommit": True})
    with pytest.raises(InvalidArgument, match="autocommit is on"):
        from_engine(engine).execute("SELECT 1")
    with engine.connect() as connection:  # the program's own affair
        assert connection.execute(text("SELECT @@autocommit")).scalar() in {1, "1"}


def test_the_program_s_first_statement_and_the_url_s_settings(new_engine, from_engine):
    begin = "SET lock_wait_timeout=7"
    engine = new_engine()
    url = core(engine).url.update_query_dict({"time_zone": "+08:00"})
    for engine in (
        new_engine(url, connect_args={"init_command": begin}), new_engine(url.update_query_dict({"init_command": begin})),
    ):  # fmt: skip
        found = from_engine(engine).execute("SELECT @@time_zone, @@lock_wait_timeout, @@autocommit").one()
        assert list(map(str, found)) == ["+08:00", "7", "0"]


def test_a_first_statement_that_fails(new_engine, from_engine):
    with pytest.raises(ConnectionFailed, match="nonsense"):
        from_engine(new_engine(connect_args={"init_command": "nonsense"})).execute("SELECT 1")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"charset": "gbk"}, "charset='gbk' must be"),
        ({"cursorclass": dict}, "cursorclass"),
        ({"use_unicode": False}, "use_un"),
    ],
)
def test_arguments_that_replies_cannot_be_read_with(new_engine, from_engine, arguments, says):
    with pytest.raises(InvalidArgument, match=says):
        from_engine(new_engine(connect_args=arguments)).execute("SELECT 1")


NO_BACKSLASHES = "SET sql_mode='NO_BACKSLASH_ESCAPES'"  # under which quotes in values would end their literals


def set_latin1(connection):
    if hasattr(connection, "run_async"):
        connection.run_async(lambda driver: driver.set_charset("latin1"))
    else:
        connection.set_character_set("latin1")


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        (run_statement(NO_BACKSLASHES), "NO_BACKSLASH_ESCAPES"), (set_latin1, "charset='latin1'"),
        (run_statement("SET autocommit=1"), "autocommit is on"),
    ],
)  # fmt: skip
def test_what_functions_for_new_connections_must_not_do(new_client, matrixone_url, hook, says, caplog):
    with pytest.raises(InvalidArgument, match=says):
        new_client(url=matrixone_url, on_connect=hook).connect()
    assert not caplog.records  # of a connection that is closed twice


def test_a_mode_that_values_are_not_written_for(client, new_engine, from_engine):
    with pytest.raises(InvalidArgument, match="NO_BACKSLASH_ESCAPES"):
        from_engine(new_engine(connect_args={"init_command": NO_BACKSLASHES})).execute("SELECT 1")
    with client.session() as session:
        with pytest.raises(InvalidArgument, match="NO_BACKSLASH_ESCAPES"):
            session.execute(text(NO_BACKSLASHES))
        assert session.execute(text("SELECT :it"), {"it": "it's"}).scalar() == "it's"


def test_engines_of_another_dialect(new_engine, from_engine, side):
    url = "mysql+pymysql://127.0.0.1:1/d" if side == "sync" else "mysql+aiomysql://127.0.0.1:1/d"
    with pytest.raises(InvalidArgument, match=r"dialect mysql\+.*create one by create_.*matrixone\+") as caught:
        from_engine(new_engine(url))
    assert "sesame" not in str(caught.value)
    for given in ("mysql://", None):
        with pytest.raises(InvalidArgument, match="Engine"):
            from_engine(given)


def test_the_other_side_s_engine():
    blocking = sqlalchemy.create_engine("matrixone+pymysql://root:sesame@127.0.0.1:1/d")
    asynchronous = create_async_engine("matrixone+aiomysql://root:sesame@127.0.0.1:1/d")
    with pytest.raises(InvalidArgument, match="AsyncClient takes an AsyncEngine") as caught:
        Client.from_engine(asynchronous)
    assert "sesame" not in str(caught.value)
    with pytest.raises(InvalidArgument, match="Client takes an Engine"):
        AsyncClient.from_engine(blocking)


def test_a_pool_that_keeps_nothing(new_engine, from_engine, unique, files):
    client = from_engine(new_engine(poolclass=NullPool))
    assert client.pool_status().in_use == 0
    assert client.stage.create_local(unique(), files.folder).enabled
    with client.session() as session:
        assert session.stage.list()
        assert session.execute(text("SELECT 1")).scalar() == 1


def test_listeners_of_the_program_hear_of_all_connections(new_engine, from_engine, unique, files):
    engine, opened = new_engine(), []
    event.listen(core(engine), "connect", lambda *_: opened.append(threading.get_ident()))
    client = from_engine(engine)
    with client.session() as session:
        session.execute(text("SELECT 1"))
        session.stage.create_local(unique(), files.folder)
    assert len(opened) == 2


def test_an_asynchronous_client_belongs_to_the_loop_that_uses_it_first(matrixone_url):
    engine = create_async_engine(matrixone_url.replace("mysql://", "matrixone+aiomysql://"))
    client = AsyncClient.from_engine(engine)
    assert client.engine is engine

    async def use():
        assert (await client.execute("SELECT 1")).scalar() == 1
        await client.disconnect()
        await client.connect()
        await engine.dispose()

    asyncio.run(use())

    async def use_elsewhere():
        with pytest.raises(WrongEventLoop):
            await client.execute("SELECT 1")

    asyncio.run(use_elsewhere())
    asyncio.run(client.disconnect())


def test_a_model_of_the_program_goes_through_both(new_engine, from_engine):
    engine = new_engine()
    client = from_engine(engine)
    client.create_table(User)
    with engine.begin() as connection:
        connection.execute(insert(User), [{"id": 1, "name": "Ada"}])
    assert client.execute(select(User.name)).scalars().all() == ["Ada"]


def test_a_statement_that_cannot_be_stopped_is_logged(new_engine, from_engine, proxy, side, caplog):
    driver = "pymysql" if side == "sync" else "aiomysql"
    client = from_engine(new_engine(proxy.url.replace("mysql://", f"matrixone+{driver}://")))
    proxy.rule = lambda statement, _: "cut" if statement.startswith("KILL") else "pass"
    with pytest.raises(OperationalError):
        client.execute("SELECT SLEEP(1)", timeout=0.3)
    assert "could not be stopped, and may still run on the server" in caplog.text
