"""A session's objects of the past: other objects than those of the present, and never written.

SQLAlchemy keeps one object for each row. An identity token separates rows of one key; here it is the moment.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Select, inspect, orm
from sqlalchemy.orm.interfaces import UserDefinedOption

from matrixone_core.errors import InvalidArgument
from matrixone_core.execution import options_of_past, past_of
from matrixone_core.fragments import render_masked
from matrixone_core.sql.moment import Past


class _Moment(UserDefinedOption):
    """The moment that a statement reads, for those by which SQLAlchemy loads more of its objects.

    It sends these with the statement's options, and those that load a subclass's columns without its execution options.
    """

    payload: Past


_TOKEN = "identity_token"  # SQLAlchemy's execution option  # noqa: S105  # no password


def note_moment(state: orm.ORMExecuteState) -> None:
    """Have a SELECT's objects be those of the moment that it reads.

    What SQLAlchemy loads later for an object of the past is read as of its moment.

    Args:
        state: the statement that a session is about to execute.
    """
    if not (state.is_select and state.is_orm_statement):
        return
    past = past_of(state.execution_options)
    if past is None:
        past = _moment_of_object(state) or _moment_of_options(state)
        if past is None:
            return
        state.update_execution_options(**options_of_past(past))
    state.update_execution_options(**{_TOKEN: past})
    statement: Any = state.statement
    if issubclass(type(statement), Select):
        state.statement = statement.options(_Moment(past))


def moment_of_lookup(loaded_for: Any, options: Mapping[str, Any]) -> Past | None:
    """The moment of an object that a session seeks among those that it has, or None for the present.

    Args:
        loaded_for: the state of the object whose relationship is loaded, or None.
        options: the execution options.
    """
    past = past_of(options)
    if past is None and loaded_for is not None:
        return _past_or_none(loaded_for.identity_token)
    return past


def refuse_changes(objects: Iterable[object]) -> None:
    """Refuse to write objects of the past, which would change the rows of the present.

    Args:
        objects: what would be written.

    Raises:
        InvalidArgument: one of them is of the past.
    """
    for each in objects:
        state: Any = inspect(each)
        past = _past_or_none(state.identity_token)
        if past is not None:
            then = render_masked(past.parts()).strip()
            raise InvalidArgument(
                f"an object of {type(each).__name__} was read as of {then} and changed, and the past cannot be written;"
                " change the object of the present: session.get() without snapshot= and timestamp=; or"
                " session.expunge() this one"
            )


def changed_objects(session: orm.Session) -> list[object]:
    """The objects that a session's next flush updates or deletes."""
    return [*filter(session.is_modified, session.dirty), *session.deleted]


def _moment_of_object(state: orm.ORMExecuteState) -> Past | None:
    """The moment of the object for which SQLAlchemy loads more, or that it loads again."""
    if state.lazy_loaded_from is not None:
        return _past_or_none(state.lazy_loaded_from.identity_token)
    options: Any = state.load_options
    # columns of a subclass are loaded for an object without the token of its identity
    loaded: Any = options._refresh_state  # noqa: SLF001  # nothing public has the object
    token = options._identity_token if loaded is None else loaded.identity_token  # noqa: SLF001  # nor the token
    return _past_or_none(token)


def _moment_of_options(state: orm.ORMExecuteState) -> Past | None:
    """The moment of the statement whose objects a statement loads more of."""
    return next((one.payload for one in state.user_defined_options if isinstance(one, _Moment)), None)


def _past_or_none(token: object) -> Past | None:
    return token if isinstance(token, Past) else None
