"""The blocking side: carries the core's operations out with SQLAlchemy's `Engine` and PyMySQL."""
