"""The clients under test: one body runs for `Client`, and for `AsyncClient` driven through a portal."""

import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

import anyio.from_thread
import pyarrow as pa
import pytest
from dialect_tables import METADATA
from models import User
from proxy import Proxy
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncResult, AsyncScalarResult, create_async_engine

from matrixone import AsyncClient, AsyncSession, AsyncStagePath, Client
from matrixone_async.methods import AsyncManager
from matrixone_local.server import _Listener

WRAPPED = (AsyncManager, AsyncSession, AsyncResult, AsyncScalarResult, AsyncStagePath)
ASYNCHRONOUS = ("__aenter__", "__aiter__")


async def some(rows: Any, most: int = 500) -> list[Any]:
    """The next rows, a handful at a time: a trip through the portal takes a while."""
    found: list[Any] = []
    async for row in rows:
        found.append(row)
        if len(found) == most:
            break
    return found


class Blocking:
    """Something asynchronous, used as if it were blocking."""

    def __init__(self, portal: Any, wrapped: Any) -> None:
        self.portal, self.wrapped = portal, wrapped

    def give(self, value: Any) -> Any:
        is_asynchronous = isinstance(value, WRAPPED) or any(hasattr(value, name) for name in ASYNCHRONOUS)
        return Blocking(self.portal, value) if is_asynchronous else value

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.wrapped, name)
        if not callable(value) or isinstance(value, type) or isinstance(value, WRAPPED):
            return self.give(value)
        if not iscoroutinefunction(value):  # what it returns may be awaitable and still be wanted as it is
            return lambda *args, **kwargs: self.give(self.portal.call(lambda: [value(*args, **kwargs)])[0])
        return lambda *args, **kwargs: self.give(self.portal.call(partial(value, *args, **kwargs)))

    def __enter__(self) -> Any:
        self.manager = self.portal.wrap_async_context_manager(self.wrapped)
        return self.give(self.manager.__enter__())

    def __exit__(self, *error: object) -> Any:
        return self.manager.__exit__(*error)

    def __iter__(self) -> Iterator[Any]:
        while rows := self.portal.call(some, self.wrapped):
            yield from map(self.give, rows)

    def __next__(self) -> Any:
        try:
            return self.give(self.portal.call(self.wrapped.__anext__))
        except StopAsyncIteration:
            raise StopIteration from None

    def __truediv__(self, other: str) -> Any:
        return self.give(self.wrapped / other)

    def __str__(self) -> str:
        return str(self.wrapped)

    def __repr__(self) -> str:
        return repr(self.wrapped)


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The side under test.

    The local server does the same for both, so that coverage follows its threads for one of them only: tracing takes
    more of the processor than what they do.
    """
    if request.param == "async" and threading.gettrace() is not None:
        serve = _Listener.finish_request

        def serve_untraced(*arguments: Any) -> None:
            sys.settrace(None)
            serve(*arguments)

        monkeypatch.setattr(_Listener, "finish_request", serve_untraced)
    return request.param


@pytest.fixture
def portal() -> Iterator[Any]:
    """The event loop of what is asynchronous."""
    with anyio.from_thread.start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def new_client(side: str, portal: Any) -> Iterator[Callable[..., Any]]:
    """Makes clients of the side under test; they are disconnected after the test."""
    made: list[Any] = []

    def make(**settings: Any) -> Any:
        made.append(Client(**settings) if side == "sync" else Blocking(portal, AsyncClient(**settings)))
        return made[-1]

    yield make
    for client in made:
        client.disconnect()


@pytest.fixture
def new_engine(side: str, portal: Any, matrixone_url: str, database: str) -> Iterator[Callable[..., Any]]:
    """Makes engines of the side under test, in the test's database; they are disposed of after the test."""
    driver, create = ("pymysql", create_engine) if side == "sync" else ("aiomysql", create_async_engine)
    url = make_url(matrixone_url).set(drivername=f"matrixone+{driver}", database=database)
    made: list[Any] = []

    def make(url: Any = url, **options: Any) -> Any:
        made.append(create(url, **options) if side == "sync" else Blocking(portal, create(url, **options)))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def from_engine(side: str, portal: Any) -> Iterator[Callable[[Any], Any]]:
    """Makes clients of engines; they are disconnected after the test."""
    made: list[Any] = []

    def make(engine: Any) -> Any:
        engine = getattr(engine, "wrapped", engine)
        made.append(Client.from_engine(engine) if side == "sync" else Blocking(portal, AsyncClient.from_engine(engine)))
        return made[-1]

    yield make
    for client in made:
        client.disconnect()


@pytest.fixture
def client(new_client: Callable[..., Any], matrixone_url: str, database: str) -> Any:
    """A connected client in an empty database."""
    client = new_client(url=matrixone_url, database=database)
    client.connect()
    return client


@pytest.fixture
def users(client: Any) -> Any:
    """A connected client whose database has the table of users."""
    client.create_table(User)
    return client


@pytest.fixture
def numbers(client: Any) -> Any:
    """A connected client whose database has the table `numbers` of 5,000 rows."""
    client.execute("CREATE TABLE numbers (n INT PRIMARY KEY, name VARCHAR(20))")
    table = pa.table({"n": pa.array(range(5000), pa.int32()), "name": [str(n) for n in range(5000)]})
    client.load_data.read_arrow(table, "numbers")
    return client


@pytest.fixture
def impatient(new_client: Callable[..., Any], matrixone_url: str, database: str, users: Any) -> Any:
    """A connected client that waits for a lock no longer than a second."""
    client = new_client(url=matrixone_url, database=database, lock_timeout=1)
    client.connect()
    return client


@pytest.fixture
def proxy(matrixone_url: str) -> Iterator[Proxy]:
    proxy = Proxy(matrixone_url)
    yield proxy
    proxy.close()


@pytest.fixture
def proxied(new_client: Callable[..., Any], proxy: Proxy, database: str) -> Any:
    """A connected client whose statements the proxy sees."""
    client = new_client(url=proxy.url, database=database)
    client.connect()
    return client


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def async_client(proxy: Proxy, database: str) -> AsyncIterator[AsyncClient]:
    """An asyncio client behind the proxy, on the test's own event loop, with the table of users."""
    client = AsyncClient(url=proxy.url, database=database, pool_size=2, max_overflow=0, pool_timeout=10)
    await client.connect()
    await client.create_table(User)
    yield client
    await client.disconnect()


@pytest.fixture
def big(files: Any) -> str:
    """A file that takes a while to load."""
    return files.put("big.csv", "".join(f"{number},name {number},mail,3\n" for number in range(1, 200_001)))


@pytest.fixture
def other(matrixone_url: str, database: str) -> Iterator[Client]:
    """Somebody else."""
    with Client(url=matrixone_url, database=database) as other:
        yield other


@pytest.fixture
def ordinary_user(session_admin, database, unique):
    """The login of a user who may connect, select and insert in the test's database, and no more."""
    name, role = unique("user"), unique("role")
    for statement in (
        f"CREATE ROLE {role}",
        f"CREATE USER {name} IDENTIFIED BY 'secret123' DEFAULT ROLE {role}",
        f"GRANT CONNECT ON ACCOUNT * TO {role}",
        f"GRANT SELECT, INSERT ON TABLE {database}.* TO {role}",
        f"GRANT SHOW TABLES ON DATABASE {database} TO {role}",
        f"GRANT {role} TO {name}",
    ):
        session_admin.execute(statement)
    yield {"account": "sys", "user": name, "role": role, "password": "secret123"}
    session_admin.execute(f"DROP USER IF EXISTS {name}")
    session_admin.execute(f"DROP ROLE IF EXISTS {role}")


@pytest.fixture
def engine(matrixone_url: str, database: str) -> Iterator[Engine]:
    """SQLAlchemy's own engine, with the table of `dialect_tables`."""
    engine = create_engine(matrixone_url.replace("mysql://", "matrixone+pymysql://") + f"/{database}")
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def copy_name(client, unique):
    """A name for a copy of a database, which is dropped at the end."""
    name = unique("copy")
    yield name
    client.execute(f"DROP DATABASE IF EXISTS {name}")
