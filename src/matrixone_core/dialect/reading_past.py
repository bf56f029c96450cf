"""Statements that read the past: each table of them is read as it was at a moment (server-facts 35).

SQLAlchemy's cache of compiled statements knows no execution options, so such a statement is compiled by itself.
"""

import re
from typing import Any

from matrixone_core.dialect.compiling import PAST
from matrixone_core.execution import check_reads, past_of
from matrixone_core.fragments import render_masked
from matrixone_core.sql.moment import Past

_NO_TABLE = re.compile(r"not exist|doesn't exist|no such table|unknown database|no database selected", re.IGNORECASE)


def compiled_then(dialect: Any, compiled: Any, statement: Any, past: Past, options: Any) -> Any:
    """A statement compiled once more, to read the past.

    Args:
        dialect: the dialect.
        compiled: the statement as it reads the present.
        statement: the statement.
        past: the moment.
        options: the execution options.

    Raises:
        InvalidArgument: it is a text, or writes.
    """
    check_reads(statement)
    return statement.execution_options(**{PAST: past})._compile_w_cache(
        dialect=dialect,
        compiled_cache=None,
        column_keys=compiled.column_keys,
        schema_translate_map=options.get("schema_translate_map"),
    )[0]


def explain(error: Exception, context: Any) -> None:
    """Say in an error about a table that is not there at which moment it was looked for.

    Args:
        error: the driver's error, which is changed.
        context: what surrounded the statement, or None.
    """
    past = None if context is None else past_of(context.execution_options)
    if past is not None and len(error.args) > 1 and _NO_TABLE.search(str(error.args[1])):
        then = render_masked(past.parts()).strip()
        words = f"{error.args[1]}; the statement reads {then}, and perhaps the table was not there yet, or another one"
        error.args = (error.args[0], words, *error.args[2:])
