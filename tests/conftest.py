"""One server for the whole run: a local one, or the real one that MATRIXONE_URL names."""

import gc
import importlib.util
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import make_url

from matrixone import Client

HERE = Path(__file__).parent
pytest_plugins = ["pytester"]
collect_ignore = ["dialect"]  # SQLAlchemy's and Alembic's suites, which have a plugin and a session of nox of its own
if "BUILT_SITE" not in os.environ:
    collect_ignore.append("site")  # of the built documentation, by the session `docs`
if importlib.util.find_spec("nbclient") is None:
    collect_ignore.append("notebooks")  # by the session `notebooks`
MAY_BE_SKIPPED: dict[str, str] = {
    f"tests/local/session/test_clients.py::test_the_command_line_of_debian[{program}]": "pip cannot install it; .ci/run tries to"
    for program in ("mariadb", "mysql")
} | {
    f"tests/site/test_site.py::{test}": "pip cannot install Chromium; .ci/run tries to, and npm packs what draws pictures"
    for test in (
        "test_a_name_is_searched_and_followed",
        *(f"test_pictures_are_drawn[{page}]" for page in ("", "architecture/", "errors/", "tutorials/many-stages/")),
    )
}  # node id -> why; in CI no other test may be skipped, and none deselected


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what it starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("CI"):
        config.pluginmanager.register(NothingIsLeftOut())


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep the garbage collector from going through all modules and tests again and again."""
    gc.collect()
    gc.freeze()


class NothingIsLeftOut:
    """In CI, a test that does not run fails the run."""

    def __init__(self) -> None:
        self.left_out: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail") and report.nodeid not in MAY_BE_SKIPPED:
            self.left_out.append(f"{report.nodeid} was skipped")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        raise pytest.UsageError(f"CI: {len(items)} tests are deselected, the first is {items[0].nodeid}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.left_out and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.left_out:
            terminalreporter.write_line(f"CI: {line}", red=True)


LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@pytest.fixture(scope="session")
def matrixone_url(request: pytest.FixtureRequest) -> str:
    """The server's URL, as `mysql://user:password@host:port`, however MATRIXONE_URL is written."""
    said = os.environ.get("MATRIXONE_URL")
    if not said:
        return str(request.getfixturevalue("matrixone_server").url)
    url = make_url(said).set(drivername="mysql", database=None)
    return url.render_as_string(hide_password=False).removesuffix("/")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("MATRIXONE_", "AWS_")):
            monkeypatch.delenv(name)


class Files:
    """A folder that the server can read, and how to put files into it."""

    def __init__(self, admin: Client, folder: str, *, shared: bool) -> None:
        self._admin = admin
        self._shared = shared
        self.folder = folder

    def put(self, name: str, content: bytes | str) -> str:
        data = content.encode() if isinstance(content, str) else content
        if self._shared:
            path = Path(self.folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        else:  # on the server's own machine, through SQL (server-facts 32)
            stage = f"files_{uuid.uuid4().hex}"
            self._admin.stage.create_local(stage, self.folder)
            self._admin.execute(f"SELECT save_file(CAST('stage://{stage}/{name}' AS datalink), x'{data.hex()}')")
            self._admin.stage.drop(stage)
        return name

    def copy(self, *names: str) -> None:
        for name in names:
            self.put(name, (HERE / "data" / name).read_bytes())


@pytest.fixture(scope="session")
def session_admin(matrixone_url) -> Iterator[Client]:
    with Client(url=matrixone_url) as client:
        yield client


@pytest.fixture
def files(session_admin, matrixone_url, tmp_path_factory) -> Iterator[Files]:
    shared = urlsplit(matrixone_url).hostname in LOOPBACK
    folder = tempfile.mkdtemp(prefix="matrixone-files-", dir=tmp_path_factory.getbasetemp() if not shared else None)
    Path(folder).chmod(0o755)
    yield Files(session_admin, f"{folder}/", shared=shared)
    shutil.rmtree(folder)


@pytest.fixture
def database(session_admin) -> Iterator[str]:
    """The name of an empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    session_admin.execute(f"CREATE DATABASE {name}")
    yield name
    session_admin.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def unique(session_admin) -> Iterator[Callable[[str], str]]:
    """Names that nobody else uses; stages and snapshots of such a name are dropped after the test."""
    made: list[str] = []

    def name(prefix: str = "s") -> str:
        made.append(f"{prefix}_{uuid.uuid4().hex[:12]}")
        return made[-1]

    yield name
    for one in made:
        session_admin.stage.drop(one, if_exists=True)
        session_admin.snapshots.drop(one, if_exists=True)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(moto_url: str, matrixone_url: str) -> Iterator[Any]:
    """A client of boto3's for moto."""
    if urlsplit(matrixone_url).hostname not in LOOPBACK:
        pytest.skip("a server on another machine cannot reach moto on this one")
    client = boto3.client(
        "s3", endpoint_url=moto_url, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
    )
    yield client
    client.close()


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket on moto with the data files under data/."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    for path in (HERE / "data").iterdir():
        if path.is_file():
            s3.put_object(Bucket=name, Key=f"data/{path.name}", Body=path.read_bytes())
    return name


class Collected:
    """What OpenTelemetry's SDK has collected of this package since a test began."""

    def __init__(self) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.traces, self.meters = TracerProvider(), MeterProvider([self.reader])
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))

    def spans(self) -> dict[str, Any]:
        """The last finished span of each name."""
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def metrics(self) -> dict[str, Any]:
        """The points of each metric."""
        data = self.reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics[0].metrics if data is not None else []
        return {metric.name: list(metric.data.data_points) for metric in found}


@pytest.fixture
def collected(monkeypatch) -> Iterator[Collected]:
    """Spans and metrics of this test; to be asked for before a client is."""
    from matrixone_core.monitoring import pools, telemetry

    collected = Collected()
    for function in (telemetry._counter, telemetry._histogram, pools._gauges):
        function.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(telemetry, "_tracer", lambda: collected.traces.get_tracer("matrixone"))
        patch.setattr(telemetry, "_meter", lambda: collected.meters.get_meter("matrixone"))
        yield collected
    collected.meters.shutdown()
    for function in (telemetry._counter, telemetry._histogram, pools._gauges):
        function.cache_clear()
