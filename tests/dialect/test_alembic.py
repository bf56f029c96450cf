"""Alembic's tests of a dialect, on both drivers."""

from alembic.testing.suite import *  # noqa: F403  # all of them
