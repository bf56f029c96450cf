"""Sockets after a fork."""

import socket

import pytest

from matrixone_platform.fork import leave_to_parent


def test_a_socket_of_the_parents_is_left_without_closing_the_parents():
    childs, server = socket.socketpair()
    parents = childs.dup()
    with childs, server, parents:
        leave_to_parent(childs.fileno())
        with pytest.raises(OSError, match="non-socket"):
            childs.send(b"x")
        parents.sendall(b"y")
        assert server.recv(1) == b"y"
        server.sendall(b"z")
        assert parents.recv(1) == b"z"
