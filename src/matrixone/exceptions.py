"""The existing SDK's names of errors, for `except`. New programs use `matrixone.errors`.

`execute` and `stream` raise SQLAlchemy's errors for what the server refuses, so `QueryError` is SQLAlchemy's
`DBAPIError`. All other calls raise a `MatrixOneError`.
"""

from typing import TypeAlias

from sqlalchemy.exc import DBAPIError

from matrixone_core.errors import ConnectionFailure, InvalidArgument, MatrixOneError, ServerError

ConnectionError: TypeAlias = ConnectionFailure  # noqa: A001  # the existing SDK's name
ConfigurationError: TypeAlias = InvalidArgument
QueryError: TypeAlias = DBAPIError
CloneError: TypeAlias = ServerError
PitrError: TypeAlias = ServerError
RestoreError: TypeAlias = ServerError
SnapshotError: TypeAlias = ServerError

__all__ = [
    "CloneError",
    "ConfigurationError",
    "ConnectionError",
    "MatrixOneError",
    "PitrError",
    "QueryError",
    "RestoreError",
    "SnapshotError",
]
