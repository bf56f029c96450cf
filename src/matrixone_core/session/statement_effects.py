"""What a statement of the caller's does to its connection and its transaction, beside what it does to rows."""

import re
from enum import Enum

from matrixone_core.sql.placeholders import LONGEST_SEARCHED, bare_statements

_ROWS = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|LOAD|SHOW)\b", re.IGNORECASE)
_AUTOCOMMIT = re.compile(r"SET\b.*\bautocommit\b", re.IGNORECASE | re.DOTALL)
_ENDS = re.compile(r"(?:COMMIT|ROLLBACK|BEGIN|START|LOCK|UNLOCK)\b", re.IGNORECASE)
_CHANGES = re.compile(r"(?:USE|SET|PREPARE|CREATE\s+TEMPORARY)\b", re.IGNORECASE)
_OWN_VARIABLE = "@matrixone_"  # of a SET that another one takes back


class Effect(Enum):
    """An effect of a statement, the gravest last."""

    NONE = 0
    CHANGES_CONNECTION = 1  # its database, its variables, its temporary tables: whoever has it next has them, too
    ENDS_TRANSACTION = 2  # LOCK and UNLOCK TABLES commit (server-facts 92)
    CHANGES_AUTOCOMMIT = 3  # which commits, and from then on a rollback takes nothing back


def effect_of(sql: str) -> Effect:
    """The gravest effect of a statement, or of one of several."""
    if _ROWS.match(sql) is not None and ";" not in sql:
        return Effect.NONE
    return max(
        map(_effect, bare_statements(sql[:LONGEST_SEARCHED])), key=lambda effect: effect.value, default=Effect.NONE
    )


def _effect(statement: str) -> Effect:
    if _AUTOCOMMIT.match(statement) is not None:
        return Effect.CHANGES_AUTOCOMMIT
    if _ENDS.match(statement) is not None:
        return Effect.ENDS_TRANSACTION
    changes = _CHANGES.match(statement) is not None and _OWN_VARIABLE not in statement
    return Effect.CHANGES_CONNECTION if changes else Effect.NONE
