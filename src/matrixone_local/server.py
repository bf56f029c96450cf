"""The server: an engine, a listening socket, a thread for each client."""

from __future__ import annotations

import socket
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from matrixone_local.engine.connection import EngineConnection
from matrixone_local.engine.data_folder import TemporaryFolder
from matrixone_local.engine.scratch import ScratchTables
from matrixone_local.engine.seekdb import ROOT, Engine
from matrixone_local.features.accounts import Account, Users, UserStatement
from matrixone_local.features.duplicate_keys import DuplicateKeyTables
from matrixone_local.features.export import Exports
from matrixone_local.features.external_tables import ExternalTables
from matrixone_local.features.file_functions import StageFiles
from matrixone_local.features.load_data import Loader
from matrixone_local.features.point_in_time import Pitrs
from matrixone_local.features.snapshots import Snapshots
from matrixone_local.files.sources import Sources
from matrixone_local.files.stages import Stages
from matrixone_local.files.stores import Storage
from matrixone_local.session.client_session import ClientSession
from matrixone_local.transactions.table_versions import TableVersions
from matrixone_local.transactions.undo_log import UndoLog
from matrixone_local.translation.index_catalog import Indexes

DEFAULT_PASSWORD = "111"  # noqa: S105  # no secret: every MatrixOne server begins with it


class LocalServer:
    """A MatrixOne server on this machine, for as long as a `with` block lasts or until `stop()`.

    Args:
        host: the address to listen on; with the default password, one of loopback.
        port: the port, 0 for any that is free.
        password: of the user `root`.
        path: the folder that keeps the data from one run to the next; without it a temporary one is used and removed.
        allow_path: the folders that `file://` stages may read; by default the current and the temporary folder.
        ssl_cert: a PEM file with the server's certificate, to offer TLS.
        ssl_key: a PEM file with its key.

    Raises:
        EngineUnavailable: on `start()`, where the engine has no build for this machine or is not installed.
        OSError: on `start()`, where the address cannot be listened on or the folder not be made.
        ValueError: the port is no port, or others could come in with the default password.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str = DEFAULT_PASSWORD,
        path: str | Path | None = None,
        allow_path: Sequence[str | Path] = (),
        ssl_cert: str | Path | None = None,
        ssl_key: str | Path | None = None,
    ) -> None:
        if not 0 <= port < 65536:
            raise ValueError(f"port={port} must be a number from 0 (any that is free) to 65535")
        _check_address(host, password)
        self.host = host
        self.port = port
        self.user = ROOT
        self.password = password
        self._path = None if path is None else Path(path)
        self._allowed = tuple(map(Path, allow_path)) or (Path.cwd(), Path(tempfile.gettempdir()))
        self._tls = _tls(ssl_cert, ssl_key)
        self._running: _ServerRuntime | None = None

    @property
    def url(self) -> str:
        """Where it listens, as `Client(url=…)` takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mysql://{self.user}:{quote(self.password, safe='')}@{host}:{self.port}"

    def start(self) -> Self:
        """Start, and return once connections are accepted."""
        if self._running is None:
            _check_address(self.host, self.password)  # both may have been set since
            address = (self.host, self.port)
            self._running = _ServerRuntime(address, self.password, self._path, self._allowed, self._tls)
            self.port = self._running.port
        return self

    def stop(self) -> None:
        """End all connections and stop; what was not committed is lost."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self._running else "stopped"
        return f"<LocalServer {self.user}@{self.host}:{self.port} {state}>"


def _check_address(host: str, password: str) -> None:
    """Refuse to listen where others could come in with the default password."""
    if password in {"", DEFAULT_PASSWORD} and not _is_loopback(host):
        raise ValueError(
            f"host={host!r} can be reached from other machines, and everybody knows the default password: give"
            " another password (--password), or listen on 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name may mean any but for `localhost`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _tls(cert: str | Path | None, key: str | Path | None) -> ssl.SSLContext | None:
    if cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


class _Listener(socketserver.ThreadingTCPServer):
    """Accepts clients, each in a thread of its own."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one client."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._serve(request)


class _ServerRuntime:
    """What a started server holds, and what its connections share (`session.context.ServerContext`)."""

    def __init__(
        self,
        address: tuple[str, int],
        password: str,
        path: Path | None,
        allowed: Sequence[Path],
        tls: ssl.SSLContext | None,
    ) -> None:
        self.tls = tls
        self._temporary: TemporaryFolder | None = None
        if path is None:
            self._temporary = TemporaryFolder()
            path = self._temporary.path
        self._folder = path
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sockets: set[socket.socket] = set()
        self._sessions: dict[int, ClientSession] = {}
        self._lock = threading.Lock()
        # listening first: a port that is taken is known before the engine starts
        try:
            self._listener = _Listener(address, self.serve)
        except OSError as error:
            self._remove_folder()
            raise OSError(error.errno, f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from None
        try:
            self._engine = Engine(self._folder)
            try:
                self._build_context(allowed, password)
            except BaseException:
                self._engine.close()
                raise
        except BaseException:
            self._listener.server_close()
            self._remove_folder()
            raise
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="matrixone_local"
        )
        self._thread.start()

    def _build_context(self, allowed: Sequence[Path], password: str) -> None:
        """Make what connections share."""
        storage = Storage(allowed, self._folder)
        self.hidden = ScratchTables(self._engine)
        self.undo_log = UndoLog(self._engine)
        self.table_versions = TableVersions(self._engine, self.hidden)  # after the journal has put back what it keeps
        self.stages = Stages(self._engine)
        self.snapshots = Snapshots(self._engine, self.hidden)
        self.indexes = Indexes(self._engine)
        self.pitrs = Pitrs(self._engine, self.hidden)
        self._users = Users(self._engine, ROOT, password)
        sources = Sources(self.stages, storage)
        self.files = StageFiles(sources, self._engine, self.hidden)
        self.loader = Loader(sources, DuplicateKeyTables(self._engine, self.hidden))
        self.external = ExternalTables(self._engine, self.hidden, sources)
        self.exports = Exports(sources)

    # -- what connections share ---------------------------------------------------------------------------------

    def serve(self, sock: socket.socket) -> None:
        """Serve one client until it goes."""
        with self._lock:
            self._sockets.add(sock)
        session = ClientSession(sock, self)
        ids: list[int] = []

        def opened(connection_id: int) -> None:
            ids.append(connection_id)
            self._sessions[connection_id] = session

        try:
            session.serve(opened)
        finally:
            for connection_id in ids:
                self._sessions.pop(connection_id, None)
            with self._lock:
                self._sockets.discard(sock)

    def link(self) -> EngineConnection:
        """A connection to the engine, not logged in yet."""
        return self._engine.link()

    def account(self, login: str) -> Account | None:
        """Who logs in under this name, or None."""
        return self._users.account(login)

    def administer(self, sql: str) -> None:
        """Carry out a statement of the engine with the relay's own rights; EngineError if it is refused."""
        with closing(self._engine.session_link()) as link:
            link.query(sql)

    def manage(self, statement: UserStatement) -> None:
        """Carry out a statement about users and rights."""
        self._users.manage(statement)

    def is_of(self, connection_id: int, user: str) -> bool:
        """Whether a connection is a user's; also where there is none, of which the engine tells."""
        session = self._sessions.get(connection_id)
        return session is None or session.user == user

    def cancel(self, connection_id: int, *, end: bool) -> None:
        """Stop what the relay itself is doing for that connection; end it as well."""
        if session := self._sessions.get(connection_id):
            session.cancel()
            if end:
                session.end()

    # -- the end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop accepting, end what runs, stop the engine."""
        self.hidden.close()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
        with self._lock:
            sockets = list(self._sockets)
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster
        self._engine.close()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._temporary is not None:
            self._temporary.remove()
