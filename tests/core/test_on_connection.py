"""What steps do with a connection, by what one that records it was given."""

from dataclasses import dataclass

import pytest
from connection_double import Connection
from pymysql.err import OperationalError, ProgrammingError
from script import drive
from sqlalchemy.exc import DBAPIError

from matrixone_core import on_connection
from matrixone_core.errors import CommitUnknown, ConnectionLost, ServerError, TableNotFound
from matrixone_core.row_packets import RowPackets
from matrixone_core.sql.past import CheckForeignKeys
from matrixone_core.steps import Command


@dataclass(frozen=True)
class Surrounded(Command):
    """A statement with SETs around it."""

    before = "SET a=1"
    after = "SET a=0"

    def parts(self):
        yield "DO SOMETHING"


class Work:
    """A unit of work that has the errors that it was given."""

    def __init__(self):
        self.errors = []

    def record_error(self, error):
        self.errors.append(error)


def refused(code=1064, words="no", *, lost=False):
    error = OperationalError if lost else ProgrammingError
    return DBAPIError("DO SOMETHING", {}, error(code, words), connection_invalidated=lost)


def test_what_surrounds_a_statement_is_sent_on_its_connection():
    connection = Connection()
    on_connection.execute_statement(connection, Surrounded(), None)
    assert connection.log == ["SET a=1", "DO SOMETHING", "SET a=0"]
    assert connection.options == [{}, {}, {}]


@pytest.mark.parametrize(
    ("error", "kind", "last"),
    [
        (refused(), ServerError, "SET a=0"),
        (refused(1146), TableNotFound, "SET a=0"),
        (refused(2013, lost=True), ConnectionLost, "DO SOMETHING"),
    ],
)
def test_what_follows_a_statement_is_sent_though_that_fails(error, kind, last):
    connection = Connection(fails={"DO": error})
    with pytest.raises(kind) as caught:
        on_connection.execute_statement(connection, Surrounded(), None)
    assert connection.log[-1] == last
    assert caught.value.__context__ is None, "the driver's frames can be reached"
    assert caught.value.statement == "DO SOMETHING"


def test_a_statement_with_nothing_around_it_is_sent_alone():
    connection = Connection()
    on_connection.execute_statement(connection, CheckForeignKeys(enabled=True), None)
    assert len(connection.log) == 1
    with pytest.raises(ServerError):
        on_connection.execute_statement(Connection(fails={"": refused()}), CheckForeignKeys(enabled=True), None)


def test_data_that_break_off_end_the_transaction_if_the_connection_is_closed():
    work = Work()
    connection = Connection(fails={"DO": refused(2013, lost=True)}, work=work)
    on_connection.send_local_data(Connection(), Surrounded(), iter([b"a", b"b"]), None)
    with pytest.raises(ConnectionLost):
        on_connection.send_local_data(connection, Surrounded(), iter([b"a"]), None)
    assert connection.log == ["sends b'a'", "SET a=1", "DO SOMETHING"]
    assert work.errors == []
    connection.open = False
    with pytest.raises(ConnectionLost):
        on_connection.send_local_data(connection, Surrounded(), iter([b"a"]), None)
    [error] = work.errors
    assert str(error) == "its connection was closed, as the data that it was sending broke off"


@pytest.mark.parametrize(
    ("drivers", "statements", "options"),
    [(None, None, {}), (5, None, {"timeout": 5}), (None, 2, {"timeout": 2}), (5, 2, {"timeout": 2})],
)
def test_the_shorter_time_limit_counts(drivers, statements, options):
    connection = Connection()
    on_connection.execute_statement(connection, Surrounded(time_limit=statements), drivers)
    assert connection.options[1] == options


def test_a_function_whose_errors_are_translated():
    connection = Connection(fails={"COMMIT": refused(1146)})
    with pytest.raises(TableNotFound):
        drive(on_connection.run_translated(Connection.commit), lambda step: step.call(connection))
    assert drive(on_connection.run_translated(Connection.get_execution_options), lambda step: step.call(connection))


def test_a_commit_without_an_answer():
    on_connection.commit(Connection())
    with pytest.raises(CommitUnknown):
        on_connection.commit(Connection(fails={"COMMIT": refused(2013, lost=True)}))
    with pytest.raises(ServerError):
        on_connection.commit(Connection(fails={"COMMIT": refused()}))


def test_the_end_of_a_stream_that_was_never_opened():
    connection = Connection()
    on_connection.RowStream(Surrounded(), 5).skip_rest(connection)
    assert connection.log == []


def test_rows_are_fetched_batch_by_batch():
    connection, stream = Connection(rows=[(1,), (2,), (3,)]), on_connection.RowStream(Surrounded(time_limit=3), 2)
    assert stream.open(connection) == ()
    assert connection.options == [{"timeout": 3, "yield_per": 2}]
    assert [stream.fetch(connection) for _ in range(3)] == [[(1,), (2,)], [(3,)], []]
    assert str(stream) == "DO SOMETHING"


def test_a_block_that_does_not_come_ends_the_transaction():
    work = Work()
    connection = Connection(blocks=[OperationalError(2013, "Lost"), OperationalError(2013, "Lost")], work=work)
    packets = RowPackets(1, 1, streams=True)
    with pytest.raises(DBAPIError, match="Lost"):
        on_connection.next_block(connection, packets)
    assert [type(error) for error in work.errors] == [ConnectionLost]
    connection.work = None
    with pytest.raises(DBAPIError, match="Lost"):
        on_connection.next_block(connection, packets)


def test_a_session_learns_that_its_connection_was_closed():
    work = Work()
    connection = Connection(work=work)
    on_connection.note_closed(connection, "as a test says")
    assert work.errors == []
    on_connection.hang_up(connection)
    assert connection.log == ["close_at_once"]
    [error] = work.errors
    assert str(error) == "its connection was closed, as the rest of a result was not read"


def test_a_connection_that_was_lost_is_asked_for_no_more():
    """SQLAlchemy would raise an error of its own in place of the one that says why."""
    work = Work()
    connection = Connection(work=work)
    connection.invalidate()
    on_connection.note_closed(connection, "as a test says")
    assert connection.log == ["invalidate"]
    assert [type(error) for error in work.errors] == [ConnectionLost]


def test_a_pool_replaces_a_connection_that_was_closed():
    connection = Connection()
    on_connection.hang_up(connection)
    on_connection.hang_up(connection)
    assert connection.log == ["close_at_once", "invalidate"]
