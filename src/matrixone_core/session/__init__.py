"""What belongs to a session: SQLAlchemy's session, its unit of work, and the states of its transaction.

No operation belongs here: a session runs those of the client, and only changes what becomes of some of their steps.
"""
