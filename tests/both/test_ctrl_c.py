"""Ctrl-C stops the statement on the server."""

import signal
import threading

import pytest
from interruptions import SLOW, interrupting, trigger
from models import User
from sqlalchemy import text

from matrixone import Client
from matrixone_sync.connection import Result
from matrixone_sync.workers import WorkerGroup


def test_ctrl_c_that_does_not_end_the_wait(proxy, database):
    """The system may give the signal to another thread, or right before the wait begins: it is seen all the same."""
    with Client(url=proxy.url, database=database) as client:
        interrupting(proxy, lambda statement, before: statement == SLOW)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with pytest.raises(KeyboardInterrupt):
                client.execute(SLOW)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        assert client.execute("SELECT 1").scalar() == 1


def test_a_result_that_ctrl_c_interrupts_in_the_making_ends_quietly():
    """Python prints what a finalizer raises."""
    result = Result.__new__(Result)
    assert result.__del__() is None


def test_ctrl_c_stops_the_statement_on_the_server(proxy, database, files, big, unique, other):
    other.create_table(User)
    stage = unique()
    other.stage.create_local(stage, files.folder)
    with Client(url=proxy.url, database=database) as client:
        interrupting(proxy, lambda statement, before: trigger(statement))
        with pytest.raises(KeyboardInterrupt):
            client.load_data.read_csv_stage(stage, big, User)
        interrupting(proxy, lambda statement, before: trigger(statement))
        with pytest.raises(KeyboardInterrupt):
            client.execute(SLOW)
        interrupting(proxy, lambda statement, before: trigger(statement))
        with pytest.raises(KeyboardInterrupt), client.session() as session:
            session.execute(text("INSERT INTO users (id) VALUES (1)"))
            session.execute(text(SLOW))
        assert len(proxy.sent("KILL QUERY")) >= 3
        assert client.engine.pool.checkedout() == 0
        assert client.execute("SELECT count(*) FROM users").scalar() == 0


def test_ctrl_c_as_operations_begin_waits_for_those_that_have_begun():
    begun, ends, ended = threading.Event(), threading.Event(), []

    def call():
        begun.set()
        ends.wait(60)
        ended.append(True)

    def calls():
        yield call
        begun.wait(60)
        threading.Timer(0.2, ends.set).start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        WorkerGroup().run_all(calls(), 2)
    assert ended == [True]
