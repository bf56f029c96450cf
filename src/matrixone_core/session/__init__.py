"""A session's unit of work, and SQLAlchemy's session that has one."""
