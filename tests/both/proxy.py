"""A relay between a client and the server that can cut, hold back or count what passes."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

QUERY, PING = b"\x03", b"\x0e"


class Proxy:
    """Relays to the server of *url*; what it does with each packet of a client is `rule`'s to say.

    The rule is given a statement and those sent before it over the same connection, and says "pass", "cut" (close without sending them), "send and cut" (close without an
    answer), "garble" (send what the server refuses) or "hold" (send nothing until `release()`); or it gives bytes: the
    answer that the client has instead of the server's, before the connection is cut.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port or 6001)
        self._listener = socket.create_server(("127.0.0.1", 0))
        host, port = self._listener.getsockname()
        login = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{login}@{host}:{port}"))
        self.rule: Callable[[str, list[str]], str | bytes] = lambda statement, before: "pass"
        self.seen: list[str] = []
        self.pings = 0
        self.ping_answer: bytes | None = None  # as of the rule
        self.silent = False  # whether what the server says does not reach the client
        self.change = (b"", b"")  # what the server says, and what the client hears instead, of the same length
        self.held = threading.Event()
        self._released = threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def release(self) -> None:
        self._released.set()

    def cut_all(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def sent(self, beginning: str) -> list[str]:
        """The statements that clients have sent, those that begin so."""
        return [statement for statement in self.seen if statement.startswith(beginning)]

    def hold_commit(self, seconds: float) -> None:
        """Hold the COMMIT of an INSERT back for so long."""

        def rule(statement: str, before: list[str]) -> str:
            if statement == "COMMIT" and before[-1].startswith("INSERT"):
                threading.Timer(seconds, self.release).start()
                return "hold"
            return "pass"

        self.rule = rule

    def close(self) -> None:
        self.release()
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut_all()
        for thread in list(self._threads):
            thread.join()
        for one in (self._listener, *self._open):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._open += [client, server]
            for target, ends in ((self._up, (client, server)), (self._down, (server, client))):
                self._threads.append(threading.Thread(target=target, args=ends))
                self._threads[-1].start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        before: list[str] = []
        with suppress(OSError):
            while data := client.recv(1 << 16):
                self.pings += data[4:5] == PING
                statement = data[5:].decode(errors="replace") if data[4:5] == QUERY else ""
                what = self.rule(statement, before) if statement else "pass"
                if data[4:5] == PING and self.ping_answer is not None:
                    what = self.ping_answer
                before.append(statement)
                self.seen.append(statement)
                if isinstance(what, bytes):
                    client.sendall(what)
                    break
                if what == "hold":
                    self.held.set()
                    self._released.wait()
                if what == "garble":
                    data = data[:-1] + b"\x01"  # what goes on is another
                if what == "send and cut":  # the client is cut off first: a fast server's answer must not reach it
                    client.shutdown(socket.SHUT_RDWR)
                    server.sendall(data)
                    server.shutdown(socket.SHUT_WR)
                    return
                if what != "cut":
                    server.sendall(data)
                if what == "cut":
                    break
        self._end(client, server)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if not self.silent:
                    client.sendall(data.replace(*self.change) if self.change[0] else data)
        self._end(client, server)

    def _end(self, *ends: socket.socket) -> None:
        for one in ends:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
