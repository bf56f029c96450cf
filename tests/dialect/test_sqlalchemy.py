"""SQLAlchemy's tests of a dialect, on both drivers."""

from sqlalchemy.testing.suite import *  # noqa: F403  # all of them
