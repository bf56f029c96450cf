"""How to connect, as the existing SDK tells it: from `MATRIXONE_*` variables and arguments. Names and defaults only."""

import os
from typing import Any, Unpack

from matrixone_core.settings import ConnectArguments, Settings

__all__ = ["get_connection_kwargs", "get_connection_params"]


def get_connection_params(**settings: Unpack[ConnectArguments]) -> tuple[str, int, str, str, str]:
    """The server, the user and the database: the existing SDK's name of `Settings.resolve`.

    Args:
        settings: as `Client.connect` has them; they take precedence over the environment.

    Returns:
        Host, port, user, password and database. The password is masked where it is printed. Without any other, the
        database is `test`, as in the existing SDK.

    Raises:
        InvalidArgument: a setting is not valid.
    """
    found = Settings.resolve(os.environ, settings)
    return found.host, found.port, found.user, found.password, found.database or "test"


def get_connection_kwargs(**settings: Unpack[ConnectArguments]) -> dict[str, Any]:
    """The same as keyword arguments for `Client` and `connect`: the existing SDK's name of `Settings.resolve`.

    Args:
        settings: as `Client.connect` has them; they take precedence over the environment.

    Returns:
        `host`, `port`, `user`, `password` and `database`.

    Raises:
        InvalidArgument: a setting is not valid.
    """
    names = ("host", "port", "user", "password", "database")
    return dict(zip(names, get_connection_params(**settings), strict=True))
